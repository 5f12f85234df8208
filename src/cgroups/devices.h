/*
 * Which device nodes a group's processes may open or make: an eBPF program of our own making,
 * loaded by bpf(2) directly. Needs CAP_BPF or CAP_SYS_ADMIN of the initial user namespace.
 */
#ifndef CTR_CGROUPS_DEVICES_H
#define CTR_CGROUPS_DEVICES_H

#include "base/cleanup.h"
#include "base/err.h"
#include "spec/spec.h"

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

/* All zero is none. */
struct cgroup_devices {
	bool allow_all; /* every access is allowed: nothing to attach */
	struct bpf_insn *insns;
	size_t count;
};

void cgroup_devices_free(struct cgroup_devices *d);
CLEAN_DEFINE(cgroup_devices, struct cgroup_devices, cgroup_devices_free)

/*
 * Turn linux.resources.devices into a program. Rules apply in order, the last that matches an
 * access decides, each of read, write and mknod by itself; what no rule matches is denied, so an
 * empty list denies everything. The devices that the standard always grants are not added here.
 * A list that ends in "allow everything" gives allow_all and no program. -EINVAL with the index.
 */
int cgroup_devices_make(const struct spec_device_rule *rules, size_t count,
			struct cgroup_devices *ret, struct err *err) MUST_CHECK;

/*
 * Attach it to the group behind cgroup_fd: in addition to what is attached above (all must allow).
 * A program of ours (by its name) that is attached to this very group is replaced in one step; for
 * allow_all it is detached. `update` false skips that look for a new group.
 */
int cgroup_devices_attach(int cgroup_fd, const struct cgroup_devices *d, bool update,
			  struct err *err) MUST_CHECK;

#endif
