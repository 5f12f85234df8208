#include "netns/requests.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "netns/guest.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
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
	int indexes[NET_GUEST_LINKS_MAX + 1]; /* the kernel's; 0: not seen yet */
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

/* The first request of an interface says which one it is. */
static int find(struct applying *a, const struct kind *k, struct nlmsghdr *h, int32_t number,
		struct err *err)
{
	const struct rtattr *mac = attribute(k, h, IFLA_ADDRESS);
	bool first = true;

	if (!mac || RTA_PAYLOAD(mac) != NET_GUEST_MAC_BYTES)
		return err_set(err, EPROTO, "interface %d has no address", number);
	for (size_t i = 0; i < ARRAY_LEN(a->indexes); i++)
		first = first && !a->indexes[i];
	a->indexes[number] = find_by_address(RTA_DATA(mac));
	if (!a->indexes[number])
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
	if (rc == 0 && !a->indexes[number])
		return err_set(err, EPROTO, "interface %d is not set up yet", number);
	if (rc == 0)
		memcpy(at, &a->indexes[number], sizeof(number));
	return rc;
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
	return rc < 0 ? err_set(err, -rc, "%s (request %u): %s", k->name, n, strerror(-rc)) : 0;
}

int netns_requests_apply(void *text, size_t len, struct err *err)
{
	struct nlmsghdr *h = text;
	CLEAN(fd) int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct applying a = { .sock = sock };

	if (sock < 0)
		return err_sys(err, "set up the network: open a netlink socket");
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
