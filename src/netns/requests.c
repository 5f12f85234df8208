#include "netns/requests.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* One row per request there may be: where its interface's number stands. */
static const struct kind {
	const char *name;
	size_t head; /* what comes before the attributes */
	size_t index_at;
	uint16_t index_attribute; /* or the number is in this one */
	uint16_t type;
} kinds[] = {
	{ "set up the interface", sizeof(struct ifinfomsg), offsetof(struct ifinfomsg, ifi_index),
	  0, RTM_SETLINK },
	{ "add an address", sizeof(struct ifaddrmsg), offsetof(struct ifaddrmsg, ifa_index), 0,
	  RTM_NEWADDR },
	{ "add a route", sizeof(struct rtmsg), 0, RTA_OIF, RTM_NEWROUTE },
	{ "add a neighbour", sizeof(struct ndmsg), offsetof(struct ndmsg, ndm_ifindex), 0,
	  RTM_NEWNEIGH },
};

struct applying {
	int sock;
	struct net_links *links;
	bool again; /* they were there before all of this */
};

static const struct kind *kind_of(const struct nlmsghdr *h)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].type == h->nlmsg_type && h->nlmsg_len >= NLMSG_LENGTH(kinds[i].head))
			return &kinds[i];
	return NULL;
}

static struct rtattr *attribute(const struct kind *k, struct nlmsghdr *h, uint16_t type)
{
	size_t head = NLMSG_ALIGN(k->head);
	struct rtattr *a = (struct rtattr *)((char *)NLMSG_DATA(h) + head);
	int left = (int)(h->nlmsg_len - NLMSG_LENGTH(head));

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == type)
			return a;
	return NULL;
}

/* Where the interface's number is. NULL: it has none, as a route that leads nowhere. */
static char *number_of(const struct kind *k, struct nlmsghdr *h)
{
	struct rtattr *a;

	if (!k->index_attribute)
		return (char *)NLMSG_DATA(h) + k->index_at;
	a = attribute(k, h, k->index_attribute);
	return a && RTA_PAYLOAD(a) == sizeof(int32_t) ? RTA_DATA(a) : NULL;
}

static int find_by_address(const void *mac)
{
	struct ifaddrs *all = NULL;
	int found = 0;

	if (getifaddrs(&all) < 0)
		return 0;
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
		const struct sockaddr_ll *ll = (const struct sockaddr_ll *)i->ifa_addr;

		if (ll && ll->sll_family == AF_PACKET && ll->sll_halen == NET_GUEST_MAC_BYTES &&
		    memcmp(ll->sll_addr, mac, NET_GUEST_MAC_BYTES) == 0)
			found = ll->sll_ifindex;
	}
	freeifaddrs(all);
	return found;
}

/* Names change among them, and no two may have one at a time. Those of the kernel's choice go. */
static void set_names_aside(int sock)
{
	struct if_nameindex *all = if_nameindex();

	for (const struct if_nameindex *i = all; i && i->if_index; i++) {
		struct ifreq ifr = { 0 };

		if (!str_starts(i->if_name, "eth"))
			continue;
		memcpy(ifr.ifr_name, i->if_name, strnlen(i->if_name, IFNAMSIZ - 1));
		snprintf(ifr.ifr_newname, sizeof(ifr.ifr_newname), "aside%u", i->if_index);
		(void)ioctl(sock, SIOCSIFNAME, &ifr);
	}
	if (all)
		if_freenameindex(all);
}

