/* File descriptors: whole reads and writes, passing them, closing the rest. */
#ifndef CTR_BASE_FD_H
#define CTR_BASE_FD_H

#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

/* Write all of it, over EINTR and short writes. 0 or -errno. */
int fd_write_all(int fd, const void *data, size_t len) MUST_CHECK;

/*
 * Read up to len bytes, over EINTR, until the end. The number read or -errno.
 */
ssize_t fd_read_all(int fd, void *data, size_t len) MUST_CHECK;

/*
 * Send one message with up to FD_PASS_MAX fds over a unix socket; receive one. fds received
 * are close-on-exec and the caller's; *count holds the room on entry, the number on return.
 * fd_recv returns the length, 0 at the end of the stream, or -errno; -EMSGSIZE when the
 * message did not fit.
 */
#define FD_PASS_MAX 253 /* what the kernel takes */
int fd_send(int sock, const void *data, size_t len, const int *fds, size_t count) MUST_CHECK;
ssize_t fd_recv(int sock, void *data, size_t len, int *fds, size_t *count) MUST_CHECK;

/*
 * Unix sockets by a name in the folder `dir`, whose path may be too long for sun_path (108 bytes) and is
 * not looked up again. fd_bind_at: for us alone (0600). fd_connect_at: a new socket of that type, the
 * caller's. -errno, which errno is then, too; -EAGAIN with SOCK_NONBLOCK: somebody listens and is busy.
 */
int fd_bind_at(int sock, int dir, const char *name) MUST_CHECK;
int fd_connect_at(int dir, const char *name, int type) MUST_CHECK;

/* Close every fd from `first` up, or mark it close-on-exec. By close_range, else by /proc/self/fd. */
void fd_close_from(int first);
void fd_cloexec_from(int first);

/*
 * fds 3 .. 3+count-1, which our caller left open: the first that isn't, or 0 where all are. They are marked
 * close-on-exec, so that only fd_leave_open() hands them on.
 */
int fd_first_missing(unsigned int count) MUST_CHECK;
void fd_leave_open(unsigned int count);

/* The path by which the kernel knows an fd. 0 or -errno with words (no /proc). */
int fd_path(int fd, char *ret, size_t room, struct err *err) MUST_CHECK;

/* Open /dev/null where 0, 1 or 2 are closed: what is opened later would be taken for a standard stream. */
void fd_standard_fill(void);

#endif
