/*
 * linux.netDevices: interfaces of ours that a container gets (runtime spec 1.3, config-linux.md,
 * "Network Devices"). This is the plan and what asks ctr-net to carry it out; main_devices.c does.
 */
#ifndef CTR_NETNS_DEVICES_H
#define CTR_NETNS_DEVICES_H

#include "base/err.h"
#include "spec/spec.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_DEVICES_MAX 64

struct net_device {
	char name[IFNAMSIZ];   /* here */
	char wanted[IFNAMSIZ]; /* there; with a %d in it the kernel puts the first free number */
	int32_t index;         /* there, once moved; 0: not moved */
	int32_t was_index;     /* here */
	uint32_t was_up;       /* here */
};

struct net_devices {
	uint32_t count;
	struct net_device items[NET_DEVICES_MAX];
};

/*
 * Check and copy what is asked for. `own` is whether the container has a network namespace that is
 * not ours: without one there is nowhere to move an interface to. Errors name the key.
 */
int netns_devices_plan(const struct spec_linux *lin, bool own, struct net_devices *ret,
		       struct err *err) MUST_CHECK;

/*
 * Move all of them into the network namespace behind `netns`, with their permanent addresses of global
 * scope, and set them up; fills the rest. After a failure all are back. `helper` is ctr-net.
 */
int netns_devices_move(int helper, int netns, struct net_devices *d, struct err *err) MUST_CHECK;

/*
 * Take back those that were moved, by their index there: under their old names and indices (where they
 * are free), as up or down as they were. Goes on after one that can't be had back; the error tells of the first.
 */
int netns_devices_return(int helper, int netns, const struct net_devices *d,
			 struct err *err) MUST_CHECK;

/* What goes to ctr-net (with the namespace's fd) and comes back. Both ends check it. */
#define NET_HELPER "ctr-net"
#define NET_MAGIC 0x6374726eu /* "ctrn" */
#define NET_VERSION 3u

enum net_job {
	NET_DEVICES_MOVE = 1,
	NET_DEVICES_RETURN,
	NET_GUEST_CONNECT, /* netns/guest.h */
	NET_GUEST_DISCONNECT,
};

struct net_request {
	uint32_t magic, version, job;
	struct net_devices devices;
};

/* On its way it sends what comes before `err`. */
struct net_answer {
	uint32_t magic, version;
	struct net_devices devices;
	struct err err; /* code 0: done */
};

/* Is it what the kernel takes for a name? With pattern also one "%d" in it. */
bool net_name_ok(const char name[IFNAMSIZ], bool pattern);

/*
 * Ask ctr-net, and check its answer. `partial`: NULL, or set to whether there was none, and the last that it said on its
 * way is in `answer`, checked.
 */
int net_ask(int helper, const int *fds, size_t fd_count, const struct net_request *request,
	    struct net_answer *answer, bool *partial, struct err *err) MUST_CHECK;

/* Is it one of ours? An answer: to what was asked, and no failure? Ends its words. -EPROTO: no; else the
 * failure that it tells. */
bool net_request_ok(const struct net_request *r);
int net_answer_check(struct net_answer *a, const struct net_devices *asked,
		     struct err *err) MUST_CHECK;

#endif
