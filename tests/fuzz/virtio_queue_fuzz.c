/*
 * A guest's driver, which may do anything: ports cf8 and cfc, the registers of four devices, and a ring in
 * its fuzz_memory. The devices and the bus are the real ones; KVM is not asked, and what their threads do is done
 * when the input says so.
 *
 * max: 2048
 */
#include "device.h"
#include "fuzz.h"

#include "base/str.h"
#include "microvm/virtio_balloon.h"
#include "microvm/virtio_block.h"
#include "microvm/virtio_pci.h"
#include "microvm/virtio_rng.h"
#include "microvm/watchdog.h"

#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <string.h>
#include <sys/mman.h>

#define BAR_GPA(i) (PCI_WINDOW_GPA + (uint32_t)(i)*VIRTIO_BAR_BYTES)
#define RING_GPA 0x10000U /* table, avail, used at multiples of 0x100 from here */
#define RING_SIZE 8
#define DISK_BYTES 65536
#define DEVICES 3   /* of virtio */
#define FUNCTIONS 4 /* and the watchdog */
#define BALLOON_PAGES 100

struct machine {
	struct wires wires;
	struct pci pci;
	struct virtio_rng rng;
	struct virtio_block block;
	struct virtio_balloon balloon;
	struct virtio *devices[DEVICES];
	struct virtio_pci t[DEVICES];
	struct io io; /* without a thread */
	struct watchdog watchdog;
};

static int disk_fd = -1;

static void fresh(void)
{
	fuzz_memory_fresh();
	if (disk_fd < 0)
		disk_fd = memfd_create("disk", MFD_CLOEXEC);
	if (ftruncate(disk_fd, 0) < 0 || ftruncate(disk_fd, DISK_BYTES) < 0)
		fuzz_broken("forget what was");
}

static void config_write(struct machine *m, unsigned int slot, unsigned int offset, uint32_t value,
			 size_t size)
{
	uint32_t address = 0x80000000U | slot << 11 | (offset & 0xfc);

	(void)!pci_port_write(&m->pci, 0xcf8, &address, 4);
	(void)!pci_port_write(&m->pci, (uint16_t)(0xcfc + (offset & 3)), &value, size);
}

static void bar_write(struct machine *m, unsigned int i, uint32_t offset, uint32_t value,
		      size_t size)
{
	pci_memory_write(&m->pci, BAR_GPA(i) + offset, &value, size);
}

