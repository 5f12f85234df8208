/*
 * Which unit of systemd a container is: the name and the slice that linux.cgroupsPath says
 * ("SLICE:PREFIX:NAME"), and where systemd puts it in the cgroup tree. Only text: asks nobody.
 */
#ifndef CTR_SYSTEMD_UNIT_H
#define CTR_SYSTEMD_UNIT_H

#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>

#define SYSTEMD_NAME_MAX 255 /* of a unit, systemd.unit(5) */

/* All zero is none. */
struct systemd_unit {
	char *name;    /* "libpod-ID.scope", or "NAME.slice" */
	char *slice;   /* "machine.slice"; of a slice: what it is to want, or NULL */
	char *path;    /* below the manager's own group: "/machine.slice/libpod-ID.scope" */
	bool is_slice; /* holds the container's processes itself, beside whatever is in it */
};

void systemd_unit_free(struct systemd_unit *u);
CLEAN_DEFINE(systemd_unit, struct systemd_unit, systemd_unit_free)

/* What a unit is made of. */
struct systemd_wish {
	const char *cgroups_path; /* linux.cgroupsPath; NULL or "": PARENT:ctr:ID */
	const char *parent;       /* the slice where nothing names one; NULL: the usual one */
	const char *id;           /* of the container */
	bool user;                /* for a user's own systemd: the usual slice is user.slice */
};

/*
 * As runc and crun have it: "SLICE:PREFIX:NAME" is PREFIX-NAME.scope in SLICE (empty: system.slice, of
 * a user user.slice; "-": the root), NAME.scope without a prefix, and a NAME that ends in ".slice" is
 * that slice, which its own name puts in its place. Of an id of ours, what systemd has no letter for is
 * escaped; in a cgroupsPath it is refused, for who wrote it counts on that name. -EINVAL naming
 * linux.cgroupsPath. ret must be all zero.
 */
int systemd_unit_make(const struct systemd_wish *wish, struct systemd_unit *ret,
		      struct err *err) MUST_CHECK;

/*
 * "a-b.slice" -> "/a.slice/a-b.slice", "-.slice" -> "": systemd.slice(5). The caller's; NULL for what
 * is no slice's name.
 */
char *systemd_slice_path(const char *slice) MUST_CHECK;

#endif
