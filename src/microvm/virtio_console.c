#include "microvm/virtio_console.h"

#include <errno.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>

enum { RX = VIRTIO_CONSOLE_RX, TX = VIRTIO_CONSOLE_TX, QUEUES };

/* A driver fills the first one with a page for each place. */
#define QUEUE_SIZE 16
#define STEP 4096

_Static_assert(sizeof(((struct virtio_console *)0)->config) ==
		       offsetof(struct virtio_console_config, max_nr_ports),
	       "as far as the size");

/* ---- from the guest -------------------------------------------------------------------- */

/* The request in hand: true once all of it is passed on. */
static bool pass_on(struct virtio_console *c)
{
	char bytes[STEP];
	size_t n;

	while ((n = chain_read(&c->said, c->taken, bytes, sizeof(bytes))) > 0) {
		size_t taken = c->end.take(c->end.arg, bytes, n);

		c->taken += taken;
		if (taken < n)
			return false;
	}
	return true;
}

static bool take_in_hand(struct virtio_console *c)
{
	struct virtio *v = &c->virtio;

	if (!virtio_pop(v, TX, &c->said))
		return false;
	if (c->said.count > c->said.readable ||
	    c->said.readable_bytes > VIRTIO_CONSOLE_REQUEST_MAX) {
		virtio_offend(v, "what a console is to show is for reading, and no more than 64 "
				 "KiB at a time");
		return false;
	}
	c->taken = 0;
	return c->has_said = true;
}

static void transmit(struct virtio_console *c)
{
	struct virtio *v = &c->virtio;
	struct queue *q = &v->queues[TX].ring;
	unsigned int left = q->size;

	queue_disarm(q);
	do {
		while (left && (c->has_said || take_in_hand(c))) {
			/* The guest's request stays its own until there is room for the rest. */
			if (!pass_on(c))
				return;
			c->has_said = false;
			virtio_push(v, TX, &c->said, 0);
			left--;
		}
		/* It may have an endless number of them. */
		if (!left)
			virtio_ring(v, TX);
	} while (left && virtio_is_live(v, TX) && queue_arm(q));
}

/* ---- to the guest ---------------------------------------------------------------------- */

/* The guest's next buffer; false: it has none, and rings when it has one. */
static bool next_room(struct virtio_console *c, struct chain *ret)
{
	struct virtio *v = &c->virtio;

	while (virtio_is_live(v, RX)) {
		if (virtio_pop(v, RX, ret))
			return true;
		/* One may have come before the driver could know that it is wanted. */
		if (virtio_is_live(v, RX) && !queue_arm(&v->queues[RX].ring))
			return false;
	}
	return false;
}

size_t virtio_console_put(struct virtio_console *c, const void *bytes, size_t len)
{
	struct virtio *v = &c->virtio;
	struct chain room;
	size_t done = 0;

	pthread_mutex_lock(&v->lock);
	while (done < len && c->listens && next_room(c, &room)) {
		size_t n;

		if (room.readable || !room.writable_bytes) {
			virtio_offend(v, "a buffer for what is typed is for writing");
			break;
		}
		n = chain_write(&room, 0, (const char *)bytes + done, len - done);
		virtio_push(v, RX, &room, (uint32_t)n);
		done += n;
	}
	c->waits = done < len;
	pthread_mutex_unlock(&v->lock);
	return done;
}

static void tell_room(struct virtio_console *c)
{
	if (!c->waits || !c->listens)
		return;
	c->waits = false;
	c->end.room(c->end.arg);
}

static void serve(struct virtio *v, unsigned int queue)
{
	struct virtio_console *c = (struct virtio_console *)v;

	if (queue == TX)
		transmit(c);
	else
		tell_room(c);
}

/* ---- its driver, and its size ----------------------------------------------------------- */

/*
 * Linux offers buffers for what is typed a while before it keeps what comes there, and there is no word for that
 * moment. But it looks at the size, whenever it is told that there is a new one, and not before it is ready for both.
 */
static void begin(struct virtio *v)
{
	struct virtio_console *c = (struct virtio_console *)v;

	c->listens = !(v->accepted >> VIRTIO_CONSOLE_F_SIZE & 1);
	if (!c->listens)
		virtio_config_changed(v);
}

static void looked(struct virtio *v)
{
	struct virtio_console *c = (struct virtio_console *)v;

	if (c->listens || !virtio_is_live(v, RX))
		return;
	c->listens = true;
	tell_room(c);
}

static void reset(struct virtio *v)
{
	struct virtio_console *c = (struct virtio_console *)v;

	c->has_said = c->listens = false;
}

static const struct virtio_ops ops = { .name = "console",
				       .id = VIRTIO_ID_CONSOLE,
				       .class = 0x078000,
				       .features = 1ULL << VIRTIO_CONSOLE_F_SIZE,
				       .queues = QUEUES,
				       .queue_max = { QUEUE_SIZE, QUEUE_SIZE },
				       .serve = serve,
				       .begin = begin,
				       .looked = looked,
				       .no_snapshot = "a console of virtio's (--console "
						      "virtio) can't be kept; a serial port can",
				       .reset = reset };

int virtio_console_init(struct virtio_console *c, const struct virtio_console_end *end,
			const struct memory *memory, struct err *err)
{
	int rc = virtio_init(&c->virtio, &ops, memory, 0, err);

	c->end = *end;
	c->waits = c->has_said = c->listens = false;
	c->virtio.config = &c->config;
	c->virtio.config_bytes = sizeof(c->config);
	return rc;
}

void virtio_console_go_on(struct virtio_console *c)
{
	virtio_ring(&c->virtio, TX);
}

void virtio_console_resize(struct virtio_console *c, uint16_t cols, uint16_t rows)
{
	pthread_mutex_lock(&c->virtio.lock);
	c->config.cols = cols;
	c->config.rows = rows;
	/* One that isn't there yet is told when it comes. */
	if (virtio_is_live(&c->virtio, RX))
		virtio_config_changed(&c->virtio);
	pthread_mutex_unlock(&c->virtio.lock);
}

bool virtio_console_finish(struct virtio_console *c)
{
	struct virtio *v = &c->virtio;
	bool left;

	pthread_mutex_lock(&v->lock);
	if (virtio_is_live(v, TX))
		transmit(c);
	left = c->has_said && virtio_is_live(v, TX);
	pthread_mutex_unlock(&v->lock);
	return left;
}
