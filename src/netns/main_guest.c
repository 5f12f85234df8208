#include "netns/main_guest.h"

#include "base/cleanup.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define TAP "ctr-vm" /* with the number of the interface beside it: nobody else's is called so */
#define ADDRESS_GEN_NONE 1

/* ---- which interfaces --------------------------------------------------------------------------- */

struct finding {
	struct guest_links *links;
	bool too_many;
};

static void read_link(const struct nlmsghdr *h, struct guest_link *ret)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *a;

	*ret = (struct guest_link){ .tap = -1,
				    .link = { .index = m->ifi_index, .flags = m->ifi_flags } };
	mnl_attr_for_each(a, h, sizeof(*m))
	{
		uint16_t len = mnl_attr_get_payload_len(a);
		const void *data = mnl_attr_get_payload(a);

		if (mnl_attr_get_type(a) == IFLA_IFNAME && len && len <= IFNAMSIZ)
			memcpy(ret->link.name, data, len - 1U);
		else if (mnl_attr_get_type(a) == IFLA_MTU && len == sizeof(uint32_t))
			ret->mtu = mnl_attr_get_u32(a);
		else if (mnl_attr_get_type(a) == IFLA_ADDRESS && len == sizeof(ret->mac))
			memcpy(ret->mac, data, len);
	}
}

/* Ethernet and up; what belongs to a bridge or a bond has no addresses of its own. */
static int keep_link(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	struct finding *f = arg;
	struct guest_link found;

	if (m->ifi_type != ARPHRD_ETHER || !(m->ifi_flags & IFF_UP) || m->ifi_flags & IFF_SLAVE)
		return MNL_CB_OK;
	read_link(h, &found);
	f->too_many = f->links->count == NET_GUEST_LINKS_MAX;
	if (!f->too_many)
		f->links->items[f->links->count++] = found;
	return MNL_CB_OK;
}

static int find_links(struct rtnl *r, struct guest_links *ret, struct err *err)
{
	struct nlmsghdr *h = rtnl_begin(r, RTM_GETLINK, NLM_F_DUMP);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	struct finding f = { .links = ret };
	int rc;

	m->ifi_family = AF_UNSPEC;
	ret->count = 0;
	rc = rtnl_talk(r, h, keep_link, &f);
	if (rc < 0)
		return err_set(err, -rc, "list the network namespace's interfaces: %s",
			       strerror(-rc));
	if (f.too_many)
		return err_set(err, E2BIG, "a micro-VM has at most %d network interfaces",
			       NET_GUEST_LINKS_MAX);
	for (size_t i = 0; i < ret->count; i++)
		if (str_starts(ret->items[i].link.name, TAP))
			return err_set(err, EBUSY,
				       "the network namespace's interfaces are another micro-VM's "
				       "already; each needs a network namespace of its own");
	return 0;
}

/* ---- one interface --------------------------------------------------------------------------------- */

static int open_tap(int beside, char name[IFNAMSIZ], struct err *err)
{
	CLEAN(fd) int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

	if (fd < 0)
		return err_sys(err, "open /dev/net/tun, for a micro-VM's network%s",
			       errno == ENOENT ? " (`modprobe tun` makes it)" : "");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), TAP "%d", beside);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return err_sys(err, "make the tap %s", ifr.ifr_name);
	memcpy(name, ifr.ifr_name, IFNAMSIZ);
	return take_fd(&fd);
}

