/*
 * Folders of the host for a guest: `mount -t virtiofs TAG /mnt`. VIRTIO 1.2, 5.11. Each request is done before
 * the next: in a thread of its own.
 */
#ifndef CTR_MICROVM_VIRTIO_FS_H
#define CTR_MICROVM_VIRTIO_FS_H

#include "microvm/fuse.h"
#include "microvm/virtio.h"

#define VIRTIO_FS_TAG_MAX 36

struct virtio_fs {
	struct virtio virtio;
	struct fuse_server *server;
	/* The driver's view: linux/virtio_fs.h. */
	struct {
		char tag[VIRTIO_FS_TAG_MAX]; /* without an end if it is that long */
		uint32_t request_queues;
	} __attribute__((packed)) config;
};

/* Takes the server over, in any case. */
int virtio_fs_init(struct virtio_fs *fs, const char *tag, struct fuse_server *server,
		   const struct memory *memory, struct err *err) MUST_CHECK;

void virtio_fs_free(struct virtio_fs *fs);

#endif
