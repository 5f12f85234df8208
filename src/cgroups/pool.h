/*
 * Pools: named groups with limits that containers are put below (`--cgroup-parent NAME`), made
 * rarely and by an administrator. A pool NAME is the group /NAME directly below the root of the
 * cgroup2 tree: there it can be a cpuset partition, and libcgroup's own tools find it by its name
 * (`cgget -g memory:NAME`, `cgset -r memory.max=1G NAME`, `lscgroup`). What makes it a pool is the
 * extended attribute user.ctr.pool on its folder; other groups at that place (system.slice ...)
 * are never touched.
 *
 * All over libcgroup, which knows pure cgroup v2 only as we use it: on a hybrid host these calls
 * return -ENOTSUP with words. Its start costs a millisecond, so nothing else here calls it.
 */
#ifndef CTR_CGROUPS_POOL_H
#define CTR_CGROUPS_POOL_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define POOL_NAME_MAX 64

struct pool {
	char *name;
	char *path; /* below the cgroup2 mount: "/NAME" */
	uid_t uid;  /* to whom it is delegated; 0, 0: to nobody but root */
	gid_t gid;
	struct strv limits;      /* "FILE=VALUE", those that differ from a new group's */
	struct strv controllers; /* what it hands to its members */
	struct strv members;     /* paths of the groups directly below it: "/NAME/CONTAINER" */
	struct strv stats;       /* "CONTROLLER.NAME=VALUE": memory.stat, cpu.stat, ... */
	uint64_t processes;      /* in it and below */
};

void pool_free(struct pool *p);
CLEAN_DEFINE(pool, struct pool, pool_free)

/*
 * limits: "KEY=VALUE", KEY a file of a controller ("memory.max", "cpu.max", "cpuset.cpus"); sizes
 * may be written as 512M or 2G. Every controller of the host is handed to the members. uid, gid: who
 * may make groups, move processes and share out below it (0, 0: nobody but root); limits of the pool
 * itself stay root's. After a failure nothing is left. -EEXIST, -EINVAL, -ENOTSUP.
 */
int pool_create(const char *name, const struct strv *limits, uid_t uid, gid_t gid,
		struct err *err) MUST_CHECK;

/* Names of all pools, sorted. */
int pool_list(struct strv *ret, struct err *err) MUST_CHECK;

/* All about one. ret must be all zero. -ENOENT: "no pool NAME". */
int pool_inspect(const char *name, struct pool *ret, struct err *err) MUST_CHECK;

/* Change limits, one by one: after a failure those before it are changed, and the text says which. */
int pool_set(const char *name, const struct strv *limits, struct err *err) MUST_CHECK;

/* Refuses (-EBUSY, with their names) while groups or processes are in it. */
int pool_remove(const char *name, struct err *err) MUST_CHECK;

/*
 * What --cgroup-parent means: "NAME" of a pool -> "/NAME", "NAME/GROUP" -> "/NAME/GROUP"; "/a/path"
 * stays. *ret: the caller's to free. Doesn't call libcgroup. -ENOENT for a name that is no pool.
 */
int pool_resolve(const char *name_or_path, char **ret, struct err *err) MUST_CHECK;

/*
 * The host's controllers as libcgroup sees them, sorted: "memory" on v2, "memory (v1 at PATH)"; for
 * `ctr info`. Works on every layout.
 */
int controllers_list(struct strv *ret, struct err *err) MUST_CHECK;

#endif
