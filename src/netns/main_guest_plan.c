/* What the kernel says of a namespace's interfaces, as requests to another one: netns/requests.h. */
#include "netns/main_guest.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

struct planning {
	const struct guest_links *links;
	struct str *ret;
	struct str routes
		[2]; /* those without a gateway, by which the others' are reached; the others */
	struct rtnl *r;
	const char *unfit; /* what the guest can't have */
};

static void keep(struct str *to, const struct nlmsghdr *h)
{
	str_add_bytes(to, h, MNL_ALIGN(h->nlmsg_len));
}

/* An interface's number in the guest; 0: it has none. */
static int number_of(const struct planning *p, int index)
{
	for (size_t i = 0; i < p->links->count; i++)
		if (p->links->items[i].link.index == index)
			return (int)i + 1;
	return 0;
}

/* The next one is built in the buffer in which an answer lies: so what is found is copied first. */
static int collect(const struct nlmsghdr *h, void *arg)
{
	keep(arg, h);
	return MNL_CB_OK;
}

static int dump(struct rtnl *r, uint16_t type, uint8_t family, struct str *ret)
{
	struct nlmsghdr *h = rtnl_begin(r, type, NLM_F_DUMP);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	/* The family is the first byte of each of these heads, none of which is longer. */
	_Static_assert(sizeof(struct rtmsg) >= sizeof(struct ndmsg), "room for any head");
	m->rtm_family = family;
	return rtnl_talk(r, h, collect, ret);
}

static int each(const struct str *found, int (*one)(struct planning *p, const struct nlmsghdr *h),
		struct planning *p)
{
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < found->len;) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)(found->text + at);

		rc = one(p, h);
		at += MNL_ALIGN(h->nlmsg_len);
	}
	return rc;
}

/* ---- links and addresses -------------------------------------------------------------------------- */

static void plan_link(struct planning *p, const struct guest_link *l, int number)
{
	struct nlmsghdr *h = rtnl_begin(p->r, RTM_SETLINK, NLM_F_ACK);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->ifi_index = number;
	m->ifi_flags = m->ifi_change = IFF_UP;
	mnl_attr_put(h, IFLA_ADDRESS, sizeof(l->mac), l->mac);
	mnl_attr_put_strz(h, IFLA_IFNAME, l->link.name);
	mnl_attr_put_u32(h, IFLA_MTU, l->mtu);
	keep(p->ret, h);
}

static int plan_addresses(struct planning *p, const struct guest_link *l, int number)
{
	CLEAN(str) struct str found = { 0 };
	struct rtnl_link there = l->link;
	int rc = rtnl_addresses_get(p->r, l->link.index, &found);

	there.index = number;
	for (size_t at = 0; rc == 0 && at < found.len;) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)(found.text + at);

		/* It is known to be nobody else's. */
		keep(p->ret, rtnl_address_request(p->r, &there, l->link.name, h, IFA_F_NODAD));
		at += MNL_ALIGN(h->nlmsg_len);
	}
	return rc;
}

/* ---- routes --------------------------------------------------------------------------------------- */

static const uint16_t route_attributes[] = {
	RTA_DST, RTA_GATEWAY, RTA_VIA, RTA_PRIORITY, RTA_PREFSRC, RTA_METRICS, RTA_PREF,
};

/* ret is all NULL. */
static void read_attributes(const struct nlmsghdr *h, size_t head, const struct nlattr **ret,
			    size_t count)
{
	const struct nlattr *a;

	mnl_attr_for_each(a, h, head)
	{
		if (mnl_attr_get_type(a) < count)
			ret[mnl_attr_get_type(a)] = a;
	}
}

/* What somebody put into the main table. What the kernel has put there itself comes by itself. */
static bool is_put(const struct rtmsg *m, const struct nlattr *const *a)
{
	uint32_t table = a[RTA_TABLE] ? mnl_attr_get_u32(a[RTA_TABLE]) : m->rtm_table;

	return table == RT_TABLE_MAIN && !(m->rtm_flags & RTM_F_CLONED) &&
	       m->rtm_protocol != RTPROT_KERNEL && m->rtm_protocol != RTPROT_RA &&
	       m->rtm_protocol != RTPROT_REDIRECT;
}

static struct nlmsghdr *route_request(struct planning *p, const struct rtmsg *m,
				      const struct nlattr *const *a, int number)
{
	struct nlmsghdr *h = rtnl_begin(p->r, RTM_NEWROUTE, NLM_F_CREATE);
	struct rtmsg *new = mnl_nlmsg_put_extra_header(h, sizeof(*new));

	*new = (struct rtmsg){ .rtm_family = m->rtm_family,
			       .rtm_dst_len = m->rtm_dst_len,
			       .rtm_tos = m->rtm_tos,
			       .rtm_table = RT_TABLE_MAIN,
			       .rtm_protocol = m->rtm_protocol,
			       .rtm_scope = m->rtm_scope,
			       .rtm_type = m->rtm_type,
			       .rtm_flags = m->rtm_flags & RTNH_F_ONLINK };
	for (size_t i = 0; i < ARRAY_LEN(route_attributes); i++) {
		const struct nlattr *from = a[route_attributes[i]];

		if (from)
			mnl_attr_put(h, route_attributes[i], mnl_attr_get_payload_len(from),
				     mnl_attr_get_payload(from));
	}
	if (number)
		mnl_attr_put_u32(h, RTA_OIF, (uint32_t)number);
	return h;
}

