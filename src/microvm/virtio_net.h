/*
 * A network device. VIRTIO 1.2, 5.1. Its other end is a tap of the host's, which takes and gives packets with the
 * header that virtio has: checksums and the cutting of long packets are left to whoever needs them, the host's
 * kernel or nobody. One queue each way, in a thread of its own.
 */
#ifndef CTR_MICROVM_VIRTIO_NET_H
#define CTR_MICROVM_VIRTIO_NET_H

#include "microvm/net.h"
#include "microvm/virtio.h"

#define VIRTIO_NET_RX 0 /* queues: to the guest, from it */
#define VIRTIO_NET_TX 1
#define VIRTIO_NET_FRAME_MIN 14
#define VIRTIO_NET_FRAME_MAX 65600 /* 64 KiB, and more than its Ethernet header with two tags */

struct virtio_net {
	struct virtio virtio;
	struct io *io; /* borrowed */
	int tap;
	struct io_source source;
	uint32_t watched; /* events */
	bool gone;        /* the tap is */
	/* From the tap, until the guest has room for it; 0: none. */
	size_t packet_bytes;
	uint8_t packet[NET_HEADER_BYTES + VIRTIO_NET_FRAME_MAX] __attribute__((aligned(4)));
	/* The driver's view, up to the last field that a feature of ours is for: linux/virtio_net.h. */
	struct {
		uint8_t mac[NET_MAC_BYTES];
		uint16_t status, pairs, mtu;
	} __attribute__((packed)) config;
};

/*
 * Takes the tap over, in any case: anything that is read and written by packets will do. mtu 0: the driver's
 * own.
 */
int virtio_net_init(struct virtio_net *n, int tap, const uint8_t mac[NET_MAC_BYTES], uint16_t mtu,
		    const struct memory *memory, struct io *io, struct err *err) MUST_CHECK;
/* The tap is served from now on: behind virtio_attach(). */
int virtio_net_listen(struct virtio_net *n, struct err *err) MUST_CHECK;
void virtio_net_free(struct virtio_net *n);

#endif
