/*
 * A container's own cgroup v2 group: limits as data, the group made, filled, frozen, emptied and
 * removed by file descriptors. Paths are below the cgroup2 mount: "/ctr/NAME".
 *
 * The order is: cgroup_settings_make(), cgroup_check() (both change nothing), cgroup_make(),
 * cgroup_apply(), clone into the fd; in the end cgroup_kill(), cgroup_remove().
 */
#ifndef CTR_CGROUPS_LEAF_H
#define CTR_CGROUPS_LEAF_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cgroups/host.h"
#include "spec/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- limits ------------------------------------------------------------------------ */

/* One write to one file of the group. */
struct cgroup_setting {
	char *key;              /* in config.json, below linux.resources: "memory.limit" */
	const char *controller; /* "memory"; NULL for cgroup.* files, which every group has */
	char *file;             /* "memory.max" */
	char *value;            /* without newline */
	char *alt_file;  /* a second file with the same meaning, or NULL: what exists is written, */
	char *alt_value; /* it is an error only when neither does (io.weight, io.bfq.weight) */
	bool defaulted;  /* the value that a new group has anyway: may be dropped */
	bool keeps_first; /* the first word is to be what the file says now (period without quota) */
};

/* All zero is an empty list. */
struct cgroup_settings {
	struct cgroup_setting *items;
	size_t count;
	bool all_controllers; /* cgroup_make() hands down whatever there is, as far as it goes */
	bool check_before_update; /* refuse a memory limit below what is in use */
	bool update; /* set by the caller of cgroup_apply() for a group with processes */
};

void cgroup_settings_free(struct cgroup_settings *s);
CLEAN_DEFINE(cgroup_settings, struct cgroup_settings, cgroup_settings_free)

/*
 * Translate linux.resources (without devices: cgroups/devices.h) into writes, in the order they are
 * to be made. What only cgroup v1 has is refused or, where that is what other runtimes do, left out
 * with a line in *warnings; a value no kernel would take is refused. ret must be all zero.
 * Touches nothing on the host. -EINVAL, -ERANGE, -ENOTSUP, with the key.
 *
 * cpu.shares become cpu.weight by the formula of runc 1.3.2 and crun 1.23 (1024 -> 100).
 */
int cgroup_settings_make(const struct spec_resources *res, struct cgroup_settings *ret,
			 struct strv *warnings, struct err *err) MUST_CHECK;

/* The formula, for whoever shows it: 2..262144 -> 1..10000, 0 -> 0. */
uint64_t cgroup_weight_from_shares(uint64_t shares);

/*
 * Would a group at `path` take these settings: is the path one, is there cgroup2, are the
 * controllers there at its root (cgroup_make() hands them down). A defaulted setting whose
 * controller is missing is taken out of the list with a warning; any other is -ENOTSUP naming the
 * key, the controller and the host's layout. Changes nothing on the host.
 */
int cgroup_check(const struct cgroup_host *host, const char *path, struct cgroup_settings *settings,
		 struct strv *warnings, struct err *err) MUST_CHECK;

/* ---- the group --------------------------------------------------------------------- */

/*
 * Make the group and what is missing of the folders above it (0755); enable the controllers that
 * the settings need, and no others, from the root down. *ret_made is the number of folders that
 * were made (NULL: don't care): what cgroup_remove() may take away again. An existing group is
 * taken only when it is empty of processes and subgroups (-EEXIST else). After a failure what was
 * made is gone again; enabled controllers stay enabled.
 *
 * *ret_fd: O_RDONLY | O_DIRECTORY, for CLONE_INTO_CGROUP and all below; the caller's.
 * -EBUSY: a group above holds processes of its own and so can't hand out controllers.
 */
int cgroup_make(const struct cgroup_host *host, const char *path,
		const struct cgroup_settings *settings, int *ret_fd, int *ret_made,
		struct err *err) MUST_CHECK;

/*
 * Enable the controllers that these settings need for an existing group, from the root down: what it
 * was not made with (an update). Errors as cgroup_make().
 */
