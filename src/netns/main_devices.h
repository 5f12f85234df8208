/* ctr-net's first job: interfaces from one network namespace to another. */
#ifndef CTR_NETNS_MAIN_DEVICES_H
#define CTR_NETNS_MAIN_DEVICES_H

#include "netns/devices.h"
#include "netns/main_rtnl.h"

/* A namespace: a socket that was opened in it, and its file. */
struct place {
	struct rtnl rtnl;
	int netns;
};

/*
 * Move all there, or, after a failure, none. Fills what was and is; `tell` gets it each time before one
 * goes.
 */
int devices_move(struct place *here, struct place *there, struct net_devices *d,
		 void (*tell)(const struct net_devices *d), struct err *err) MUST_CHECK;

/* Take back all that have an index, as many as can be had. */
int devices_return(struct place *here, struct place *there, struct net_devices *d,
		   struct err *err) MUST_CHECK;

#endif
