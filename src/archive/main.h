/* Inside of ctr-archive: one job, and the place in which it works. */
#ifndef CTR_ARCHIVE_MAIN_H
#define CTR_ARCHIVE_MAIN_H

#include "archive/archive.h"
#include "base/str.h"

#include <stdbool.h>
#include <sys/stat.h>

struct work {
	const struct archive_request *request;
	int root, stream, lower, userns;
	int proc; /* /proc/self/fd, from before the root was locked: to open again what we hold */
	struct archive_counts counts;
};

static inline bool has(const struct work *w, enum archive_flag flag)
{
	return (w->request->flags & flag) != 0;
}

/* main_place.c: go where the job is, for good; what is not needed any more is given up. */
int place_enter(struct work *w, struct err *err) MUST_CHECK;

/*
 * The same file again for reading, from an O_PATH fd: what was looked at is what is opened, whatever
 * its name has become. Regular files only: opening a device can do things.
 */
int place_reopen(const struct work *w, int fd) MUST_CHECK;

/* The text of the path that an fd has below our root. 0 or -errno. */
int place_path(const struct work *w, int fd, char *ret, size_t room) MUST_CHECK;

/* Which mount a file is on; 0: the kernel doesn't say. */
uint64_t place_mount(int fd);

/* The kernel's own filesystems: nothing in them is a file that anybody kept there. */
bool place_is_pseudo(int fd);

/* The names in a folder, sorted. It may change meanwhile. */
int place_names(int dir, struct strv *ret, struct err *err) MUST_CHECK;

/* A name for words: control characters and lengths that would break a line are taken out. */
const char *shown(const char *path, char *buf, size_t room);
#define SHOWN_MAX 256

#define DEPTH_MAX 256 /* each level holds fds */

int job_pack(struct work *w, struct err *err) MUST_CHECK;
int job_unpack(struct work *w, struct err *err) MUST_CHECK;
int job_diff(struct work *w, struct err *err) MUST_CHECK;

/* main_links.c: files with several names, by device and inode. */
struct links;
/* The first name of this file; NULL: this is it, and is remembered. */
const char *links_seen(struct links **links, const struct stat *st, const char *path);
void links_free(struct links **links);

/* Attributes that go along: those of users, and file capabilities. */
bool xattr_wanted(const char *name);

#endif
