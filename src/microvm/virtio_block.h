/* A disk for a guest. VIRTIO 1.2, 5.2. Each request is done before the next: in a thread of its own. */
#ifndef CTR_MICROVM_VIRTIO_BLOCK_H
#define CTR_MICROVM_VIRTIO_BLOCK_H

#include "microvm/disk.h"
#include "microvm/virtio.h"

/* Of a request, beside its data: the header and the status. */
#define VIRTIO_BLOCK_OVERHEAD 17

struct virtio_block {
	struct virtio virtio;
	struct disk disk;
	/* The driver's view, up to the last field that a feature of ours is for: linux/virtio_blk.h. */
	struct {
		uint64_t sectors;
		uint32_t size_max, seg_max;
		uint8_t geometry[4];
		uint32_t block_bytes;
	} __attribute__((packed)) config;
};

/* Takes the disk over, in any case. */
int virtio_block_init(struct virtio_block *b, struct disk *disk, const struct memory *memory,
		      struct err *err) MUST_CHECK;

void virtio_block_free(struct virtio_block *b);

#endif
