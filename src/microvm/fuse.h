/*
 * A folder of the host, served to a guest by the protocol of FUSE (linux/fuse.h) as VIRTIO 1.2, 5.11 carries
 * it. Requests are the guest's, and hostile: no name of its leads out of the folder, no file but regular ones
 * and folders is ever opened, and what it can keep of ours is bounded.
 *
 * All of it runs in one thread, which is nobody else's: it takes on the guest's user for what that makes.
 * System calls of that thread: capget, capset, close, copy_file_range, fallocate, fchmodat, fchownat, fcntl,
 * fdatasync, fgetxattr, flistxattr, fremovexattr, fsetxattr, fstatfs, fsync, ftruncate, getdents64, getegid,
 * geteuid, linkat, lseek, mkdirat, mknodat, openat, preadv, pwritev, readlinkat, renameat2, setfsgid,
 * setfsuid, statx, symlinkat, syncfs, sysinfo, umask, unlinkat, unshare, utimensat.
 */
#ifndef CTR_MICROVM_FUSE_H
#define CTR_MICROVM_FUSE_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "microvm/queue.h"

#include <stdbool.h>

struct fuse_server;

/*
 * Serve the folder `root`, an fd of any kind (O_PATH is enough), which becomes the server's in any case.
 * `fds`: a path to this process' /proc/self/fd, or "fd:N", by which it opens what it has O_PATH fds of; no other
 * path is needed, nor is this one later on. `fds_max`: how many fds it may have open for the guest.
 */
int fuse_server_make(int root, const char *fds, bool readonly, unsigned int fds_max,
		     struct fuse_server **ret, struct err *err) MUST_CHECK;

/*
 * Answer a request: the number of bytes written, or -EPROTO and the rule of the protocol that was broken.
 * What is wrong in a request that can be answered is an error for the guest only.
 */
int64_t fuse_serve(struct fuse_server *f, const struct chain *c, const char **ret_rule) MUST_CHECK;

/* The guest is gone, and all that it had open. */
void fuse_server_reset(struct fuse_server *f);

/*
 * What the guest knows and has open, put behind `out`; and into a fresh server, of this folder or one like it (fuse_state.h).
 * Each in the server's thread. -EBUSY: something is open that has no name in the folder to find it by; -E2BIG.
 * Loading: -EINVAL, -ENOTSUP, -ENFILE, with words. What isn't there any more, or is of another kind, is no error: the
 * guest's number of it is nobody's (-ESTALE; what was open: -EBADF).
 */
int fuse_server_save(struct fuse_server *f, struct str *out, struct err *err) MUST_CHECK;
int fuse_server_load(struct fuse_server *f, const char *bytes, size_t len,
		     struct err *err) MUST_CHECK;

void fuse_server_free(struct fuse_server *f);

#endif
