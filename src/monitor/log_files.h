/* The files of a log: FILE and, older, FILE.1, FILE.2 and so on, as they are at one moment. */
#ifndef CTR_MONITOR_LOG_FILES_H
#define CTR_MONITOR_LOG_FILES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct log_file {
	int fd;
	unsigned int number; /* 0: the present one */
	ino_t inode;
	uint64_t at; /* where the next line begins */
};

/* The present one first. */
struct log_files {
	struct log_file *items;
	size_t count;
};

/* All of one moment, between two rotations. -ENOENT with words: there are none. What *f held is closed. */
int log_files_open(struct log_files *f, const char *path, struct err *err) MUST_CHECK;
void log_files_close(struct log_files *f);

/* Is the first of them still what the path leads to? */
bool log_files_present(const struct log_files *f, const char *path);

#endif
