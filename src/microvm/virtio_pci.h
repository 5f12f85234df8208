/* A device of VIRTIO as a function on a PCI bus: registers in one BAR, MSI-X. VIRTIO 1.2, 4.1; no legacy. */
#ifndef CTR_MICROVM_VIRTIO_PCI_H
#define CTR_MICROVM_VIRTIO_PCI_H

#include "microvm/msix.h"
#include "microvm/pci.h"
#include "microvm/virtio.h"
#include "microvm/wires.h"

/* The BAR: each kind of registers has a page of its own. */
#define VIRTIO_BAR 0
#define VIRTIO_BAR_BYTES 0x8000
#define VIRTIO_BAR_COMMON 0x0000
#define VIRTIO_BAR_ISR 0x1000
#define VIRTIO_BAR_DEVICE 0x2000
#define VIRTIO_BAR_NOTIFY 0x3000
#define VIRTIO_BAR_TABLE 0x4000
#define VIRTIO_BAR_PENDING 0x5000
#define VIRTIO_BAR_PAGE 0x1000
#define VIRTIO_BELL_BYTES 4 /* from one queue's doorbell to the next's */

struct virtio_pci {
	struct pci_function function;
	struct msix msix;
	struct virtio *device; /* borrowed */
	struct wires *wires;   /* borrowed */
	unsigned int window; /* the capability by which a BAR is reached from configuration space */
	/* With the device's lock held. */
	uint32_t offered_word, accepted_word;
	uint16_t queue;
	uint8_t isr;
	/* With the bus' lock held. */
	uint32_t gpa;
};

/* The device is complete but not on a bus. A half-made one can be freed. */
int virtio_pci_init(struct virtio_pci *t, struct virtio *device, struct wires *wires,
		    struct err *err) MUST_CHECK;

/* The page of common registers, virtio_pci_common.c; data is zeros before it's read. */
void virtio_pci_common_read(struct virtio_pci *t, uint32_t offset, void *data, size_t len);
void virtio_pci_common_write(struct virtio_pci *t, uint32_t offset, const void *data, size_t len);

/* When no processor runs any more. */
void virtio_pci_free(struct virtio_pci *t);

#endif