static int answer(int sock)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr body;
		char rest[8192]; /* the request comes back behind a failure, or words */
	} came;
	ssize_t n;

	do {
		n = recv(sock, &came, sizeof(came), 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n < offsetof(typeof(came), rest) || came.head.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return came.body.error;
}

/* ---- one that was another's till now ---------------------------------------------------------------- */

static unsigned int prefix_of(const uint8_t *mask, size_t len)
{
	unsigned int bits = 0;

	for (size_t i = 0; i < len; i++)
		bits += (unsigned int)__builtin_popcount(mask[i]);
	return bits;
}

static int drop_address(int sock, int index, const struct ifaddrs *i)
{
	bool v6 = i->ifa_addr->sa_family == AF_INET6;
	size_t len = v6 ? 16 : 4, at = v6 ? offsetof(struct sockaddr_in6, sin6_addr) :
					    offsetof(struct sockaddr_in, sin_addr);
	struct {
		struct nlmsghdr head;
		struct ifaddrmsg address;
		struct rtattr attr;
		uint8_t bytes[16];
	} r = { .head = { .nlmsg_len = (uint32_t)(offsetof(typeof(r), bytes) + len),
			  .nlmsg_type = RTM_DELADDR,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.address = { .ifa_family = (uint8_t)i->ifa_addr->sa_family,
			     .ifa_index = (uint32_t)index },
		.attr = { .rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = IFA_LOCAL } };

	r.address.ifa_prefixlen =
		(uint8_t)(i->ifa_netmask ? prefix_of((const uint8_t *)i->ifa_netmask + at, len) :
					   8 * len);
	memcpy(r.bytes, (const uint8_t *)i->ifa_addr + at, len);
	return send(sock, &r, r.head.nlmsg_len, 0) < 0 ? -errno : answer(sock);
}

/* Down, so that its routes and neighbours go, and without any address. */
static int empty(int sock, int index, struct err *err)
{
	struct ifreq ifr = { .ifr_ifindex = index };
	struct ifaddrs *all = NULL;
	int rc = 0;

	if (ioctl(sock, SIOCGIFNAME, &ifr) < 0 || ioctl(sock, SIOCGIFFLAGS, &ifr) < 0)
		return err_sys(err, "look at the interface of before");
	ifr.ifr_flags &= (short)~IFF_UP;
	if (ioctl(sock, SIOCSIFFLAGS, &ifr) < 0 || getifaddrs(&all) < 0)
		return err_sys(err, "take the interface %s down", ifr.ifr_name);
	for (const struct ifaddrs *i = all; i && rc == 0; i = i->ifa_next) {
		if (!str_eq(i->ifa_name, ifr.ifr_name) || !i->ifa_addr ||
		    (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		rc = drop_address(sock, index, i);
		/* With the first of its network others may have gone. */
		if (rc == -EADDRNOTAVAIL)
			rc = 0;
	}
	freeifaddrs(all);
	if (rc < 0)
		return err_set(err, -rc, "take the addresses of the interface %s: %s", ifr.ifr_name,
			       strerror(-rc));
	return 0;
}

/* The first request of an interface says which one it is. */
static int find(struct applying *a, const struct kind *k, struct nlmsghdr *h, int32_t number,
		struct err *err)
{
	const struct rtattr *mac = attribute(k, h, IFLA_ADDRESS);
	bool first = true;

	if (!mac || RTA_PAYLOAD(mac) != NET_GUEST_MAC_BYTES)
		return err_set(err, EPROTO, "interface %d has no address", number);
	if (a->again && a->links->indexes[number])
		return empty(a->sock, a->links->indexes[number], err);
	for (size_t i = 0; i < ARRAY_LEN(a->links->indexes); i++)
		first = first && !a->links->indexes[i];
	a->links->indexes[number] = find_by_address(RTA_DATA(mac));
	if (!a->links->indexes[number])
		return err_set(
			err, ENODEV,
			"interface %d is not there: has the guest's kernel the driver virtio_net?",
			number);
	if (first)
		set_names_aside(a->sock);
	return 0;
}

/* The kernel's number in the place of ours. */
static int number_put(struct applying *a, const struct kind *k, struct nlmsghdr *h, struct err *err)
{
	char *at = number_of(k, h);
	int32_t number = 0;
	int rc = 0;

	if (!at)
		return 0;
	memcpy(&number, at, sizeof(number));
	if (number < 1 || number > NET_GUEST_LINKS_MAX)
		return err_set(err, EPROTO, "there is no interface %d", number);
	if (k->type == RTM_SETLINK)
		rc = find(a, k, h, number, err);
	if (rc == 0 && !a->links->indexes[number])
		return err_set(err, EPROTO, "interface %d is not set up yet", number);
	if (rc == 0)
		memcpy(at, &a->links->indexes[number], sizeof(number));
	return rc;
}

static int apply_one(struct applying *a, struct nlmsghdr *h, unsigned int n, struct err *err)
{
	const struct kind *k = kind_of(h);
	int rc;

	if (!k)
		return err_set(err, EPROTO, "request %u (type %d) is none that may come", n,
			       h->nlmsg_type);
	rc = number_put(a, k, h, err);
	if (rc < 0)
		return rc;
	h->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	h->nlmsg_seq = n;
	h->nlmsg_pid = 0;
	rc = send(a->sock, h, h->nlmsg_len, 0) < 0 ? -errno : answer(a->sock);
	/* What belongs to no interface is still there. */
	if (rc == -EEXIST && a->again)
		rc = 0;
	return rc < 0 ? err_set(err, -rc, "%s (request %u): %s", k->name, n, strerror(-rc)) : 0;
}

int netns_requests_apply(void *text, size_t len, struct net_links *links, struct err *err)
{
	struct nlmsghdr *h = text;
	CLEAN(fd) int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct applying a = { .sock = sock, .links = links };

	if (sock < 0)
		return err_sys(err, "set up the network: open a netlink socket");
	for (size_t i = 0; i < ARRAY_LEN(links->indexes); i++)
		a.again = a.again || links->indexes[i];
	for (unsigned int n = 1; len > 0; n++) {
		size_t step;
		int rc;

		if (len < sizeof(*h) || h->nlmsg_len < sizeof(*h) || h->nlmsg_len > len)
			return err_set(err, EPROTO, "set up the network: request %u is cut off", n);
		step = NLMSG_ALIGN(h->nlmsg_len);
		rc = apply_one(&a, h, n, err);
		if (rc < 0)
			return err_wrap(err, "set up the network: ");
		len -= step < len ? step : len;
		h = (struct nlmsghdr *)((char *)h + step);
	}
	return 0;
}
