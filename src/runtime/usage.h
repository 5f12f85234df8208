/* What a container uses at one moment. */
#ifndef CTR_RUNTIME_USAGE_H
#define CTR_RUNTIME_USAGE_H

#include "cgroups/stats.h"
#include "runtime/container.h"

enum usage_source {
	USAGE_NONE,      /* it doesn't run */
	USAGE_CONTAINER, /* its group */
	USAGE_GUEST, /* of a micro-VM: what its guest says, which may be anything; disks: the launcher's */
	USAGE_LAUNCHER, /* of a micro-VM whose guest says nothing: what all of it costs the host */
};

struct usage {
	enum usage_source source;
	struct cgroup_stats used; /* a part that isn't there has `set` false */
	/* The least limit of its group and those above, else what its machine has; CGROUP_UNLIMITED: not known. */
	uint64_t memory_bound_bytes;
	bool has_net;
	uint64_t rx_bytes, tx_bytes; /* of its own network namespace, but for lo */
};

/* What can't be read is left out: it may end at any moment. A guest is asked for a second at most. */
void container_usage(struct container *c, struct usage *ret);

/* Inside this room, and for a guest's init: what this kernel knows of it. */
void usage_own(struct container *c, struct usage *ret);
/* Interfaces but lo, by a file of /proc as net/dev is one. */
int usage_interfaces(const char *path, struct usage *ret) MUST_CHECK;

#endif
