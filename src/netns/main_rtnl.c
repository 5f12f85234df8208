#include "netns/main_rtnl.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* A link with many virtual functions is told in more than libmnl's 8 KiB. */
#define ROOM (64u << 10)

/* Since Linux 5.13; older headers don't have it. */
#define NEW_IFINDEX 49

static char buffer[ROOM];

int rtnl_open(struct rtnl *r)
{
	*r = (struct rtnl){ .sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC) };
	if (!r->sock || mnl_socket_bind(r->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	return 0;
}

void rtnl_close(struct rtnl *r)
{
	if (r->sock)
		mnl_socket_close(take_ptr(r->sock));
}

struct nlmsghdr *rtnl_begin(struct rtnl *r, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = ++r->seq;
	return h;
}

int rtnl_talk(struct rtnl *r, const struct nlmsghdr *h, mnl_cb_t each, void *data)
{
	uint32_t port = mnl_socket_get_portid(r->sock);
	int rc = MNL_CB_OK;

	if (mnl_socket_sendto(r->sock, h, h->nlmsg_len) < 0)
		return -errno;
	while (rc > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(r->sock, buffer, sizeof(buffer));

		if (n < 0 && errno == EINTR)
			continue;
		rc = n < 0 ? -1 : mnl_cb_run(buffer, (size_t)n, r->seq, port, each, data);
	}
	return rc < 0 ? -errno : 0;
}

static struct ifinfomsg *begin_link(struct nlmsghdr *h, int index)
{
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->ifi_family = AF_UNSPEC;
	m->ifi_index = index;
	return m;
}

static int link_read(const struct nlmsghdr *h, void *data)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	struct rtnl_link *ret = data;
	const struct nlattr *a;

	ret->index = m->ifi_index;
	ret->flags = m->ifi_flags;
	mnl_attr_for_each(a, h, sizeof(*m))
	{
		if (mnl_attr_get_type(a) == IFLA_IFNAME &&
		    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
			snprintf(ret->name, sizeof(ret->name), "%s", mnl_attr_get_str(a));
	}
	return MNL_CB_OK;
}

int rtnl_link_get(struct rtnl *r, int index, const char *name, struct rtnl_link *ret)
{
	struct nlmsghdr *h = rtnl_begin(r, RTM_GETLINK, NLM_F_ACK);

	*ret = (struct rtnl_link){ 0 };
	begin_link(h, index);
	if (!index)
		mnl_attr_put_strz(h, IFLA_IFNAME, name);
	mnl_attr_put_u32(h, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return rtnl_talk(r, h, link_read, ret);
}

int rtnl_link_move(struct rtnl *r, int index, int netns, const char *name, int new_index)
{
	struct nlmsghdr *h = rtnl_begin(r, RTM_SETLINK, NLM_F_ACK);

	begin_link(h, index);
	mnl_attr_put_u32(h, IFLA_NET_NS_FD, (uint32_t)netns);
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	mnl_attr_put_u32(h, NEW_IFINDEX, (uint32_t)new_index);
	return rtnl_talk(r, h, NULL, NULL);
}

int rtnl_link_up(struct rtnl *r, int index)
{
	struct nlmsghdr *h = rtnl_begin(r, RTM_SETLINK, NLM_F_ACK);
	struct ifinfomsg *m = begin_link(h, index);

	m->ifi_flags = m->ifi_change = IFF_UP;
	return rtnl_talk(r, h, NULL, NULL);
}

static int index_max(const struct nlmsghdr *h, void *data)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	int *max = data;

	if (m->ifi_index > *max)
		*max = m->ifi_index;
	return MNL_CB_OK;
}

int rtnl_index_free(struct rtnl *r, int *ret)
{
	struct nlmsghdr *h = rtnl_begin(r, RTM_GETLINK, NLM_F_DUMP);
	int rc;

	*ret = 0;
	begin_link(h, 0);
	rc = rtnl_talk(r, h, index_max, ret);
	++*ret;
	return rc;
}

/* ---- addresses ----------------------------------------------------------------------- */

struct wanted {
	int index;
	struct str *ret;
};

/* The 32 bits; the 8 in the header came first and were too few. */
static uint32_t address_flags(const struct nlmsghdr *h)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *a;

	mnl_attr_for_each(a, h, sizeof(*m))
	{
		if (mnl_attr_get_type(a) == IFA_FLAGS && mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
			return mnl_attr_get_u32(a);
	}
	return m->ifa_flags;
}

static int address_keep(const struct nlmsghdr *h, void *data)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(h);
	struct wanted *w = data;

	if ((int)m->ifa_index == w->index && m->ifa_scope == RT_SCOPE_UNIVERSE &&
	    address_flags(h) & IFA_F_PERMANENT)
		str_add_bytes(w->ret, h, MNL_ALIGN(h->nlmsg_len));
	return MNL_CB_OK;
}

