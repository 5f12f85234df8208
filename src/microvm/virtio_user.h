/*
 * A device of VIRTIO whose registers are in another process: an emulator (QEMU) has the guest's processors and
 * the bus, and tells us by the protocol vhost-user what the driver has agreed to and where in the guest's memory the
 * queues lie. Doorbells and interrupts are eventfds. QEMU's docs/interop/vhost-user.rst.
 *
 * What comes is as hostile as what a guest writes: whoever broke out of an emulator says it.
 */
#ifndef CTR_MICROVM_VIRTIO_USER_H
#define CTR_MICROVM_VIRTIO_USER_H

#include "microvm/virtio.h"

#include <stdbool.h>

#define VIRTIO_USER_MESSAGE_MAX 512 /* bytes of what we understand, head and all */
#define VIRTIO_USER_FDS_MAX 8

struct virtio_user;

struct virtio_user_queue {
	struct virtio_user *user;
	uint16_t size;
	uint64_t table_gpa, avail_gpa, used_gpa;
	bool placed, enabled;
	int kick, call; /* eventfds; -1 */
	struct io_source source;
};

struct virtio_user {
	struct virtio *device;                 /* borrowed; its memory is the one below */
	struct memory memory;                  /* as the other side has told */
	uint64_t addresses[MEMORY_PIECES_MAX]; /* of its pieces, in the other process */
	struct io *io;                         /* borrowed: the device's thread */
	int socket;                            /* taken over */
	int wake;            /* an eventfd, borrowed: the driver has broken a rule */
	unsigned int queues; /* the first ones of the device's; the others are the emulator's */
	uint64_t features;
	bool acknowledged; /* VHOST_USER_F_PROTOCOL_FEATURES: queues are enabled one by one */
	struct virtio_user_queue queue[VIRTIO_QUEUES_MAX];
	/* What came of the next message. */
	uint8_t in[VIRTIO_USER_MESSAGE_MAX];
	size_t in_len;
	int fds[VIRTIO_USER_FDS_MAX];
	size_t fd_count;
};

/* For a device that has been initialised with &u->memory, and is attached to `io`. */
void virtio_user_init(struct virtio_user *u, struct virtio *device, unsigned int queues,
		      struct io *io, int socket, int wake);

/*
 * Its socket is readable: take what is there, in any one thread. 1: the other side is gone. -EPROTO with words: what
 * it says can't be, and nothing more is to be heard from it.
 */
int virtio_user_serve(struct virtio_user *u, struct err *err) MUST_CHECK;

/* When the device's thread has ended. The device itself is its owner's to free. */
void virtio_user_free(struct virtio_user *u);

#endif
