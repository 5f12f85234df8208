/* Inside the room: writing to procfs where a container may have had a say in what is mounted there. */
#ifndef CTR_SANDBOX_PROC_H
#define CTR_SANDBOX_PROC_H

#include "base/err.h"

/*
 * Open a file of a procfs mount: `proc` is an fd of its root, or AT_FDCWD for /proc. It is really a
 * procfs's root, and nothing is mounted on the way: a bind mount of one file of proc over another
 * passes every look at the filesystem's type. An fd, the caller's, or -errno.
 */
int proc_open(int proc, const char *path, int flags, struct err *err) MUST_CHECK;

/* One write to it. When the kernel refuses the value, -errno, *ret_refused is that errno, and err has no
 * text: the caller knows what it was for. Else *ret_refused is 0. */
int proc_poke(int proc, const char *path, const char *value, int *ret_refused,
	      struct err *err) MUST_CHECK;

#endif
