/* ctr-net's second job: a network namespace's interfaces for a micro-VM's guest (netns/guest.h). */
#ifndef CTR_NETNS_MAIN_GUEST_H
#define CTR_NETNS_MAIN_GUEST_H

#include "netns/guest.h"
#include "netns/main_rtnl.h"

#include <stdint.h>

struct guest_link {
	struct rtnl_link link; /* of the namespace */
	uint32_t mtu;
	uint8_t mac[NET_GUEST_MAC_BYTES];
	int tap; /* its fd; -1 */
};

struct guest_links {
	size_t count;
	struct guest_link items[NET_GUEST_LINKS_MAX];
};

/* In the namespace in which the caller is, where `r` was opened. After a failure all is as before. */
int guest_connect(struct rtnl *r, int sock, struct err *err) MUST_CHECK;
int guest_disconnect(struct rtnl *r, struct err *err) MUST_CHECK;

/* main_guest_plan.c: what the guest's kernel is to be asked for, so that it has these links with all theirs. */
int guest_requests(struct rtnl *r, const struct guest_links *links, struct str *ret,
		   struct err *err) MUST_CHECK;

/* main_guest_wire.c: all that comes in at one interface goes out at the other. 0 or -errno. */
int guest_redirect(struct rtnl *r, int from, int to) MUST_CHECK;
int guest_redirect_end(struct rtnl *r, int from) MUST_CHECK;

#endif
