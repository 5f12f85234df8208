/*
 * What a container changed in an overlay: its merged tree against the lower one. The upper layer itself
 * can be reached by nobody; but what is in it shows: a file that was not copied up is the lower one
 * itself, down to the time of its last change of state, which nobody can set.
 */
#include "archive/main.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct diff {
	struct work *w;
	uint64_t mount;
	struct str out;
};

static void tell(struct diff *d, char kind, const char *path)
{
	str_add_bytes(&d->out, &kind, 1);
	str_add_bytes(&d->out, path, strlen(path) + 1);
	d->w->counts.entries++;
}

static int compare(struct diff *d, int merged, int lower, const char *path, int depth,
		   struct err *err);

static int node_open(int dir, const char *name, struct stat *st)
{
	int fd = dir < 0 ? -1 : openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, st) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* One name that is in the merged tree, and may be in the lower one. */
static int compare_one(struct diff *d, int merged, int lower, const char *name, const char *path,
		       int depth, struct err *err)
{
	struct stat now = { 0 }, was = { 0 };
	CLEAN(fd) int fd = node_open(merged, name, &now);
	CLEAN(fd) int old = node_open(lower, name, &was);
	bool same_kind = old >= 0 && (now.st_mode & S_IFMT) == (was.st_mode & S_IFMT);

	/* What is mounted there is not of this tree, nor is its place the container's doing. */
	if (fd < 0 || place_mount(fd) != d->mount)
		return 0;
	if (old < 0)
		tell(d, 'A', path);
	else if (!same_kind || now.st_ctim.tv_sec != was.st_ctim.tv_sec ||
		 now.st_ctim.tv_nsec != was.st_ctim.tv_nsec)
		tell(d, 'C', path);
	else
		/* Nothing below it was copied up either, or it would have been. */
		return 0;
	if (!S_ISDIR(now.st_mode))
		return 0;
	return compare(d, fd, same_kind ? old : -1, path, depth + 1, err);
}

static int names_of(int dir, struct strv *ret, struct err *err)
{
	return dir < 0 ? 0 : place_names(dir, ret, err);
}

/* Both lists are sorted: one walk along the two. */
static int compare(struct diff *d, int merged, int lower, const char *path, int depth,
		   struct err *err)
{
	CLEAN(strv) struct strv now = { 0 }, was = { 0 };
	int rc = names_of(merged, &now, err);

	if (depth > DEPTH_MAX)
		return err_set(err, ELOOP, "more than %d folders deep", DEPTH_MAX);
	if (rc == 0)
		rc = names_of(lower, &was, err);
	for (size_t i = 0, j = 0; rc == 0 && (i < now.count || j < was.count);) {
		int order = i == now.count ? 1 :
			    j == was.count ? -1 :
					     strcmp(now.items[i], was.items[j]);
		const char *name = order > 0 ? was.items[j] : now.items[i];
		CLEAN(free) char *child = xasprintf("%s/%s", path, name);

		if (order > 0)
			tell(d, 'D', child);
		else
			rc = compare_one(d, merged, order == 0 ? lower : -1, name, child, depth,
					 err);
		i += order <= 0;
		j += order >= 0;
	}
	return rc;
}

int job_diff(struct work *w, struct err *err)
{
	struct diff d = { .w = w };
	CLEAN(fd)
	int top = path_open_in_root(w->root, w->request->path, O_RDONLY | O_DIRECTORY, 0, err);
	int rc;

	if (top < 0)
		return top;
	d.mount = place_mount(top);
	rc = compare(&d, top, w->lower, w->request->name, 0, err);
	if (rc == 0 && d.out.len) {
		rc = fd_write_all(w->stream, d.out.text, d.out.len);
		if (rc < 0)
			err_set(err, -rc, "write what changed: %s", strerror(-rc));
	}
	str_free(&d.out);
	return rc;
}
