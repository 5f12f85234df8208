/* A network device, whose driver is a test, and the other end of what stands where its tap is. */
#ifndef TESTS_UNIT_MICROVM_NET_MACHINE_H
#define TESTS_UNIT_MICROVM_NET_MACHINE_H

#include "microvm/driver.h"
#include "microvm/virtio_net.h"

#include <linux/virtio_net.h>
#include <sys/types.h>

enum { RX, TX };

#define HEAD sizeof(struct virtio_net_hdr_v1)
#define F(name) (1ULL << VIRTIO_NET_F_##name)
#define ALL                                                                                      \
	(F(CSUM) | F(GUEST_CSUM) | F(HOST_TSO4) | F(HOST_TSO6) | F(GUEST_TSO4) | F(GUEST_TSO6) | \
	 F(MRG_RXBUF))
#define BUFFER(i) (DRIVER_BUFFER_GPA + (uint64_t)(i)*0x20000)
#define CSUM VIRTIO_NET_HDR_F_NEEDS_CSUM
#define TCP4 VIRTIO_NET_HDR_GSO_TCPV4
#define TCP6 VIRTIO_NET_HDR_GSO_TCPV6
#define SAYS(f, type, head, size, start, at)                                             \
	{                                                                                \
		.flags = (f), .gso_type = (type), .hdr_len = (head), .gso_size = (size), \
		.csum_start = (start), .csum_offset = (at)                               \
	}

struct machine {
	struct driver driver[2];
	struct virtio_net net;
	struct io io;
	int wire; /* the other end */
	unsigned int config_changes;
};

/* With a driver that has begun, with these features. */
void machine_init(struct machine *m, uint64_t features, bool event_idx);
void machine_free(struct machine *m);
CLEAN_DEFINE(machine, struct machine, machine_free)

/* The driver begins again. */
void agree(struct machine *m, uint64_t features, bool event_idx);

/* Header and packet in a descriptor each: how many bytes come out at the other end; -1: none. */
ssize_t transmit(struct machine *m, const struct virtio_net_hdr_v1 *h, uint32_t len);

/* The driver's buffer for a packet, of that length, in a descriptor of that number. */
void offer(struct machine *m, uint16_t i, uint32_t len);

/* A packet into the other end; what the thread does when the tap has something. */
void send_packet(struct machine *m, struct virtio_net_hdr_v1 h, size_t len);
void ready(struct machine *m);

/* The packet of that length is in these buffers, as used from `first` on; the first has the header. */
void assert_got(struct machine *m, uint16_t first, uint16_t buffers, size_t len);

#endif
