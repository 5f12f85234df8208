/* Inside this room only: the parts of making a plan. */
#ifndef CTR_ROOTFS_PLAN_H
#define CTR_ROOTFS_PLAN_H

#include "rootfs/rootfs.h"

/* What all parts read. */
struct plan_input {
	const struct spec *spec;
	const struct rootfs_choices *choices;
	struct strv *warnings;
};

bool plan_ns_wanted(const struct plan_input *in, enum spec_ns ns);

/* An absolute path from one of the spec, which may be relative to the bundle. *ret is the caller's. */
int plan_host_path(const struct plan_input *in, const char *path, char **ret,
		   struct err *err) MUST_CHECK;

void plan_copy_maps(spec_id_maps *to, const spec_id_maps *from);

/* Each fills its part of the plan. */
int plan_mounts(const struct plan_input *in, struct rootfs_plan *plan, struct err *err) MUST_CHECK;
int plan_devices(const struct plan_input *in, struct rootfs_plan *plan, struct err *err) MUST_CHECK;

#endif
