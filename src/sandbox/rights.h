/*
 * What a child gives up or sets about itself before it becomes the payload: small functions with
 * one job each. All act on the calling thread, allocate nothing that outlives them, and name the key of
 * config.json in their errors. `proc` is an fd of a procfs mount's root (or AT_FDCWD: "/proc").
 */
#ifndef CTR_SANDBOX_RIGHTS_H
#define CTR_SANDBOX_RIGHTS_H

#include "base/err.h"
#include "base/str.h"
#include "spec/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * For the parent, before anything is changed: refuse what no child could do (a scheduler policy with
 * the wrong numbers, unreadable cpu lists, an AppArmor profile on a kernel without AppArmor, unknown
 * words). Only looks.
 */
int rights_check(const struct spec *spec, struct err *err) MUST_CHECK;

/* -EPERM exactly when a hard limit would have to be raised without CAP_SYS_RESOURCE: a warning for a
 * caller who sets a default of its own, a failure where the user asked. */
int rights_rlimit(const struct spec_rlimit *r, struct err *err) MUST_CHECK;

int rights_oom_score_adj(int proc, int64_t score, struct err *err) MUST_CHECK;

int rights_no_new_privs(struct err *err) MUST_CHECK;

/* The spec's; where that says nothing `ours`, the one that the caller of create or exec has. Can't fail. */
void rights_umask(const struct spec_process *p, mode_t ours);

/*
 * setgroups, setgid, setuid (real, effective, saved). In a user namespace where setgroups is denied,
 * no additional gids asked is fine; some asked is an error that says so.
 */
int rights_user(const struct spec_process *p, struct err *err) MUST_CHECK;

/* "LINUX" or "LINUX32"; NULL does nothing. */
int rights_personality(const char *domain, struct err *err) MUST_CHECK;

/* Join a new session keyring of this name. A kernel without keyrings: -ENOSYS, for the caller to ignore. */
int rights_session_keyring(const char *name, struct err *err) MUST_CHECK;

/* process.scheduler; does nothing when not set. A refusal says which rule was broken. */
int rights_scheduler(const struct spec_scheduler *s, struct err *err) MUST_CHECK;

/* process.ioPriority; does nothing when not set. */
int rights_io_priority(const struct spec_process *p, struct err *err) MUST_CHECK;

/* process.execCPUAffinity: a cpu list ("0-3,7"); `key` is "initial" or "final". NULL does nothing. */
int rights_cpu_affinity(const char *list, const char *key, struct err *err) MUST_CHECK;

/* All CPUs that our cpuset allows. */
int rights_cpu_affinity_all(struct err *err) MUST_CHECK;

/* linux.memoryPolicy; does nothing when not set. */
int rights_memory_policy(const struct spec_linux *lin, struct err *err) MUST_CHECK;

/* The label that the next exec takes on. NULL or "" does nothing; "unconfined" is a profile too. */
int rights_apparmor(int proc, const char *profile, struct err *err) MUST_CHECK;
int rights_selinux(int proc, const char *label, struct err *err) MUST_CHECK;

/* Is the module there and in force? By /sys/kernel/security or /sys/fs/selinux. */
bool rights_have_apparmor(void);
bool rights_have_selinux(void);

#endif
