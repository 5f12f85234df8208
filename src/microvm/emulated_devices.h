/*
 * The devices of a guest that an emulator runs: each is ours, with a thread of its own, and has its registers in the
 * emulator (virtio_user.h), which has a link to us for each.
 */
#ifndef CTR_MICROVM_EMULATED_DEVICES_H
#define CTR_MICROVM_EMULATED_DEVICES_H

#include "microvm/devices.h"
#include "microvm/emulator.h"
#include "microvm/virtio_user.h"

/* By the link's number; that of the console has none. */
struct emulated_link {
	struct virtio *device;
	struct virtio_user user;
	struct io io;
};

/* It stays where it is once it's made. */
struct emulated_devices {
	struct fuse_server *server; /* until it is the device's */
	struct virtio_fs fs;
	struct vsock vsock;
	struct emulated_link links[EMULATOR_LINKS];
	int wake; /* an eventfd: a driver has broken a rule */
};

#define EMULATED_DEVICES_NONE                                                             \
	{                                                                                 \
		.vsock.listen = -1, .wake = -1, .links = {                                \
			[0 ... EMULATOR_LINKS - 1] = { .io = IO_NONE, .user.socket = -1 } \
		}                                                                         \
	}

/* Open what they are connected to on the host: one share, the sockets. */
int emulated_devices_open(struct emulated_devices *d, const struct devices_options *opt,
			  struct err *err) MUST_CHECK;

/* Begin to serve, with these links, which are taken over. Rights to files are left to the thread that needs them. */
int emulated_devices_start(struct emulated_devices *d, const struct devices_options *opt,
			   int links[EMULATOR_LINKS], struct err *err) MUST_CHECK;

/* Has a driver broken a rule? -EPROTO with words. */
int emulated_devices_offence(struct emulated_devices *d, struct err *err) MUST_CHECK;

/* When the emulator is gone. Takes half-made ones. */
void emulated_devices_free(struct emulated_devices *d);

#endif
