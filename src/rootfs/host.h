/* Inside this room only: the host's own programs as a root. */
#ifndef CTR_ROOTFS_HOST_H
#define CTR_ROOTFS_HOST_H

#include "rootfs/rootfs.h"

/* Parent's part: what of the host's top folder there is, and what of /etc is bound. Looks only. */
int host_plan(struct rootfs_plan *plan, struct err *err) MUST_CHECK;

/* Child's part: fill plan->root, an empty tmpfs folder. The cwd is the scratch folder around it. */
int host_fill(struct rootfs_plan *plan, struct err *err) MUST_CHECK;

/* In root.c: an overlay of a detached tree at `target`, both below the cwd, the scratch tmpfs. */
int root_overlay_mount(const struct rootfs_plan *plan, int tree, const char *name,
		       const char *target, struct err *err) MUST_CHECK;

#endif
