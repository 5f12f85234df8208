/*
 * What makes a guest's interfaces as the host's are: requests of rtnetlink(7), one after the other, as the host's
 * ctr-net has written them and the guest's init sends them to its own kernel. Interfaces have numbers of their
 * order there, from 1; each first comes in an RTM_SETLINK with its address, by which it is found.
 */
#ifndef CTR_NETNS_REQUESTS_H
#define CTR_NETNS_REQUESTS_H

#include "base/err.h"
#include "netns/guest.h"

#include <stddef.h>

#define NET_REQUESTS_MAX (1u << 20) /* bytes */

/* The kernel's numbers of those interfaces, by ours. All zero: none was seen yet. */
struct net_links {
	int indexes[NET_GUEST_LINKS_MAX + 1];
};

/*
 * All of them, up to the first that fails. The text is changed. An interface that `links` has already, for the guest
 * was another one till now, loses its addresses and routes first, and takes its new address. -EPROTO: it is none of
 * ctr-net's.
 */
int netns_requests_apply(void *text, size_t len, struct net_links *links,
			 struct err *err) MUST_CHECK;

#endif
