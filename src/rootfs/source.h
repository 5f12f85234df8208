/*
 * The built-in sources of a root filesystem, so that nobody needs a registry to begin.
 *
 * In a spec they are: root.path plus the annotation dev.ctr.rootfs (spec/spec.h).
 *   host     annotation "host", root.path "/": the machine's own programs. A tmpfs with the links of
 *            the host's top folder, /usr below a throw-away upper layer (with root.readonly: bound
 *            read-only), and what of /etc programs need, from a table. No home, /var, /run, /srv, no
 *            passwords, keys, or other people's accounts.
 *   busybox  root.path from source_busybox(), annotation "overlay".
 *   overlay  any folder below a throw-away upper layer, which lives in a tmpfs of the container's own
 *            mount namespace and dies with it.
 */
#ifndef CTR_ROOTFS_SOURCE_H
#define CTR_ROOTFS_SOURCE_H

#include "base/err.h"

#define SOURCE_BUSYBOX_CACHE "/var/lib/ctr/busybox"

/*
 * The folder of a root filesystem made from this machine's static busybox, made on first use and
 * again when that program has changed. `cache` NULL is SOURCE_BUSYBOX_CACHE (made where missing).
 * *ret is an absolute path, the caller's to free. Any number may call this at once: each sees a
 * whole folder or none. Forks. -ENOENT: no busybox; -ENOEXEC: it is not static; both name the package.
 */
int source_busybox(const char *cache, char **ret, struct err *err) MUST_CHECK;

#endif
