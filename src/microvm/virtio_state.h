/* A virtio device on its bus into a snapshot and out of it: registers, queues, messages, and what the device adds. */
#ifndef CTR_MICROVM_VIRTIO_STATE_H
#define CTR_MICROVM_VIRTIO_STATE_H

#include "microvm/virtio_pci.h"

struct virtio_queue_state {
	uint64_t table_gpa, avail_gpa, used_gpa;
	uint16_t size, vector, next_avail, next_used, told_used;
	uint8_t enabled, offended;
	uint32_t zero;
};

struct virtio_pci_state {
	uint64_t accepted;
	uint32_t offered_word, accepted_word;
	uint16_t id, queues, config_vector, queue;
	uint8_t status, generation, isr, offended;
	uint32_t zero;
	struct virtio_queue_state queue_states[VIRTIO_QUEUES_MAX];
	struct msix_state msix;
	uint8_t own[VIRTIO_STATE_BYTES];
};

/* With the device's lock held, by who holds all devices'. */
void virtio_state_save(struct virtio_pci *t, struct virtio_pci_state *ret);

/*
 * Into a fresh device, whose function's bytes are loaded; without its lock. -EINVAL: no such state can be, for this
 * device; -ENOTSUP: it offers less than the guest has accepted.
 */
int virtio_state_load(struct virtio_pci *t, const struct virtio_pci_state *s,
		      struct err *err) MUST_CHECK;

/* When all is loaded: queues are looked at, and the guest looks at them, as if each side had been called. */
void virtio_state_loaded(struct virtio_pci *t);

#endif