int rtnl_addresses_get(struct rtnl *r, int index, struct str *ret)
{
	struct wanted w = { index, ret };
	struct nlmsghdr *h = rtnl_begin(r, RTM_GETADDR, NLM_F_DUMP);
	struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->ifa_family = AF_UNSPEC;
	return rtnl_talk(r, h, address_keep, &w);
}

/* An IPv4 label begins with the link's name: "eth0", "eth0:1". Too long with the new one: dropped. */
static void label_put(struct nlmsghdr *h, const char *label, const char *old, const char *now)
{
	char text[IFNAMSIZ + IFNAMSIZ];

	if (!str_starts(label, old))
		return;
	snprintf(text, sizeof(text), "%s%s", now, label + strlen(old));
	if (strlen(text) < IFNAMSIZ)
		mnl_attr_put_strz(h, IFA_LABEL, text);
}

/* What was found out about the address (tentative, duplicate, secondary) is to be found out again. */
#define ASKED_FLAGS                                                                  \
	(IFA_F_NODAD | IFA_F_OPTIMISTIC | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | \
	 IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN)

static void attribute_put(struct nlmsghdr *h, const struct nlattr *a, const char *old,
			  const char *now)
{
	switch (mnl_attr_get_type(a)) {
	case IFA_LABEL:
		if (mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
			label_put(h, mnl_attr_get_str(a), old, now);
		break;
	case IFA_ADDRESS:
	case IFA_LOCAL:
	case IFA_BROADCAST:
	case IFA_CACHEINFO: /* a preferred lifetime of 0 is what makes an address deprecated */
	case IFA_RT_PRIORITY:
		mnl_attr_put(h, mnl_attr_get_type(a), mnl_attr_get_payload_len(a),
			     mnl_attr_get_payload(a));
		break;
	}
}

struct nlmsghdr *rtnl_address_request(struct rtnl *r, const struct rtnl_link *link, const char *old,
				      const struct nlmsghdr *from, uint32_t more_flags)
{
	const struct ifaddrmsg *was = mnl_nlmsg_get_payload(from);
	struct nlmsghdr *h = rtnl_begin(r, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	const struct nlattr *a;

	*m = (struct ifaddrmsg){
		.ifa_family = was->ifa_family,
		.ifa_prefixlen = was->ifa_prefixlen,
		.ifa_scope = was->ifa_scope,
		.ifa_index = (unsigned int)link->index,
	};
	mnl_attr_for_each(a, from, sizeof(*was)) attribute_put(h, a, old, link->name);
	mnl_attr_put_u32(h, IFA_FLAGS, (address_flags(from) & ASKED_FLAGS) | more_flags);
	return h;
}

int rtnl_addresses_put(struct rtnl *r, const struct rtnl_link *link, const char *old_name,
		       const struct str *addresses)
{
	for (size_t at = 0; at < addresses->len;) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)(addresses->text + at);
		int rc = rtnl_talk(r, rtnl_address_request(r, link, old_name, h, 0), NULL, NULL);

		if (rc < 0)
			return rc;
		at += MNL_ALIGN(h->nlmsg_len);
	}
	return 0;
}
