/*
 * What a machine would go on from. The input is either a whole file of a machine's state, or (its first byte says so)
 * changes of states that were good, each as a section with the right checksum: by whoever made it to deceive. What is
 * loaded then is used by a driver, and has to keep within the guest's fuzz_memory.
 *
 * max: 4096
 */
#include "device.h"
#include "fuzz.h"

#include "base/str.h"
#include "microvm/snapshot_file.h"
#include "microvm/virtio_balloon.h"
#include "microvm/virtio_rng.h"
#include "microvm/virtio_state.h"
#include "microvm/virtio_vsock.h"
#include "microvm/watchdog.h"

#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <string.h>

#define DEVICES 3
#define BAR_GPA(i) (PCI_WINDOW_GPA + (uint32_t)(i)*VIRTIO_BAR_BYTES)
#define RING_GPA 0x10000U
#define RING_SIZE 8
#define BALLOON_PAGES 100

struct machine {
	struct wires wires;
	struct pci pci;
	struct virtio_rng rng;
	struct virtio_balloon balloon;
	struct vsock vsock;
	struct virtio *devices[DEVICES];
	struct virtio_pci t[DEVICES];
	struct watchdog watchdog;
	struct io io; /* without a thread */
};

static void machine_init(struct machine *m)
{
	const struct vsock_options none = { .listen = -1 };
	struct err err = { 0 };
	int rc;

	memset(m, 0, sizeof(*m));
	m->io = (struct io)IO_NONE;
	wires_init(&m->wires, NULL);
	m->wires.call = fuzz_no_kvm;
	pci_init(&m->pci);
	m->devices[0] = &m->rng.virtio;
	m->devices[1] = &m->balloon.virtio;
	m->devices[2] = &m->vsock.virtio;
	rc = io_make(&m->io, &err);
	if (rc == 0)
		rc = virtio_rng_init(&m->rng, &fuzz_memory, &err);
	if (rc == 0)
		rc = virtio_balloon_init(&m->balloon, BALLOON_PAGES, false, &fuzz_memory, &err);
	if (rc == 0)
		rc = virtio_vsock_open(&m->vsock, &none, &err);
	if (rc == 0)
		rc = virtio_vsock_init(&m->vsock, &fuzz_memory, &m->io, &err);
	for (unsigned int i = 0; rc == 0 && i < DEVICES; i++) {
		rc = virtio_pci_init(&m->t[i], m->devices[i], &m->wires, &err);
		if (rc == 0)
			rc = pci_plug(&m->pci, &m->t[i].function, &err);
	}
	if (rc == 0)
		rc = watchdog_init(&m->watchdog, -1, &m->io, &err);
	if (rc == 0)
		rc = pci_plug(&m->pci, &m->watchdog.function, &err);
	if (rc < 0)
		fuzz_broken("%s", err.text);
}

static void machine_free(struct machine *m)
{
	for (unsigned int i = 0; i < DEVICES; i++)
		virtio_pci_free(&m->t[i]);
	virtio_free(&m->rng.virtio);
	virtio_free(&m->balloon.virtio);
	virtio_vsock_free(&m->vsock);
	watchdog_free(&m->watchdog);
	io_free(&m->io);
}

/* The state of a device that a driver has begun, with all its queues in one place. */
static void good_state(struct virtio_pci *t, struct virtio_pci_state *ret)
{
	const struct virtio *v = t->device;

	virtio_state_save(t, ret);
	ret->accepted = v->offered;
	ret->status = 15;
	ret->config_vector = 0;
	for (unsigned int i = 0; i < v->ops->queues; i++)
		ret->queue_states[i] = (struct virtio_queue_state){ .table_gpa = RING_GPA,
								    .avail_gpa = RING_GPA + 0x100,
								    .used_gpa = RING_GPA + 0x200,
								    .size = RING_SIZE,
								    .vector = 1,
								    .enabled = 1 };
}

struct change {
	uint8_t what; /* a device's state; from DEVICES on its function; the watchdog's state, function; memory */
	uint16_t at;
	uint8_t value;
} __attribute__((packed));

struct states {
	struct virtio_pci_state devices[DEVICES];
	uint8_t functions[DEVICES + 1][PCI_CONFIG_BYTES];
	struct watchdog_state watchdog;
};

static void change(struct states *s, const struct change *c)
{
	unsigned int what = c->what % (2 * DEVICES + 3);

	if (what < DEVICES)
		((uint8_t *)&s->devices[what])[c->at % sizeof(s->devices[0])] = c->value;
	else if (what <= 2 * DEVICES)
		s->functions[what - DEVICES][c->at % PCI_CONFIG_BYTES] = c->value;
	else if (what == 2 * DEVICES + 1)
		((uint8_t *)&s->watchdog)[c->at % sizeof(s->watchdog)] = c->value;
	else
		fuzz_memory.base[RING_GPA + c->at % 0x400] = (char)c->value;
}

