/* What a guest's network device is connected to on the host: a tap interface. What --net says. */
#ifndef CTR_MICROVM_NET_H
#define CTR_MICROVM_NET_H

#include "base/cleanup.h"
#include "base/err.h"
#include "microvm/bucket.h"

#include <stdbool.h>
#include <stdint.h>

#define NET_MAC_BYTES 6
#define NET_HEADER_BYTES 12 /* before each packet on the tap: struct virtio_net_hdr_v1 */

struct net_options {
	int fd; /* the tap, with IFF_NO_PI and IFF_VNET_HDR */
	uint8_t mac[NET_MAC_BYTES];
	bool has_mac;               /* else one by chance */
	struct bucket_rates rx, tx; /* to the guest, from it */
	uint32_t burst_ms;
};

#define NET_OPTIONS_NONE \
	{                \
		.fd = -1 \
	}

/* tap=NAME or fd=N; mac=MAC, {rx,tx}-{bps,iops}=, burst=MS. The tap is opened, or the fd duplicated. */
int net_parse(const char *text, struct net_options *ret, struct err *err) MUST_CHECK;
void net_options_free(struct net_options *opt);

/* Make an open tap ready: its header's size, no waiting. -EINVAL: it is no tap, or one without headers. */
int net_tap_prepare(int fd, struct err *err) MUST_CHECK;

/* The tap's MTU; 0: it can't be known. For a tap in this network namespace. */
uint16_t net_tap_mtu(int fd);

/* A locally administered address by chance. */
int net_random_mac(uint8_t ret[NET_MAC_BYTES], struct err *err) MUST_CHECK;

#endif
