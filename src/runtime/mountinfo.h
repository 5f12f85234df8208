/* /proc/PID/mountinfo as a table, and words of other files there (proc(5)). */
#ifndef CTR_RUNTIME_MOUNTINFO_H
#define CTR_RUNTIME_MOUNTINFO_H

#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mount_line {
	int id;
	char *dev;          /* "8:1" */
	char *root, *point; /* what of the filesystem is mounted, and where; unescaped */
	char *type;
};

struct mount_table {
	struct mount_line *lines;
	size_t count;
};

void mount_table_free(struct mount_table *t);
CLEAN_DEFINE(mount_table, struct mount_table, mount_table_free)

/* `process` is a pid as text or "self". */
int mount_table_read(const char *process, struct mount_table *ret, struct err *err) MUST_CHECK;

/* The n-th word of a line of /proc (0 is the first) as a number of this base; all of it has to be one. */
bool line_number(const char *line, size_t n, int base, uint64_t *ret) MUST_CHECK;

/* Is `path` this one, or below it? *ret_rest (may be NULL): what is behind, "" or "/...". */
bool path_below(const char *path, const char *folder, const char **ret_rest);

#endif
