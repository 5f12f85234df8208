/*
 * linux.sysctl: only what belongs to a namespace of the container's own may be set; everything else
 * would change the host.
 */
#ifndef CTR_SANDBOX_SYSCTL_H
#define CTR_SANDBOX_SYSCTL_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * May this key ("net.core.somaxconn", "net/core/somaxconn") be set in a container whose own namespaces
 * (new or joined by path, not the host's) are `own`: a set of CLONE_NEW* bits? -EINVAL with the rule
 * that forbids it.
 */
int sandbox_sysctl_check(const char *key, uint64_t own, struct err *err) MUST_CHECK;

/* The same for a whole "KEY=VALUE" list. */
int sandbox_sysctl_check_all(const struct strv *sysctls, uint64_t own, struct err *err) MUST_CHECK;

/*
 * Write a "KEY=VALUE" list, in the child, in its namespaces, with its own procfs not yet read-only.
 * `proc` is an fd of a procfs mount's root (AT_FDCWD: "/proc"); /proc/sys shows the namespaces of who
 * writes. Stops at the first that the kernel refuses.
 */
int sandbox_sysctl_write(int proc, const struct strv *sysctls, struct err *err) MUST_CHECK;

#endif
