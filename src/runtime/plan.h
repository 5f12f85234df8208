/*
 * What we will do for one container: only data, every path, id and fd decided, nothing left to look
 * up. Whatever can be refused is refused while the plan is made; making it changes nothing that
 * belongs to a container.
 */
#ifndef CTR_RUNTIME_PLAN_H
#define CTR_RUNTIME_PLAN_H

#include "base/cleanup.h"
#include "base/err.h"
#include "cgroups/devices.h"
#include "cgroups/leaf.h"
#include "netns/devices.h"
#include "rootfs/rootfs.h"
#include "runtime/container.h"
#include "runtime/vm.h"
#include "sandbox/seccomp.h"
#include "spec/spec.h"
#include "systemd/ask.h"
#include "systemd/unit.h"

struct plan {
	struct spec *spec;        /* borrowed; that of the launcher, where it's a micro-VM */
	const struct spec *whole; /* borrowed; as it was asked for */
	struct vm vm;
	const struct spec_process
		*process; /* what is to run: the spec's own, or that of exec; borrowed */
	const struct create_options *opt; /* borrowed; NULL for exec */
	char *name, *id;
	char *staging;         /* ROOT/NAME, absolute */
	char *root_path;       /* ROOT, absolute */
	struct spec_caps caps; /* as asked, less what can't be had */

	/* Namespaces: made by clone, entered by the parent before it, by the child after it. */
	uint64_t clone_flags; /* CLONE_NEW* for clone3; cgroup and time are not among them */
	int join[NS_KINDS];   /* fds of namespaces joined by path; -1 */
	bool new_cgroup_ns, new_time_ns;
	bool maps_written; /* a new user namespace with id maps */

	struct net_devices net; /* interfaces that go in */
	int net_helper;         /* ctr-net, where there are any; -1 */

	/* cgroup; path NULL: the container stays in ours. */
	struct cgroup_host host;
	char *cgroup;
	bool cgroup_delegated; /* what runs in it makes groups of its own */
	uid_t cgroup_owner;    /* to whom it belongs, an id of the host's; 0: root */
	int cgroup_levels;     /* groups above it that go with it when they are empty */
	struct cgroup_settings limits;
	struct cgroup_devices devices;

	/* Where the group is a unit's of systemd; name NULL: it is not. */
	struct systemd_unit unit;
	struct systemd_manager systemd;
	char *unit_mark;                /* systemd_props_mark() */
	struct json_object *unit_props; /* but for those that every unit has (systemd/props.h) */
	char *attach_below;             /* exec: see attach; NULL: into its own group */
	bool unit_user;                 /* of the user's systemd */
	bool attach;                    /* exec: systemd is to move the process */
	struct session *session;        /* exec: borrowed; NULL: none */
	bool ends_with_caller;          /* exec: the kernel kills it when we are gone */

	bool have_rootfs; /* false: a mount namespace that is joined has one */
	struct rootfs_plan rootfs;
	struct seccomp_filter seccomp;
	struct strv env; /* of the payload */
	int stdio[3];    /* what becomes 0, 1, 2 without a terminal */
	unsigned int preserve_fds, listen_fds;
	bool notify_socket;
	bool no_new_keyring;
	bool by_stone;        /* given namespaces are entered by a stepping stone (stone.h) */
	bool small_init;      /* ours is process 1 and the payload its child */
	bool boots;           /* process 1 is a system's, with groups of its own */
	int console_socket;   /* connected; -1: none */
	const char *pid_file; /* borrowed; NULL: none */
};

#define PLAN_INIT                                                                        \
	(struct plan)                                                                    \
	{                                                                                \
		.join = { -1, -1, -1, -1, -1, -1, -1, -1 }, .host = CGROUP_HOST_INIT,    \
		.net_helper = -1, .console_socket = -1, .systemd = SYSTEMD_MANAGER_INIT, \
		.vm = VM_INIT                                                            \
	}

/*
 * Decide everything. `root_path` is the state root's path. The spec gets what it leaves open filled
 * in (a default cgroupsPath stays absent). ret must be PLAN_INIT; it is freed again on failure.
 */
int plan_make(const char *root_path, struct spec *spec, const struct create_options *opt,
	      struct plan *ret, struct strv *warnings, struct err *err) MUST_CHECK;

void plan_free(struct plan *p);
CLEAN_DEFINE(plan, struct plan, plan_free)

/*
 * The plan for one more process in a container that runs: what of it concerns a process. The spec is
 * the container's own.
 */
int plan_make_exec(const char *root_path, struct spec *spec, const struct exec_options *opt,
		   const struct state *of, struct plan *ret, struct strv *warnings,
		   struct err *err) MUST_CHECK;

/* Parts of plan_make. */
int plan_namespaces(struct plan *p, struct err *err) MUST_CHECK;
int plan_net_devices(struct plan *p, struct err *err) MUST_CHECK;
int plan_cgroup(struct plan *p, struct strv *warnings, struct err *err) MUST_CHECK;
int plan_unit(struct plan *p, struct err *err) MUST_CHECK; /* where it is */
int plan_unit_props(struct plan *p, struct err *err) MUST_CHECK;
/* The path of the group in which a container's init is, the caller's to free; NULL, with words. */
char *exec_init_group(const struct state *of, struct err *err) MUST_CHECK;
int plan_attach(struct plan *p, const struct exec_options *opt, const struct state *of,
		struct err *err) MUST_CHECK;

#endif
