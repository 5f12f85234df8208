#include "microvm/virtio_pci.h"

#include "base/str.h"

#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <string.h>

#define VENDOR 0x1af4
#define DEVICE_BASE 0x1040
#define SUBSYSTEM_BASE 0x40
#define COMMON_BYTES 0x40 /* up to and with what features of later versions add */
#define ISR_QUEUE 1
#define ISR_CONFIG 2

/* ---- the pages of the BAR ----------------------------------------------------------- */

/* Only who goes without MSI-X has a use for it, and we have no other interrupt: polled, then. */
static void isr_read(struct virtio_pci *t, uint32_t offset, void *data, size_t len)
{
	(void)len;
	if (offset)
		return;
	pthread_mutex_lock(&t->device->lock);
	*(uint8_t *)data = t->isr;
	t->isr = 0;
	pthread_mutex_unlock(&t->device->lock);
}

static void device_read(struct virtio_pci *t, uint32_t offset, void *data, size_t len)
{
	struct virtio *v = t->device;

	pthread_mutex_lock(&v->lock);
	for (size_t i = 0; i < len && offset + i < v->config_bytes; i++)
		((uint8_t *)data)[i] = ((const uint8_t *)v->config)[offset + i];
	if (v->ops->looked)
		v->ops->looked(v);
	pthread_mutex_unlock(&v->lock);
}

static void device_write(struct virtio_pci *t, uint32_t offset, const void *data, size_t len)
{
	struct virtio *v = t->device;

	if (!v->ops->configure)
		return;
	pthread_mutex_lock(&v->lock);
	v->ops->configure(v, offset, data, len);
	pthread_mutex_unlock(&v->lock);
}

/* KVM rings without us, but for odd ways to write there. */
static void notify_write(struct virtio_pci *t, uint32_t offset, const void *data, size_t len)
{
	(void)data;
	(void)len;
	if (offset / VIRTIO_BELL_BYTES < t->device->ops->queues)
		virtio_ring(t->device, offset / VIRTIO_BELL_BYTES);
}

static void table_read(struct virtio_pci *t, uint32_t offset, void *data, size_t len)
{
	msix_table_read(&t->msix, offset, data, len);
}

static void table_write(struct virtio_pci *t, uint32_t offset, const void *data, size_t len)
{
	msix_table_write(&t->msix, offset, data, len);
}

static void pending_read(struct virtio_pci *t, uint32_t offset, void *data, size_t len)
{
	msix_pending_read(&t->msix, offset, data, len);
}

/* What isn't there reads as 0. */
static const struct {
	uint32_t offset;
	void (*read)(struct virtio_pci *t, uint32_t offset, void *data, size_t len);
	void (*write)(struct virtio_pci *t, uint32_t offset, const void *data, size_t len);
} pages[] = {
	{ VIRTIO_BAR_COMMON, virtio_pci_common_read, virtio_pci_common_write },
	{ VIRTIO_BAR_ISR, isr_read, NULL },
	{ VIRTIO_BAR_DEVICE, device_read, device_write },
	{ VIRTIO_BAR_NOTIFY, NULL, notify_write },
	{ VIRTIO_BAR_TABLE, table_read, table_write },
	{ VIRTIO_BAR_PENDING, pending_read, NULL },
};

static void bar_read(void *arg, unsigned int bar, uint32_t offset, void *data, size_t len)
{
	(void)bar;
	memset(data, 0, len);
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (offset / VIRTIO_BAR_PAGE == pages[i].offset / VIRTIO_BAR_PAGE && pages[i].read)
			pages[i].read(arg, offset % VIRTIO_BAR_PAGE, data, len);
}

static void bar_write(void *arg, unsigned int bar, uint32_t offset, const void *data, size_t len)
{
	(void)bar;
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (offset / VIRTIO_BAR_PAGE == pages[i].offset / VIRTIO_BAR_PAGE && pages[i].write)
			pages[i].write(arg, offset % VIRTIO_BAR_PAGE, data, len);
}

static void ring_at(struct virtio_pci *t, bool on)
{
	/* Where KVM refuses, each ring is an exit and comes by notify_write(). */
	for (unsigned int i = 0; t->gpa && i < t->device->ops->queues; i++)
		(void)!wires_doorbell(t->wires, t->gpa + VIRTIO_BAR_NOTIFY + i * VIRTIO_BELL_BYTES,
				      t->device->queues[i].bell, on);
}

static void bar_placed(void *arg, unsigned int bar, uint32_t gpa)
{
	struct virtio_pci *t = arg;

	(void)bar;
	ring_at(t, false);
	t->gpa = gpa;
	ring_at(t, true);
}

/* ---- configuration space ------------------------------------------------------------ */

/* The access that the window's registers describe: its size, or 0 where it is none. */
static size_t window_access(const struct virtio_pci *t, uint32_t *ret_offset)
{
	const struct pci_function *f = &t->function;
	uint32_t len = pci_get(f, t->window + offsetof(struct virtio_pci_cap, length), 4);

	*ret_offset = pci_get(f, t->window + offsetof(struct virtio_pci_cap, offset), 4);
	if (pci_get(f, t->window + offsetof(struct virtio_pci_cap, bar), 1) != VIRTIO_BAR ||
	    (len != 1 && len != 2 && len != 4) || *ret_offset % len ||
	    *ret_offset >= VIRTIO_BAR_BYTES)
		return 0;
	return len;
}

