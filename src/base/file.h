/* Small files and folders, always relative to an open folder (AT_FDCWD for none). */
#ifndef CTR_BASE_FILE_H
#define CTR_BASE_FILE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Read a whole file of at most max bytes. *ret is NUL-terminated and the caller's to free;
 * ret_len may be NULL. -EFBIG when it is longer.
 */
int file_read(int dir, const char *path, size_t max, char **ret, size_t *ret_len,
	      struct err *err) MUST_CHECK;
int file_read_fd(int fd, const char *name, size_t max, char **ret, size_t *ret_len,
		 struct err *err) MUST_CHECK;

/* One write() to an existing file: what /proc, /sys and cgroup files want. No text: the caller
 * knows which key it was. 0 or -errno. */
int file_poke(int dir, const char *path, const char *value) MUST_CHECK;

/*
 * Replace a file so that a reader or a crash sees the old or the new one, never a part: written
 * beside it under a name that starts with ".tmp-", then renamed. No fsync: what we keep is in /run.
 */
int file_write_atomic(int dir, const char *path, mode_t mode, const void *data, size_t len,
		      struct err *err) MUST_CHECK;

/* Make a file of mode 0644 that must not be there (-EEXIST), nor be a link; gone again if it can't be
 * written. */
int file_write_new(int dir, const char *path, const char *text, struct err *err) MUST_CHECK;

/* mkdir -p with this mode for what is missing. For folders of ours only: follows symlinks. */
int file_mkdir_p(const char *path, mode_t mode, struct err *err) MUST_CHECK;

/* Remove a folder and all below it, never crossing to another filesystem, never following a link.
 * A missing one is fine. */
int file_remove_tree(int dir, const char *name, struct err *err) MUST_CHECK;

#endif
