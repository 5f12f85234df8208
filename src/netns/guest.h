/*
 * A network namespace whose interfaces a micro-VM's guest takes over: each Ethernet interface that is up gets
 * a tap beside it, and all that comes in at the one goes out at the other (tc, ingress, mirred), so the
 * guest's interface has that address on that wire. This asks ctr-net; main_guest.c does it.
 */
#ifndef CTR_NETNS_GUEST_H
#define CTR_NETNS_GUEST_H

#include "base/err.h"

#define NET_GUEST_LINKS_MAX 16
#define NET_GUEST_MAC_BYTES 6

/*
 * *ret: a socket (SOCK_SEQPACKET), the caller's, on which lies one message for the launcher: a byte,
 * how many interfaces there are, and an address (NET_GUEST_MAC_BYTES) for each; with it the fd of a file, what
 * netns_requests_apply() is to do in the guest, and one for each tap, as tun's IFF_VNET_HDR has it. The taps live
 * as long as their fds. -EBUSY: another guest has them. `helper` is ctr-net.
 */
int netns_guest_connect(int helper, int netns, int *ret, struct err *err) MUST_CHECK;

/* What outlives the taps is taken off: for a namespace that outlives its container. */
int netns_guest_disconnect(int helper, int netns, struct err *err) MUST_CHECK;

#endif
