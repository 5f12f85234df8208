/* What a container uses, as runc's `events` has it; of a micro-VM that answers the guest's processor time, memory and
 * processes (runtime/usage.h). */
#ifndef CTR_OCI_STATS_H
#define CTR_OCI_STATS_H

#include "base/err.h"

struct json_object;
struct container;

/* group: fd of its cgroup. *ret: json_object_put it. */
int oci_stats_json(struct container *c, int group, struct json_object **ret,
		   struct err *err) MUST_CHECK;

#endif
