/*
 * Seccomp filters: from the standard's linux.seccomp object to a BPF program, cached, loaded.
 * libseccomp knows the names and numbers; the program is ours: for each architecture one binary
 * search over sorted intervals of numbers, so a common call executes about a dozen instructions.
 * (seccomp_load and the like are libseccomp's own names: ours say seccomp_filter_.)
 */
#ifndef CTR_SANDBOX_SECCOMP_H
#define CTR_SANDBOX_SECCOMP_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "spec/spec.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seccomp_filter {
	struct sock_filter *insns; /* owned */
	size_t count;              /* 0: no filter at all */
	uint32_t flags;            /* SECCOMP_FILTER_FLAG_*, as config.json asked */
	bool wants_listener;       /* an action is SCMP_ACT_NOTIFY */
};

void seccomp_filter_free(struct seccomp_filter *f);
CLEAN_DEFINE(seccomp_filter, struct seccomp_filter, seccomp_filter_free)

/*
 * Build the program; no system call. Semantics as libseccomp and runc have them: see
 * seccomp_rules.c. spec->set false gives an empty filter. Unknown syscall names are skipped.
 * `warnings` may be NULL. Errors name the key (linux.seccomp.syscalls[3].args[0].op).
 */
int seccomp_compile(const struct spec_seccomp *spec, struct seccomp_filter *ret,
		    struct strv *warnings, struct err *err) MUST_CHECK;

/*
 * The same through the cache in cache_dir (made with mode 0700 if missing; NULL: no cache). A cache that
 * can't be used is at most a warning, never a failure. Call it in the parent, before the clone.
 */
int seccomp_filter_get(const char *cache_dir, const struct spec_seccomp *spec,
		       struct seccomp_filter *ret, struct strv *warnings,
		       struct err *err) MUST_CHECK;

/*
 * Our default profile for a container with this bounding set and these groups given back
 * (sandbox/profile.h). A hit parses no JSON and resolves no name.
 */
int seccomp_filter_get_default(const char *cache_dir, uint64_t caps, const struct strv *allow,
			       struct seccomp_filter *ret, struct strv *warnings,
			       struct err *err) MUST_CHECK;

/*
 * Load it into the calling thread: the last thing before exec, after no_new_privs or with
 * CAP_SYS_ADMIN. *ret_listener is the notify fd, the caller's (close-on-exec), or -1; it may be NULL when
 * the filter wants none. Flags that the kernel doesn't have are an error that names them.
 */
int seccomp_filter_load(const struct seccomp_filter *f, int *ret_listener,
			struct err *err) MUST_CHECK;

#endif