static void check_queue(const struct virtio *v, const struct queue *q)
{
	const char *end = fuzz_memory.base + fuzz_memory.size;

	if (!q->enabled)
		return;
	if (q->size == 0 || q->size > q->max || (q->size & (q->size - 1)))
		fuzz_broken("%s: a queue of %u", v->ops->name, q->size);
	if ((char *)q->table < fuzz_memory.base || (char *)&q->table[q->size] > end ||
	    (char *)q->avail < fuzz_memory.base || (char *)&q->avail->ring[q->size + 1] > end ||
	    (char *)q->used < fuzz_memory.base || (char *)&q->used->ring[q->size] + 2 > end)
		fuzz_broken("%s: a queue outside of memory", v->ops->name);
}

static void use(struct machine *m, unsigned int i)
{
	struct virtio *v = m->devices[i];
	uint64_t data = 0;

	if (v->offence && !(v->status & VIRTIO_CONFIG_S_NEEDS_RESET))
		fuzz_broken("%s: \"%s\", and it goes on", v->ops->name, v->offence);
	if ((v->status & VIRTIO_CONFIG_S_FEATURES_OK) && (v->accepted & ~v->offered))
		fuzz_broken("%s: features that were not offered", v->ops->name);
	for (unsigned int q = 0; q < v->ops->queues; q++)
		check_queue(v, &v->queues[q].ring);
	for (unsigned int q = 0; q < v->ops->queues; q++)
		v->queues[q].source.ready(v->queues[q].source.arg, 0);
	for (uint32_t at = 0; at < 0x40; at += 2)
		pci_memory_read(&m->pci, BAR_GPA(i) + at, &data, 2);
	pci_memory_write(&m->pci, BAR_GPA(i) + VIRTIO_BAR_TABLE + 12, &data, 4);
	data = 0;
	pci_memory_write(&m->pci, BAR_GPA(i) + VIRTIO_PCI_COMMON_STATUS, &data, 1);
}

static void go_on(struct machine *m, struct states *s)
{
	struct err err = { 0 };
	bool loaded[DEVICES] = { 0 };

	for (unsigned int i = 0; i <= DEVICES; i++)
		(void)!pci_load(m->pci.slots[i + 1], s->functions[i]);
	if (watchdog_load(&m->watchdog, &s->watchdog) == 0)
		watchdog_go_on(&m->watchdog);
	pci_loaded(&m->pci, s->devices[0].zero);
	for (unsigned int i = 0; i < DEVICES; i++) {
		int rc = virtio_state_load(&m->t[i], &s->devices[i], &err);

		fuzz_check(rc, &err);
		loaded[i] = rc == 0;
	}
	for (unsigned int i = 0; i < DEVICES; i++)
		if (loaded[i]) {
			virtio_state_loaded(&m->t[i]);
			use(m, i);
		}
	(void)virtio_balloon_stats(&m->balloon);
	m->watchdog.source.ready(m->watchdog.source.arg, 0);
	if (m->watchdog.stage > WATCHDOG_STAGES)
		fuzz_broken("a watchdog in stage %u", m->watchdog.stage);
}

static void changed_states(const uint8_t *data, size_t size)
{
	CLEAN(free) struct states *s = xcalloc(1, sizeof(*s));
	struct machine m;
	struct change c;

	fuzz_memory_fresh();
	machine_init(&m);
	for (unsigned int i = 0; i <= DEVICES; i++) {
		memcpy(s->functions[i], m.pci.slots[i + 1]->config, PCI_CONFIG_BYTES);
		if (i < DEVICES) {
			uint32_t gpa = BAR_GPA(i);

			good_state(&m.t[i], &s->devices[i]);
			memcpy(s->functions[i] + PCI_BASE_ADDRESS_0, &gpa, 4);
			s->functions[i][PCI_COMMAND] = PCI_COMMAND_MEMORY;
			s->functions[i][m.t[i].msix.capability + 3] = PCI_MSIX_FLAGS_ENABLE >> 8;
		}
	}
	watchdog_hold(&m.watchdog);
	watchdog_save(&m.watchdog, &s->watchdog);
	for (; size >= sizeof(c); data += sizeof(c), size -= sizeof(c)) {
		memcpy(&c, data, sizeof(c));
		change(s, &c);
	}
	go_on(&m, s);
	machine_free(&m);
}

static void whole_file(const uint8_t *data, size_t size)
{
	CLEAN(snapshot) struct snapshot s = SNAPSHOT_NONE;
	char *bytes = xcalloc(1, size + 1);
	struct err err = { 0 };
	size_t len = 0;
	int rc;

	memcpy(bytes, data, size);
	rc = snapshot_parse(bytes, size, &s, &err);
	fuzz_check(rc, &err);
	for (unsigned int kind = 0; rc == 0 && kind < 12; kind++) {
		const char *at = snapshot_find(&s, kind, 0, &len);

		if (at && (at < s.bytes || len > s.len || at + len > s.bytes + s.len))
			fuzz_broken("a section outside of its file");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return -1;
	if (data[0] & 1)
		changed_states(data + 1, size - 1);
	else
		whole_file(data + 1, size - 1);
	return 0;
}