/* Nobody speaks on it but the guest: no address comes by itself, and none is asked for. */
static int set_up_tap(struct rtnl *r, const struct guest_link *l, int tap)
{
	struct nlmsghdr *h = rtnl_begin(r, RTM_SETLINK, NLM_F_ACK);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	struct nlattr *all, *six;
	int rc;

	m->ifi_index = tap;
	all = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	six = mnl_attr_nest_start(h, AF_INET6);
	mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, ADDRESS_GEN_NONE);
	mnl_attr_nest_end(h, six);
	mnl_attr_nest_end(h, all);
	rc = rtnl_talk(r, h, NULL, NULL);
	if (rc < 0 && rc != -EAFNOSUPPORT && rc != -EOPNOTSUPP)
		return rc;
	h = rtnl_begin(r, RTM_SETLINK, NLM_F_ACK);
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ifi_index = tap;
	m->ifi_flags = m->ifi_change = IFF_UP | IFF_NOARP;
	mnl_attr_put_u32(h, IFLA_MTU, l->mtu);
	return rtnl_talk(r, h, NULL, NULL);
}

static int connect_link(struct rtnl *r, struct guest_link *l, struct err *err)
{
	char name[IFNAMSIZ];
	struct rtnl_link tap;
	int rc;

	l->tap = open_tap(l->link.index, name, err);
	if (l->tap < 0)
		return l->tap;
	rc = rtnl_link_get(r, 0, name, &tap);
	if (rc == 0)
		rc = set_up_tap(r, l, tap.index);
	if (rc == 0)
		rc = guest_redirect(r, tap.index, l->link.index);
	if (rc == 0)
		rc = guest_redirect(r, l->link.index, tap.index);
	return rc < 0 ? err_set(err, -rc,
				"connect %s with the micro-VM (tc: ingress, u32, mirred): %s",
				l->link.name, strerror(-rc)) :
			0;
}

/* ---- all of them ------------------------------------------------------------------------------------- */

static int hand_over(const struct guest_links *links, const struct str *requests, int sock,
		     struct err *err)
{
	uint8_t message[1 + NET_GUEST_LINKS_MAX * NET_GUEST_MAC_BYTES];
	int fds[1 + NET_GUEST_LINKS_MAX], rc = 0;
	CLEAN(fd) int file = memfd_create("network", MFD_CLOEXEC);

	if (file < 0)
		return err_sys(err, "memfd for the guest's network");
	if (requests->len)
		rc = fd_write_all(file, requests->text, requests->len);
	message[0] = (uint8_t)links->count;
	fds[0] = file;
	for (size_t i = 0; i < links->count; i++) {
		memcpy(message + 1 + i * NET_GUEST_MAC_BYTES, links->items[i].mac,
		       NET_GUEST_MAC_BYTES);
		fds[1 + i] = links->items[i].tap;
	}
	if (rc == 0)
		rc = fd_send(sock, message, 1 + links->count * NET_GUEST_MAC_BYTES, fds,
			     1 + links->count);
	return rc < 0 ? err_set(err, -rc, "hand the guest's network over: %s", strerror(-rc)) : 0;
}

int guest_connect(struct rtnl *r, int sock, struct err *err)
{
	CLEAN(str) struct str requests = { 0 };
	static struct guest_links links;
	int rc = find_links(r, &links, err);

	for (size_t i = 0; rc == 0 && i < links.count; i++)
		rc = connect_link(r, &links.items[i], err);
	if (rc == 0)
		rc = guest_requests(r, &links, &requests, err);
	if (rc == 0)
		rc = hand_over(&links, &requests, sock, err);
	/* The taps go with us, and what leads to them must. */
	for (size_t i = 0; rc < 0 && i < links.count; i++)
		if (links.items[i].tap >= 0)
			(void)!guest_redirect_end(r, links.items[i].link.index);
	return rc;
}

int guest_disconnect(struct rtnl *r, struct err *err)
{
	static struct guest_links links;
	int rc = find_links(r, &links, err);

	/* They are another guest's, who was here before the one that is to leave, and came to nothing. */
	if (rc == -EBUSY) {
		*err = (struct err){ 0 };
		return 0;
	}
	for (size_t i = 0; rc == 0 && i < links.count; i++) {
		rc = guest_redirect_end(r, links.items[i].link.index);
		if (rc < 0)
			return err_set(err, -rc, "disconnect %s from the micro-VM: %s",
				       links.items[i].link.name, strerror(-rc));
	}
	return rc;
}
