/* Inside of ctr-archive: a stream that is being unpacked. */
#ifndef CTR_ARCHIVE_MAIN_UNPACK_H
#define CTR_ARCHIVE_MAIN_UNPACK_H

#include "archive/main.h"

#include <archive.h>
#include <archive_entry.h>

/* A folder gets its mode and time once nothing more comes into it. */
struct folder_end {
	char *place;
	dev_t dev;
	ino_t ino;
	mode_t mode;
	struct timespec mtime;
};

struct unpack {
	struct work *w;
	struct archive *in;
	int base;        /* O_PATH: all goes below it; -1: not known before the first entry */
	char *base_path; /* in the root, to follow a symlink from */
	char *top;       /* for archive_entry_place() */
	struct folder_end *folders;
	size_t folder_count, folder_room;
};

/*
 * The folder that a place is in, made where it is missing: an O_PATH fd, the caller's, with the last
 * part of `place` in *ret_name.
 */
int unpack_parent(const struct unpack *u, const char *place, const char **ret_name,
		  struct err *err) MUST_CHECK;

/* main_entry.c: one entry; `link` is the place of the file that it is another name of, or NULL. */
int unpack_entry(struct unpack *u, struct archive_entry *e, const char *place, const char *link,
		 struct err *err) MUST_CHECK;
int unpack_folders_end(struct unpack *u, struct err *err) MUST_CHECK;
void unpack_folders_free(struct unpack *u);

#endif