static int plan_route(struct planning *p, const struct nlmsghdr *h)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *a[RTA_MAX + 1] = { 0 };
	bool nowhere = m->rtm_type == RTN_BLACKHOLE || m->rtm_type == RTN_UNREACHABLE ||
		       m->rtm_type == RTN_PROHIBIT;
	int number = 0;

	read_attributes(h, sizeof(*m), a, RTA_MAX + 1);
	if (!is_put(m, a) || (m->rtm_type != RTN_UNICAST && !nowhere))
		return 0;
	if (a[RTA_MULTIPATH] || a[RTA_ENCAP]) {
		p->unfit = a[RTA_ENCAP] ? "a route that encapsulates" :
					  "a route over several gateways";
		return -EOPNOTSUPP;
	}
	if (a[RTA_OIF])
		number = number_of(p, (int)mnl_attr_get_u32(a[RTA_OIF]));
	/* By lo, or by an interface that the guest has not. */
	if (!number && !nowhere)
		return 0;
	keep(&p->routes[a[RTA_GATEWAY] || a[RTA_VIA]],
	     route_request(p, m, a, nowhere ? 0 : number));
	return 0;
}

/* ---- neighbours -------------------------------------------------------------------------------- */

/* Those that somebody wrote down, as some networks do for their gateways. */
static int plan_neighbour(struct planning *p, const struct nlmsghdr *from)
{
	const struct ndmsg *m = mnl_nlmsg_get_payload(from);
	const struct nlattr *a[NDA_MAX + 1] = { 0 };
	struct nlmsghdr *h;
	struct ndmsg *new;
	int number = number_of(p, m->ndm_ifindex);

	read_attributes(from, sizeof(*m), a, NDA_MAX + 1);
	if (!number || !(m->ndm_state & NUD_PERMANENT) || !a[NDA_DST] || !a[NDA_LLADDR] ||
	    (m->ndm_family != AF_INET && m->ndm_family != AF_INET6))
		return 0;
	h = rtnl_begin(p->r, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	new = mnl_nlmsg_put_extra_header(h, sizeof(*new));
	*new = (struct ndmsg){ .ndm_family = m->ndm_family,
			       .ndm_ifindex = number,
			       .ndm_state = NUD_PERMANENT };
	for (int type = NDA_DST; type <= NDA_LLADDR; type++)
		mnl_attr_put(h, (uint16_t)type, mnl_attr_get_payload_len(a[type]),
			     mnl_attr_get_payload(a[type]));
	keep(p->ret, h);
	return 0;
}

/* ---- all ------------------------------------------------------------------------------------------ */

static int plan_dumped(struct planning *p, uint16_t type, uint8_t family,
		       int (*one)(struct planning *p, const struct nlmsghdr *h))
{
	CLEAN(str) struct str found = { 0 };
	int rc = dump(p->r, type, family, &found);

	/* A kernel without IPv6 has none of it. */
	if (rc == -EAFNOSUPPORT || rc == -EOPNOTSUPP)
		return 0;
	return rc < 0 ? rc : each(&found, one, p);
}

static int plan_all(struct planning *p)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < p->links->count; i++) {
		plan_link(p, &p->links->items[i], (int)i + 1);
		rc = plan_addresses(p, &p->links->items[i], (int)i + 1);
	}
	if (rc == 0)
		rc = plan_dumped(p, RTM_GETNEIGH, AF_UNSPEC, plan_neighbour);
	if (rc == 0)
		rc = plan_dumped(p, RTM_GETROUTE, AF_INET, plan_route);
	if (rc == 0)
		rc = plan_dumped(p, RTM_GETROUTE, AF_INET6, plan_route);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(p->routes); i++)
		if (p->routes[i].len)
			str_add_bytes(p->ret, p->routes[i].text, p->routes[i].len);
	return rc;
}

int guest_requests(struct rtnl *r, const struct guest_links *links, struct str *ret,
		   struct err *err)
{
	struct planning p = { .links = links, .ret = ret, .r = r };
	int rc = links->count ? plan_all(&p) : 0;

	for (size_t i = 0; i < ARRAY_LEN(p.routes); i++)
		str_free(&p.routes[i]);
	if (rc < 0 && p.unfit)
		return err_set(err, -rc, "a micro-VM's guest can't have %s", p.unfit);
	return rc < 0 ? err_set(err, -rc, "read the network namespace's addresses and routes: %s",
				strerror(-rc)) :
			0;
}
