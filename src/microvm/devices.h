/* All devices of a machine, on its bus, with the threads that serve them. */
#ifndef CTR_MICROVM_DEVICES_H
#define CTR_MICROVM_DEVICES_H

#include "microvm/disk.h"
#include "microvm/io.h"
#include "microvm/net.h"
#include "microvm/pci.h"
#include "microvm/share.h"
#include "microvm/virtio_balloon.h"
#include "microvm/virtio_block.h"
#include "microvm/virtio_console.h"
#include "microvm/virtio_fs.h"
#include "microvm/virtio_net.h"
#include "microvm/virtio_pci.h"
#include "microvm/virtio_rng.h"
#include "microvm/virtio_vsock.h"
#include "microvm/watchdog.h"
#include "microvm/wires.h"

/* What the user wants of them; borrowed. */
struct devices_options {
	const struct disk_options *disks;
	size_t disk_count;
	struct vsock_options vsock;
	bool jailed; /* we are in a container of our own: jail.h */
	const struct share_options *shares;
	size_t share_count;
	const struct net_options *nets;
	size_t net_count;
	enum watchdog_policy watchdog;
	bool has_balloon;
	uint64_t balloon_bytes; /* that it is to have from the beginning */
	bool balloon_firm;      /* virtio_balloon.h */
	const char *fds;        /* for shares: our /proc/self/fd, or "fd:N"; NULL: that path */
};

#define DEVICES_OPTIONS_NONE                 \
	{                                    \
		.vsock = VSOCK_OPTIONS_NONE, \
	}

/* A disk may take its time, and has a thread of its own for it. */
struct disk_device {
	struct disk disk; /* until it is the block device's */
	struct bucket_rates rates;
	uint32_t burst_ms;
	struct virtio_block block;
	struct virtio_pci pci;
	struct io io;
};

/* So has a folder. */
struct share_device {
	char tag[VIRTIO_FS_TAG_MAX + 1];
	int root;                   /* the server's */
	struct fuse_server *server; /* until it is the device's */
	struct virtio_fs fs;
	struct virtio_pci pci;
	struct io io;
};

/* So has a network. */
struct net_device {
	int tap; /* until it is the device's */
	uint8_t mac[NET_MAC_BYTES];
	uint16_t mtu;
	struct bucket_rates rx, tx;
	uint32_t burst_ms;
	struct virtio_net net;
	struct virtio_pci pci;
	struct io io;
};

/* It stays where it is once it's made. */
struct devices {
	bool jailed, has_console;
	struct virtio_pci *plugged[PCI_SLOTS]; /* those of virtio, in the order of the bus */
	size_t plugged_count;
	struct wires wires;
	struct io io;
	struct virtio_rng rng;
	struct virtio_pci rng_pci;
	struct virtio_console console;
	struct virtio_pci console_pci;
	struct disk_device *disks;
	size_t disk_count;
	bool has_vsock;
	struct vsock vsock;
	struct virtio_pci vsock_pci;
	struct io vsock_io;
	struct share_device *shares;
	size_t share_count;
	struct net_device *nets;
	size_t net_count;
	bool has_balloon, balloon_firm;
	uint64_t balloon_pages;
	struct virtio_balloon balloon;
	struct virtio_pci balloon_pci;
	struct io balloon_io;
	bool has_watchdog;
	struct watchdog watchdog;
};

#define DEVICES_NONE                                                                           \
	{                                                                                      \
		.io = IO_NONE, .vsock_io = IO_NONE, .balloon_io = IO_NONE, .vsock.listen = -1, \
		.watchdog = WATCHDOG_ABSENT_INIT,                                              \
	}

/* Open what they are connected to on the host. `wake` is borrowed: watchdog.h. */
int devices_open(struct devices *d, const struct devices_options *opt, int wake,
		 struct err *err) MUST_CHECK;

/*
 * Plug them into a bus and begin to serve. `vm` is KVM's fd, borrowed, which is to be there as long as they
 * are. `console`: what a console is connected to; NULL: there is none.
 */
int devices_start(struct devices *d, struct pci *pci, const struct memory *memory, const int *vm,
		  const struct virtio_console_end *console, struct err *err) MUST_CHECK;

/* When no processor runs any more: nor does the console's thread then. */
void devices_hush(struct devices *d);

/* When no processor runs any more. Takes half-made ones. */
void devices_free(struct devices *d);

#endif
