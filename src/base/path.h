/*
 * Paths that a container can influence. A name below a root that somebody hostile may rewrite is
 * resolved once, inside that root, to an fd; from then on the fd is used and never the name.
 * By openat2 with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS; where the kernel or a filter has no
 * openat2, by a walk of fds that resolves symlinks itself.
 */
#ifndef CTR_BASE_PATH_H
#define CTR_BASE_PATH_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * Open `path` as seen from a process whose root is `root`. flags as open(2) (O_CLOEXEC is added);
 * symlinks, absolute ones too, stay inside the root. Returns an fd, the caller's, or -errno. err may be
 * NULL where a failure needs no words: what is only looked for is often not there.
 */
int path_open_in_root(int root, const char *path, int flags, mode_t mode,
		      struct err *err) MUST_CHECK;

/*
 * The same, making what is missing on the way: folders with mode 0755, and at the end a folder
 * (is_dir) or an empty regular file of mode 0644. Returns an O_PATH fd. An existing end of the
 * other kind is -ENOTDIR or -EISDIR. What is made belongs to the caller's fsuid.
 */
int path_make_in_root(int root, const char *path, bool is_dir, struct err *err) MUST_CHECK;

/* Open the folder that will hold `path`'s last part (made where missing) and point *ret_name into
 * `path` at that part. For mknod, symlink, unlink. -EINVAL where the last part is "..", "." or "". */
int path_open_parent_in_root(int root, const char *path, bool make, const char **ret_name,
			     struct err *err) MUST_CHECK;

/* Open a file below a procfs or cgroup2 mount, after checking that it is really that filesystem:
 * a container can put its own file at /proc/sys/... `magic` as in statfs(2). */
int path_open_checked(int dir, const char *path, int flags, long magic, struct err *err) MUST_CHECK;

/* True when the text is a clean absolute path: starts with '/', no "..", "." or empty parts. */
bool path_is_clean(const char *path);

/* "a//b/./c/../d" -> "/a/b/d", as text alone (no look at the disk); the caller's to free. */
char *path_clean(const char *path) MUST_CHECK;

#endif
