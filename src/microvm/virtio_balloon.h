/*
 * A balloon: pages that the guest gives back to the host, as many as it is asked for, and those that it reports as free
 * anyway. VIRTIO 1.2, 5.5. A page that is given back reads as zeros when the guest touches it again, and costs the
 * host memory from then on.
 */
#ifndef CTR_MICROVM_VIRTIO_BALLOON_H
#define CTR_MICROVM_VIRTIO_BALLOON_H

#include "microvm/virtio.h"

#include <linux/virtio_balloon.h>

#define BALLOON_PAGE_BYTES 4096

/* What the guest says of its memory, by VIRTIO_BALLOON_S_*; UINT64_MAX: it hasn't. */
struct balloon_stats {
	uint64_t values[VIRTIO_BALLOON_S_NR];
};

struct virtio_balloon {
	struct virtio virtio;
	/* The driver's view, up to the last field that a feature of ours is for: linux/virtio_balloon.h. */
	struct {
		uint32_t wanted, actual; /* pages */
	} __attribute__((packed)) config;
	struct balloon_stats stats;
	bool has_stats_buffer; /* the guest's, in which it will tell more when it gets it back */
	uint16_t stats_head;
};

/*
 * `pages` are wanted of it from the beginning; all but one of the guest's at most. A firm one the guest doesn't take
 * pages back from when it runs out of memory.
 */
int virtio_balloon_init(struct virtio_balloon *b, uint64_t pages, bool firm,
			const struct memory *memory, struct err *err) MUST_CHECK;

/*
 * For whoever controls the machine, without the device's lock, from any thread: how large the balloon is to be from
 * now on; how many pages it is to have, and has (as the guest says, which may lie); what the guest has said of its
 * memory, and an invitation to say more.
 */
int virtio_balloon_target(struct virtio_balloon *b, uint64_t pages, struct err *err) MUST_CHECK;
void virtio_balloon_size(struct virtio_balloon *b, uint32_t *ret_wanted, uint32_t *ret_actual);
struct balloon_stats virtio_balloon_stats(struct virtio_balloon *b);

#endif
