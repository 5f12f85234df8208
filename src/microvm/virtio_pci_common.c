/* The registers that every device has: features, status, and one queue at a time. VIRTIO 1.2, 4.1.4.3. */
#include "microvm/virtio_pci.h"

#include "base/str.h"

#include <linux/virtio_pci.h>
#include <string.h>

/* Each is read and written in its own width only; the halves of an address are registers. */
static const struct {
	uint8_t offset, bytes;
} registers[] = {
	{ VIRTIO_PCI_COMMON_DFSELECT, 4 },  { VIRTIO_PCI_COMMON_DF, 4 },
	{ VIRTIO_PCI_COMMON_GFSELECT, 4 },  { VIRTIO_PCI_COMMON_GF, 4 },
	{ VIRTIO_PCI_COMMON_MSIX, 2 },      { VIRTIO_PCI_COMMON_NUMQ, 2 },
	{ VIRTIO_PCI_COMMON_STATUS, 1 },    { VIRTIO_PCI_COMMON_CFGGENERATION, 1 },
	{ VIRTIO_PCI_COMMON_Q_SELECT, 2 },  { VIRTIO_PCI_COMMON_Q_SIZE, 2 },
	{ VIRTIO_PCI_COMMON_Q_MSIX, 2 },    { VIRTIO_PCI_COMMON_Q_ENABLE, 2 },
	{ VIRTIO_PCI_COMMON_Q_NOFF, 2 },    { VIRTIO_PCI_COMMON_Q_DESCLO, 4 },
	{ VIRTIO_PCI_COMMON_Q_DESCHI, 4 },  { VIRTIO_PCI_COMMON_Q_AVAILLO, 4 },
	{ VIRTIO_PCI_COMMON_Q_AVAILHI, 4 }, { VIRTIO_PCI_COMMON_Q_USEDLO, 4 },
	{ VIRTIO_PCI_COMMON_Q_USEDHI, 4 },
};

static bool is_register(uint32_t offset, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(registers); i++)
		if (registers[i].offset == offset)
			return registers[i].bytes == len;
	return false;
}

/* Which address of a queue these registers are the halves of. */
static uint64_t *address_of(struct queue *q, uint32_t offset)
{
	if (offset < VIRTIO_PCI_COMMON_Q_AVAILLO)
		return &q->table_gpa;
	return offset < VIRTIO_PCI_COMMON_Q_USEDLO ? &q->avail_gpa : &q->used_gpa;
}

/* Of the selected queue; one that isn't there has size 0. */
static uint32_t queue_get(struct virtio_pci *t, uint32_t offset)
{
	struct virtio *v = t->device;
	struct queue *q;

	if (t->queue >= v->ops->queues)
		return 0;
	q = &v->queues[t->queue].ring;
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		return q->size;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return q->vector;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return q->enabled;
	case VIRTIO_PCI_COMMON_Q_NOFF:
		return t->queue;
	default: /* the low halves are at multiples of 8 */
		return (uint32_t)(*address_of(q, offset) >> (offset % 8 ? 32 : 0));
	}
}

static uint32_t common_get(struct virtio_pci *t, uint32_t offset)
{
	const struct virtio *v = t->device;

	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		return t->offered_word;
	case VIRTIO_PCI_COMMON_DF:
		return t->offered_word < 2 ? (uint32_t)(v->offered >> 32 * t->offered_word) : 0;
	case VIRTIO_PCI_COMMON_GFSELECT:
		return t->accepted_word;
	case VIRTIO_PCI_COMMON_GF:
		return t->accepted_word < 2 ? (uint32_t)(v->accepted >> 32 * t->accepted_word) : 0;
	case VIRTIO_PCI_COMMON_MSIX:
		return v->config_vector;
	case VIRTIO_PCI_COMMON_NUMQ:
		return v->ops->queues;
	case VIRTIO_PCI_COMMON_STATUS:
		return v->status;
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return v->generation;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		return t->queue;
	default:
		return queue_get(t, offset);
	}
}

/* A vector that isn't there reads back as none, by which the driver sees it. */
static uint16_t vector(const struct virtio_pci *t, uint32_t value)
{
	return value < t->msix.count ? (uint16_t)value : VIRTIO_MSI_NO_VECTOR;
}

static void queue_set(struct virtio_pci *t, uint32_t offset, uint32_t value)
{
	struct virtio *v = t->device;
	uint64_t *address;
	struct queue *q;

	if (offset == VIRTIO_PCI_COMMON_Q_ENABLE && value == 1)
		virtio_enable(v, t->queue);
	if (!virtio_may_place(v, t->queue))
		return;
	q = &v->queues[t->queue].ring;
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		q->size = (uint16_t)value;
		break;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		q->vector = vector(t, value);
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
	case VIRTIO_PCI_COMMON_Q_NOFF:
		break;
	default:
		address = address_of(q, offset);
		if (offset % 8)
			*address = (*address & 0xffffffff) | (uint64_t)value << 32;
		else
			*address = (*address & ~0xffffffffULL) | value;
		break;
	}
}

static void accept_word(struct virtio_pci *t, uint32_t value)
{
	unsigned int shift = 32 * t->accepted_word;

	/* There are no features from 64 up. */
	if (t->accepted_word < 2)
		virtio_accept(t->device, (t->device->accepted & ~(0xffffffffULL << shift)) |
						 (uint64_t)value << shift);
}

static void common_set(struct virtio_pci *t, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		t->offered_word = value;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		t->accepted_word = value;
		break;
	case VIRTIO_PCI_COMMON_GF:
		accept_word(t, value);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		t->device->config_vector = vector(t, value);
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		if (value == 0) {
			t->offered_word = t->accepted_word = t->queue = 0;
			t->isr = 0;
		}
		virtio_set_status(t->device, (uint8_t)value);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		t->queue = (uint16_t)value;
		break;
	case VIRTIO_PCI_COMMON_DF:
	case VIRTIO_PCI_COMMON_NUMQ:
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		break;
	default:
		queue_set(t, offset, value);
		break;
	}
}

void virtio_pci_common_read(struct virtio_pci *t, uint32_t offset, void *data, size_t len)
{
	uint32_t value;

	if (!is_register(offset, len))
		return;
	pthread_mutex_lock(&t->device->lock);
	value = common_get(t, offset);
	pthread_mutex_unlock(&t->device->lock);
	memcpy(data, &value, len);
}

void virtio_pci_common_write(struct virtio_pci *t, uint32_t offset, const void *data, size_t len)
{
	uint32_t value = 0;

	if (!is_register(offset, len))
		return;
	memcpy(&value, data, len);
	pthread_mutex_lock(&t->device->lock);
	common_set(t, offset, value);
	pthread_mutex_unlock(&t->device->lock);
}
