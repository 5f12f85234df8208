/* What the files about pools share: inside of this room only. */
#ifndef CTR_CGROUPS_POOL_LIB_H
#define CTR_CGROUPS_POOL_LIB_H

#include "cgroups/host.h"
#include "cgroups/pool.h"

/* On a pool's folder; its value is "1". */
#define POOL_MARK "user.ctr.pool"

/* Find the tree, and start libcgroup, once per process: quiet, and only on pure cgroup v2. -ENOTSUP with
 * words. *host is the caller's in any case. */
int pool_lib_start(struct cgroup_host *host, struct err *err) MUST_CHECK;

/* libcgroup's result as -errno: its own codes become the nearest; the text says which it was. */
int pool_lib_fail(int code, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "cpuset" of "cpuset.cpus", to be freed; NULL for a name without a dot or with a slash. */
char *pool_controller_of(const char *key) MUST_CHECK;

/* Open a pool's folder: fd, the caller's; -ENOENT with words when there is none of that name. */
int pool_open(const struct cgroup_host *host, const char *name, struct err *err) MUST_CHECK;

/* Names of the groups directly below a group, sorted. */
int pool_children(int fd, struct strv *ret, struct err *err) MUST_CHECK;

#endif