static bool is_window_data(const struct virtio_pci *t, unsigned int offset)
{
	return (offset & ~3U) == t->window + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data);
}

static void config_read(void *arg, unsigned int offset, size_t len)
{
	struct virtio_pci *t = arg;
	uint32_t at, value = 0;
	size_t size = window_access(t, &at);

	(void)len;
	if (!size || !is_window_data(t, offset))
		return;
	bar_read(t, VIRTIO_BAR, at, &value, size);
	pci_put(&t->function, t->window + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data), 4,
		value);
}

static void config_written(void *arg, unsigned int offset, size_t len)
{
	struct virtio_pci *t = arg;
	uint32_t at, value;
	size_t size = window_access(t, &at);

	(void)len;
	if ((offset & ~3U) == t->msix.capability)
		msix_config_written(&t->msix, &t->function);
	if (!size || !is_window_data(t, offset))
		return;
	value = pci_get(&t->function, t->window + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data),
			4);
	bar_write(t, VIRTIO_BAR, at, &value, size);
}

static const struct pci_ops pci_ops = { .bar_read = bar_read,
					.bar_write = bar_write,
					.bar_placed = bar_placed,
					.config_read = config_read,
					.config_written = config_written };

/* One more of virtio's own capabilities, which say where in the BAR something is. */
static unsigned int add_capability(struct pci_function *f, uint8_t type, uint32_t offset,
				   uint32_t bytes, size_t size)
{
	/* Behind that of the doorbells is their distance, behind the window its data. */
	struct virtio_pci_notify_cap cap = {
		.cap = { .cap_len = (uint8_t)size,
			 .cfg_type = type,
			 .bar = VIRTIO_BAR,
			 .offset = offset,
			 .length = bytes },
		.notify_off_multiplier = type == VIRTIO_PCI_CAP_NOTIFY_CFG ? VIRTIO_BELL_BYTES : 0
	};

	return pci_add_capability(f, PCI_CAP_ID_VNDR, &cap.cap.cap_len,
				  size - offsetof(struct virtio_pci_cap, cap_len));
}

static void add_capabilities(struct virtio_pci *t)
{
	const size_t plain = sizeof(struct virtio_pci_cap);
	const struct virtio *v = t->device;
	struct pci_function *f = &t->function;

	add_capability(f, VIRTIO_PCI_CAP_COMMON_CFG, VIRTIO_BAR_COMMON, COMMON_BYTES, plain);
	add_capability(f, VIRTIO_PCI_CAP_NOTIFY_CFG, VIRTIO_BAR_NOTIFY,
		       v->ops->queues * VIRTIO_BELL_BYTES, sizeof(struct virtio_pci_notify_cap));
	add_capability(f, VIRTIO_PCI_CAP_ISR_CFG, VIRTIO_BAR_ISR, 1, plain);
	if (v->config_bytes)
		add_capability(f, VIRTIO_PCI_CAP_DEVICE_CFG, VIRTIO_BAR_DEVICE,
			       (uint32_t)v->config_bytes, plain);
	t->window =
		add_capability(f, VIRTIO_PCI_CAP_PCI_CFG, 0, 0, sizeof(struct virtio_pci_cfg_cap));
	f->writable[t->window + offsetof(struct virtio_pci_cap, bar)] = 0xff;
	memset(f->writable + t->window + offsetof(struct virtio_pci_cap, offset), 0xff, 12);
}

/* ---- interrupts --------------------------------------------------------------------- */

static void interrupt(void *arg, uint16_t number, bool config)
{
	struct virtio_pci *t = arg;

	if (!msix_raise(&t->msix, number))
		t->isr |= config ? ISR_CONFIG : ISR_QUEUE;
}

int virtio_pci_init(struct virtio_pci *t, struct virtio *device, struct wires *wires,
		    struct err *err)
{
	const struct pci_id id = { .vendor = VENDOR,
				   .device = DEVICE_BASE + device->ops->id,
				   .subsystem_vendor = VENDOR,
				   .subsystem = SUBSYSTEM_BASE + device->ops->id,
				   .revision = 1,
				   .class = device->ops->class };

	*t = (struct virtio_pci){ .device = device, .wires = wires };
	pci_function_init(&t->function, &id, &pci_ops, t);
	pci_add_bar(&t->function, VIRTIO_BAR, VIRTIO_BAR_BYTES);
	add_capabilities(t);
	device->interrupt = interrupt;
	device->arg = t;
	return msix_init(&t->msix, device->ops->queues + 1, wires, &t->function, VIRTIO_BAR,
			 VIRTIO_BAR_TABLE, VIRTIO_BAR_PENDING, err);
}

void virtio_pci_free(struct virtio_pci *t)
{
	msix_free(&t->msix);
}