/* What a driver does that keeps to the rules, so that the input needn't find all that. */
static void begin(struct machine *m, unsigned int i, uint32_t features, uint32_t queue)
{
	bar_write(m, i, VIRTIO_PCI_COMMON_STATUS, 3, 1);
	bar_write(m, i, VIRTIO_PCI_COMMON_GF, features, 4);
	bar_write(m, i, VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	bar_write(m, i, VIRTIO_PCI_COMMON_GF, 1, 4);
	bar_write(m, i, VIRTIO_PCI_COMMON_STATUS, 11, 1);
	bar_write(m, i, VIRTIO_PCI_COMMON_MSIX, 0, 2);
	bar_write(m, i, VIRTIO_PCI_COMMON_Q_SELECT, queue, 2);
	bar_write(m, i, VIRTIO_PCI_COMMON_Q_SIZE, RING_SIZE, 2);
	bar_write(m, i, VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
	bar_write(m, i, VIRTIO_PCI_COMMON_Q_DESCLO, RING_GPA, 4);
	bar_write(m, i, VIRTIO_PCI_COMMON_Q_AVAILLO, RING_GPA + 0x100, 4);
	bar_write(m, i, VIRTIO_PCI_COMMON_Q_USEDLO, RING_GPA + 0x200, 4);
	bar_write(m, i, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
	bar_write(m, i, VIRTIO_PCI_COMMON_STATUS, 15, 1);
}

static void machine_init(struct machine *m)
{
	struct disk disk = { .fd = fcntl(disk_fd, F_DUPFD_CLOEXEC, 3), .bytes = DISK_BYTES };
	struct err err = { 0 };
	int rc;

	memset(m, 0, sizeof(*m));
	wires_init(&m->wires, NULL);
	m->wires.call = fuzz_no_kvm;
	pci_init(&m->pci);
	rc = virtio_rng_init(&m->rng, &fuzz_memory, &err);
	if (rc == 0)
		rc = virtio_block_init(&m->block, &disk, &fuzz_memory, &err);
	if (rc == 0)
		rc = virtio_balloon_init(&m->balloon, BALLOON_PAGES, false, &fuzz_memory, &err);
	if (rc == 0)
		rc = io_make(&m->io, &err);
	if (rc == 0)
		rc = watchdog_init(&m->watchdog, -1, &m->io, &err);
	m->devices[0] = &m->block.virtio;
	m->devices[1] = &m->rng.virtio;
	m->devices[2] = &m->balloon.virtio;
	for (unsigned int i = 0; rc == 0 && i < ARRAY_LEN(m->devices); i++) {
		rc = virtio_pci_init(&m->t[i], m->devices[i], &m->wires, &err);
		if (rc == 0)
			rc = pci_plug(&m->pci, &m->t[i].function, &err);
		config_write(m, i + 1, PCI_BASE_ADDRESS_0, BAR_GPA(i), 4);
		config_write(m, i + 1, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
		config_write(m, i + 1, m->t[i].msix.capability + 2, PCI_MSIX_FLAGS_ENABLE, 2);
	}
	if (rc == 0)
		rc = pci_plug(&m->pci, &m->watchdog.function, &err);
	config_write(m, FUNCTIONS, PCI_BASE_ADDRESS_0, BAR_GPA(DEVICES), 4);
	config_write(m, FUNCTIONS, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	if (rc < 0)
		fuzz_broken("%s", err.text);
}

static void machine_free(struct machine *m)
{
	for (unsigned int i = 0; i < ARRAY_LEN(m->devices); i++)
		virtio_pci_free(&m->t[i]);
	virtio_block_free(&m->block);
	virtio_free(&m->rng.virtio);
	virtio_free(&m->balloon.virtio);
	watchdog_free(&m->watchdog);
	io_free(&m->io);
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

static void check(const struct machine *m)
{
	for (unsigned int i = 0; i < ARRAY_LEN(m->devices); i++) {
		const struct virtio *v = m->devices[i];
		uint32_t gpa = m->t[i].function.bar_gpa[0];

		if (gpa && (gpa < PCI_WINDOW_GPA || gpa > PCI_WINDOW_END_GPA - VIRTIO_BAR_BYTES ||
			    gpa % VIRTIO_BAR_BYTES))
			fuzz_broken("a BAR at %#x", gpa);
		if (v->offence && !(v->status & VIRTIO_CONFIG_S_NEEDS_RESET))
			fuzz_broken("%s: \"%s\", and it goes on", v->ops->name, v->offence);
		if ((v->status & VIRTIO_CONFIG_S_FEATURES_OK) && (v->accepted & ~v->offered))
			fuzz_broken("%s: features that were not offered", v->ops->name);
		for (unsigned int q = 0; q < v->ops->queues; q++)
			check_queue(v, &v->queues[q].ring);
	}
	if (m->balloon.config.wanted != BALLOON_PAGES)
		fuzz_broken("the guest has said what is wanted of it");
	if (m->watchdog.stage > WATCHDOG_STAGES)
		fuzz_broken("a watchdog in stage %u", m->watchdog.stage);
	if (m->t[0].function.bar_gpa[0] &&
	    m->t[0].function.bar_gpa[0] == m->t[1].function.bar_gpa[0])
		fuzz_broken("two BARs at one place");
}

/* What the input does, one after the other. */
enum act { POKE, REGISTER, CONFIG, SERVE, TELL, LOOK, ACTS };

struct step {
	uint8_t act, which; /* device, or slot */
	uint16_t offset;
	uint32_t value;
} __attribute__((packed));

/* The size of an access, of a byte of the offset that nothing else needs. */
static size_t size_of(const struct step *s)
{
	return (size_t[]){ 1, 2, 4, 4 }[s->act >> 4 & 3];
}

static size_t do_step(struct machine *m, const struct step *s, const uint8_t *rest, size_t left)
{
	struct virtio *v = m->devices[s->which % DEVICES];
	unsigned int queue = s->offset % v->ops->queues;
	uint64_t data = 0;
	size_t len = 0;

	switch ((enum act)(s->act % ACTS)) {
	case POKE: /* many bytes: the value is how many */
		len = s->value % 256 < left ? s->value % 256 : left;
		memcpy(fuzz_memory.base + RING_GPA + s->offset, rest, len);
		break;
	case REGISTER:
		bar_write(m, s->which % FUNCTIONS, s->offset % VIRTIO_BAR_BYTES, s->value,
			  size_of(s));
		break;
	case CONFIG:
		config_write(m, s->which % (FUNCTIONS + 2), s->offset & 0xff & ~(size_of(s) - 1),
			     s->value, size_of(s));
		break;
	case SERVE:
		v->queues[queue].source.ready(v->queues[queue].source.arg, 0);
		break;
	case TELL: /* what its owner does, or the watchdog's time */
		(void)virtio_balloon_stats(&m->balloon);
		m->watchdog.source.ready(m->watchdog.source.arg, 0);
		break;
	default:
		pci_memory_read(&m->pci, BAR_GPA(s->which % FUNCTIONS) + s->offset, &data,
				size_of(s) * 2);
		(void)!pci_port_read(&m->pci, (uint16_t)(0xcfc + s->offset % 4), &data, 1);
		break;
	}
	return len;
}

/* Of the input's first byte: who begins, and with which features; the balloon with its queue from bit 5 on. */
static const uint8_t begins[DEVICES] = { 1, 2, 16 };

static uint32_t features_of(uint8_t byte, unsigned int device)
{
	uint32_t features = (uint32_t) !!(byte & 4) << VIRTIO_RING_F_INDIRECT_DESC |
			    (uint32_t) !!(byte & 8) << VIRTIO_RING_F_EVENT_IDX;

	if (device == 2)
		features |= 1U << VIRTIO_BALLOON_F_STATS_VQ | 1U << VIRTIO_BALLOON_F_REPORTING;
	return features;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct machine m;
	struct step step;

	if (size < 1)
		return -1;
	fresh();
	machine_init(&m);
	for (unsigned int i = 0; i < ARRAY_LEN(m.devices); i++)
		if (data[0] & begins[i])
			begin(&m, i, features_of(data[0], i), i == 2 ? data[0] >> 5 : 0);
	data++, size--;
	while (size >= sizeof(step)) {
		size_t used;

		memcpy(&step, data, sizeof(step));
		data += sizeof(step), size -= sizeof(step);
		used = do_step(&m, &step, data, size);
		data += used, size -= used;
		check(&m);
	}
	machine_free(&m);
	return 0;
}
