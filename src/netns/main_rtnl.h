/* What ctr-net asks the kernel for, over rtnetlink(7) by libmnl; one socket for each namespace. */
#ifndef CTR_NETNS_MAIN_RTNL_H
#define CTR_NETNS_MAIN_RTNL_H

#include "base/str.h"

#include <libmnl/libmnl.h>
#include <net/if.h>
#include <stdint.h>

struct rtnl {
	struct mnl_socket *sock;
	uint32_t seq;
};

struct rtnl_link {
	int index;
	unsigned int flags; /* IFF_* */
	char name[IFNAMSIZ];
};

/* A socket in the network namespace in which the caller is now. All: 0 or -errno. */
int rtnl_open(struct rtnl *r) MUST_CHECK;
void rtnl_close(struct rtnl *r);

/* By name (index 0; also found by its alternative names) or by index. -ENODEV: there is none. */
int rtnl_link_get(struct rtnl *r, int index, const char *name, struct rtnl_link *ret) MUST_CHECK;

/*
 * Into the namespace behind `netns`, under this name (a pattern with %d too) and index. (Kernels before
 * 5.13 don't know the latter, and keep the old one where it is free.)
 */
int rtnl_link_move(struct rtnl *r, int index, int netns, const char *name,
		   int new_index) MUST_CHECK;

int rtnl_link_up(struct rtnl *r, int index) MUST_CHECK;

/* The index that no link has and that is greater than any: where the old one is taken. */
int rtnl_index_free(struct rtnl *r, int *ret) MUST_CHECK;

/*
 * The permanent addresses of global scope of a link, as the kernel tells them one after the other, and
 * the same put on another link of another namespace. Labels follow the link's name.
 */
int rtnl_addresses_get(struct rtnl *r, int index, struct str *ret) MUST_CHECK;
int rtnl_addresses_put(struct rtnl *r, const struct rtnl_link *link, const char *old_name,
		       const struct str *addresses) MUST_CHECK;

/*
 * For other requests: one begins in a buffer, the only one there is; it is sent, and each message of the answer goes
 * to `each` (NULL: only the acknowledgement counts). Or it is not sent by us, but kept.
 */
struct nlmsghdr *rtnl_begin(struct rtnl *r, uint16_t type, uint16_t flags);
int rtnl_talk(struct rtnl *r, const struct nlmsghdr *h, mnl_cb_t each, void *data) MUST_CHECK;

/* The request that would add an address like `from`, whose link was called `old`, to this one. */
struct nlmsghdr *rtnl_address_request(struct rtnl *r, const struct rtnl_link *link, const char *old,
				      const struct nlmsghdr *from, uint32_t more_flags);

#endif
