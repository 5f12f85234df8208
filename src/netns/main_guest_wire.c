/* Traffic control as a wire: tc(8), tc-u32(8), tc-mirred(8). */
#include "netns/main_guest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>

#define PRIORITY 1
#define QDISC TC_H_MAKE(TC_H_INGRESS, 0)

static struct nlmsghdr *begin(struct rtnl *r, uint16_t type, uint16_t flags, int link,
			      uint32_t parent)
{
	struct nlmsghdr *h = rtnl_begin(r, type, NLM_F_ACK | flags);
	struct tcmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	*m = (struct tcmsg){ .tcm_ifindex = link, .tcm_parent = parent };
	return h;
}

static int add_qdisc(struct rtnl *r, int link)
{
	struct nlmsghdr *h = begin(r, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, link, TC_H_INGRESS);
	struct tcmsg *m = mnl_nlmsg_get_payload(h);

	m->tcm_handle = QDISC;
	mnl_attr_put_strz(h, TCA_KIND, "ingress");
	return rtnl_talk(r, h, NULL, NULL);
}

/* Any packet, by a key that looks at no bit; and of all kinds of filters the one that is everywhere. */
static void put_match(struct nlmsghdr *h)
{
	struct {
		struct tc_u32_sel head;
		struct tc_u32_key key;
	} any = { .head = { .flags = TC_U32_TERMINAL, .nkeys = 1 } };

	mnl_attr_put(h, TCA_U32_SEL, sizeof(any), &any);
}

static void put_action(struct nlmsghdr *h, int to)
{
	const struct tc_mirred out = { .action = TC_ACT_STOLEN,
				       .eaction = TCA_EGRESS_REDIR,
				       .ifindex = (uint32_t)to };
	struct nlattr *all = mnl_attr_nest_start(h, TCA_U32_ACT);
	struct nlattr *first = mnl_attr_nest_start(h, 1);
	struct nlattr *options;

	mnl_attr_put_strz(h, TCA_ACT_KIND, "mirred");
	options = mnl_attr_nest_start(h, TCA_ACT_OPTIONS);
	mnl_attr_put(h, TCA_MIRRED_PARMS, sizeof(out), &out);
	mnl_attr_nest_end(h, options);
	mnl_attr_nest_end(h, first);
	mnl_attr_nest_end(h, all);
}

static int add_filter(struct rtnl *r, int link, int to)
{
	struct nlmsghdr *h = begin(r, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, link, QDISC);
	struct tcmsg *m = mnl_nlmsg_get_payload(h);
	struct nlattr *options;

	m->tcm_info = TC_H_MAKE(PRIORITY << 16, htons(ETH_P_ALL));
	mnl_attr_put_strz(h, TCA_KIND, "u32");
	options = mnl_attr_nest_start(h, TCA_OPTIONS);
	put_match(h);
	put_action(h, to);
	mnl_attr_nest_end(h, options);
	return rtnl_talk(r, h, NULL, NULL);
}

int guest_redirect_end(struct rtnl *r, int from)
{
	int rc = rtnl_talk(r, begin(r, RTM_DELQDISC, 0, from, TC_H_INGRESS), NULL, NULL);

	return rc == -EINVAL || rc == -ENOENT ? 0 : rc; /* there is none */
}

/* What a guest that is gone has left behind leads nowhere. */
int guest_redirect(struct rtnl *r, int from, int to)
{
	int rc = guest_redirect_end(r, from);

	if (rc == 0)
		rc = add_qdisc(r, from);
	return rc < 0 ? rc : add_filter(r, from, to);
}
