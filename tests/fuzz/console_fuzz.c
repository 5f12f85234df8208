/*
 * A guest's console driver, which may do anything to its two rings, and a terminal that takes what it likes. What is
 * heard must be what was said: never more than a request may have, never from outside of the guest's memory, and
 * nobody waits for what can't come.
 *
 * max: 2048
 */
#include "device.h"
#include "fuzz.h"

#include "base/str.h"
#include "microvm/virtio_console.h"

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <string.h>

enum { RX = VIRTIO_CONSOLE_RX, TX = VIRTIO_CONSOLE_TX };

struct machine {
	struct virtio_console console;
	size_t room;  /* what the terminal takes until it's told otherwise */
	size_t heard; /* since it was looked at last */
	bool refused; /* it took less than it was offered */
	unsigned sum;
};

enum act { POKE, SERVE, TYPE, TAKE, RESIZE, RESET, ACTS };

struct step {
	uint8_t act, which;
	uint16_t offset;
	uint16_t len;
} __attribute__((packed));

static size_t take(void *arg, const void *bytes, size_t len)
{
	struct machine *m = arg;

	if (m->refused)
		fuzz_broken("offered again before it was asked for");
	if (!len)
		fuzz_broken("nothing is offered");
	m->refused = len > m->room;
	if (m->refused)
		len = m->room;
	/* All of it is there to be read. */
	for (size_t i = 0; i < len; i++)
		m->sum += ((const uint8_t *)bytes)[i];
	m->room -= len;
	m->heard += len;
	return len;
}

static void room(void *arg)
{
	struct machine *m = arg;

	if (m->console.waits)
		fuzz_broken("it is told of room, and waits");
}

static void machine_init(struct machine *m, uint64_t features)
{
	const struct virtio_console_end end = { .take = take, .room = room, .arg = m };
	struct err err = { 0 };

	memset(m, 0, sizeof(*m));
	if (virtio_console_init(&m->console, &end, &fuzz_memory, &err) < 0)
		fuzz_broken("%s", err.text);
	m->console.virtio.interrupt = fuzz_no_interrupt;
	fuzz_driver(&m->console.virtio, features, TX + 1);
}

static void check(struct machine *m)
{
	const struct virtio_console *c = &m->console;
	const struct virtio *v = &c->virtio;

	if (v->offence && !(v->status & VIRTIO_CONFIG_S_NEEDS_RESET))
		fuzz_broken("\"%s\", and it goes on", v->offence);
	if (c->has_said && (c->taken > c->said.readable_bytes ||
			    c->said.readable_bytes > VIRTIO_CONSOLE_REQUEST_MAX))
		fuzz_broken("%zu of %u taken", c->taken, c->said.readable_bytes);
	if (m->heard > (FUZZ_RING_SIZE + 1) * (size_t)VIRTIO_CONSOLE_REQUEST_MAX)
		fuzz_broken("%zu heard at once", m->heard);
	if (virtio_is_live(v, TX) && c->has_said && !m->refused)
		fuzz_broken("it waits for who isn't asked");
	m->heard = 0;
}

static void serve(struct machine *m, unsigned int queue)
{
	struct virtio_queue *q = &m->console.virtio.queues[queue];

	if (queue == TX)
		m->refused = false;
	q->source.ready(q->source.arg, 0);
}

static size_t do_step(struct machine *m, const struct step *s, const uint8_t *rest, size_t left)
{
	struct virtio *v = &m->console.virtio;
	size_t len = s->len % 256U < left ? s->len % 256U : left;

	switch ((enum act)(s->act % ACTS)) {
	case POKE:
		memcpy(fuzz_memory.base + FUZZ_RING_GPA(0) + s->offset % 0x4000, rest, len);
		return len;
	case SERVE:
		serve(m, s->which % 2);
		break;
	case TYPE:
		if (virtio_console_put(&m->console, rest, len) > len)
			fuzz_broken("more is typed than was");
		break;
	case TAKE:
		m->room = (size_t)s->len << (s->which % 8);
		virtio_console_go_on(&m->console);
		serve(m, TX);
		break;
	case RESIZE:
		virtio_console_resize(&m->console, s->offset, s->len);
		v->ops->looked(v);
		break;
	default:
		virtio_set_status(v, 0);
		fuzz_driver(&m->console.virtio, (uint64_t)s->offset << 16 | s->len, TX + 1);
		break;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine m;
	struct step step;
	uint32_t features;

	if (size < sizeof(features))
		return -1;
	memcpy(&features, data, sizeof(features));
	data += sizeof(features), size -= sizeof(features);
	fuzz_memory_fresh();
	machine_init(&m, features);
	while (size >= sizeof(step)) {
		size_t used;

		memcpy(&step, data, sizeof(step));
		data += sizeof(step), size -= sizeof(step);
		used = do_step(&m, &step, data, size);
		data += used, size -= used;
		check(&m);
	}
	/* The machine's end: whoever reads on hears all of it in a few turns. */
	for (unsigned int i = 0; i <= 2; i++) {
		m.refused = false;
		m.room = 100UL * VIRTIO_CONSOLE_REQUEST_MAX;
		if (!virtio_console_finish(&m.console))
			break;
		if (i)
			fuzz_broken("it is never done");
	}
	virtio_free(&m.console.virtio);
	return 0;
}