int cgroup_hand_down(const struct cgroup_host *host, const char *path,
		     const struct cgroup_settings *settings, struct err *err) MUST_CHECK;

/*
 * Delegation as the kernel's cgroup-v2 document has it: the folder and those files that the kernel
 * names (/sys/kernel/cgroup/delegate), and no limit: its owner could raise what he is held to. A gid of
 * -1 leaves the group's as it is.
 */
int cgroup_delegate(int fd, uid_t uid, gid_t gid, struct err *err) MUST_CHECK;

/* Tell whoever looks at the tree that the group is managed by what is in it: systemd's attributes, where
 * the kernel takes them. */
void cgroup_mark_delegated(int fd);

/* Open an existing group: fd, the caller's, or -errno (-ENOENT without much ado). */
int cgroup_open(const struct cgroup_host *host, const char *path, struct err *err) MUST_CHECK;

/*
 * Write the limits, each with one write. Those that depend on each other go in the order that the
 * kernel and the processes inside survive. The error names the key, the file, the kernel's refusal
 * and, where it is known, the rule that was broken; what was written before it stays
 * (cgroup_settings_now() knows the way back).
 */
int cgroup_apply(int fd, const struct cgroup_settings *settings, struct err *err) MUST_CHECK;

/* Is there a limit of no process at all? cgroup_apply() to a group without processes leaves it out. */
bool cgroup_closes(const struct cgroup_settings *settings) MUST_CHECK;

/* Write it, now that the group has its process. Errors as cgroup_apply(). */
int cgroup_close(int fd, const struct cgroup_settings *settings, struct err *err) MUST_CHECK;

/*
 * Before cgroup_apply() to a group with processes: the settings that undo it, in the order for that, by
 * cgroup_apply() too. *ret: cgroup_settings_free() it.
 */
void cgroup_settings_now(int fd, const struct cgroup_settings *settings,
			 struct cgroup_settings *ret);

/*
 * After cgroup_apply(): put into the settings what only the group could say (a quota that stays as it
 * was), for whoever is to be told of the same limits.
 */
void cgroup_settle(int fd, struct cgroup_settings *settings);

/*
 * Remove the group: waits up to timeout_ms for its last process to leave (cgroup.events, no sleep;
 * kills nothing), removes groups below it (deepest first), itself, and then up to `levels` empty
 * groups above it. A group that is not there is success. -EBUSY: processes are left, with pids.
 */
int cgroup_remove(const struct cgroup_host *host, const char *path, int levels, int timeout_ms,
		  struct err *err) MUST_CHECK;

/* ---- what is in it ----------------------------------------------------------------- */

/* SIGKILL all in it and below, by cgroup.kill; before Linux 5.14 by freezing and signals. */
int cgroup_kill(int fd, struct err *err) MUST_CHECK;

/* Signal all in it and below; a process that is gone by then is no error. Freezes meanwhile, so
 * that none is born behind our back (not when it is frozen already). */
int cgroup_signal(int fd, int signal, struct err *err) MUST_CHECK;

/* Freeze or thaw, and wait until it is so. -ETIMEDOUT: it is thawed again. */
int cgroup_freeze(int fd, bool frozen, int timeout_ms, struct err *err) MUST_CHECK;

/* As cgroup.events says; -errno when it can't be read (-ENODEV: the group was removed). */
int cgroup_frozen(int fd) MUST_CHECK;    /* 1, 0 */
int cgroup_populated(int fd) MUST_CHECK; /* 1, 0: of this group and those below it */

/* Wait until no process is left. timeout_ms as poll(2). 0, -ETIMEDOUT or -errno. */
int cgroup_wait_empty(int fd, int timeout_ms) MUST_CHECK;

/* Pids (in our pid namespace; 0 for those outside it are left out), the caller's to free. */
int cgroup_pids(int fd, bool recursive, pid_t **ret, size_t *ret_count, struct err *err) MUST_CHECK;

/* How often the kernel killed in this group or below for want of memory. 0 without the memory
 * controller. */
int cgroup_oom_kills(int fd, uint64_t *ret) MUST_CHECK;

#endif
