/* Groups taken away, and walked through. */
#include "cgroups/leaf.h"
#include "cgroups/walk.h"

#include "base/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#define WALK_DEPTH_MAX 64

static int open_below(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* A directory stream of its own for a group, whatever has been read from fd before. */
static DIR *open_stream(int fd)
{
	int own = open_below(fd, ".");
	DIR *dir;

	if (own < 0) {
		errno = -own;
		return NULL;
	}
	dir = fdopendir(own);
	if (!dir)
		close(own);
	return dir;
}

/* The next group in a folder; NULL at the end. In cgroup2 every folder is a group. */
static const char *next_group(DIR *dir)
{
	struct dirent *e;

	while ((e = readdir(dir)))
		if (e->d_type == DT_DIR && !str_eq(e->d_name, ".") && !str_eq(e->d_name, ".."))
			return e->d_name;
	return NULL;
}

int cgroup_walk(int fd, int (*visit)(int group, void *arg), void *arg)
{
	DIR *stack[WALK_DEPTH_MAX];
	int depth = 0, r = visit(fd, arg);

	if (r < 0)
		return r;
	stack[0] = open_stream(fd);
	if (!stack[0])
		return errno == ENODEV || errno == ENOENT ? 0 : -errno;
	while (depth >= 0 && r >= 0) {
		const char *name = next_group(stack[depth]);
		int below;

		if (!name) {
			closedir(stack[depth--]);
			continue;
		}
		below = open_below(dirfd(stack[depth]), name);
		if (below == -ENOENT || below == -ENODEV)
			continue;
		r = below < 0 ? below : visit(below, arg);
		if (r >= 0 && depth + 1 == WALK_DEPTH_MAX)
			r = -ELOOP;
		if (r < 0 || !(stack[depth + 1] = fdopendir(below))) {
			if (below >= 0)
				close(below);
			continue;
		}
		depth++;
	}
	for (; depth >= 0; depth--)
		closedir(stack[depth]);
	return r;
}

/*
 * One look through the folder at: removes what can be removed, and returns an fd of a group that
 * has groups below it itself, -ENOENT when none is left, or -EBUSY when one has processes.
 */
static int remove_or_descend(int at)
{
	CLEAN(dir) DIR *dir = open_stream(at);
	const char *name;

	if (!dir)
		return -errno;
	while ((name = next_group(dir))) {
		int below;

		if (unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			continue;
		if (errno != EBUSY)
			return -errno;
		below = open_below(at, name);
		if (below < 0)
			continue;
		if (cgroup_populated(below) == 1) {
			close(below);
			return -EBUSY;
		}
		return below;
	}
	return -ENOENT;
}

int cgroup_remove_below(int fd)
{
	CLEAN(fd) int at = open_below(fd, ".");
	size_t depth = 0;

	/* One fd at any depth: going up again is "..", which nobody can move in a cgroup tree. */
	while (at >= 0) {
		int next = remove_or_descend(at);

		if (next >= 0) {
			depth++;
		} else if (next != -ENOENT) {
			return next;
		} else if (depth == 0) {
			return 0;
		} else {
			depth--;
			next = open_below(at, "..");
			if (next < 0)
				return next;
		}
		close(at);
		at = next;
	}
	return at;
}

static int fail_busy(int fd, const char *path, struct err *err)
{
	CLEAN(free) pid_t *pids = NULL;
	CLEAN(str) struct str list = { 0 };
	size_t count = 0, i;

	if (cgroup_pids(fd, true, &pids, &count, err) < 0)
		return err_wrap(err, "remove the cgroup %s: ", path);
	for (i = 0; i < count && i < 8; i++)
		str_printf(&list, " %d", (int)pids[i]);
	return err_set(err, EBUSY, "remove the cgroup %s: still has %zu process%s in it:%s%s", path,
		       count, count == 1 ? "" : "es",
		       list.len ? list.text : " (of another pid namespace)",
		       count > 8 ? " ..." : "");
}

/* The group is not simply empty: wait for it, clear what is below it. */
static int clear_group(int parent, const char *name, const char *path, int timeout_ms,
		       struct err *err)
{
	CLEAN(fd) int fd = open_below(parent, name);
	uint64_t until = clock_now_ns() + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms) * 1000000u;
	int r;

	if (fd == -ENOENT || fd == -ENODEV)
		return 0;
	if (fd < 0)
		return err_set(err, -fd, "remove the cgroup %s: %s", path, strerror(-fd));
	do {
		r = cgroup_wait_empty(fd, timeout_ms);
		if (r == -ETIMEDOUT)
			return fail_busy(fd, path, err);
		if (r == 0)
			r = cgroup_remove_below(fd);
		if (r == 0 && (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT))
			return 0;
		if (r == 0)
			r = -errno;
		/* The last process is on its way out of the kernel and counts a little longer. */
		if (r == -EBUSY)
			poll(NULL, 0, 1);
	} while (r == -EBUSY && (timeout_ms < 0 || clock_now_ns() < until));
	if (r == -EBUSY)
		return fail_busy(fd, path, err);
	return err_set(err, -r, "remove the cgroup %s: %s", path, strerror(-r));
}

/* Groups above, as long as they are empty: a neighbour may have come, or have removed it first. */
static int remove_above(const struct cgroup_host *host, char *at, int levels, struct err *err)
{
	for (; levels > 0 && str_starts(at, "./"); levels--) {
		if (unlinkat(host->fd, at, AT_REMOVEDIR) < 0 && errno != ENOENT)
			return errno == EBUSY ? 0 : err_sys(err, "remove the cgroup %s", at + 1);
		*strrchr(at, '/') = '\0';
	}
	return 0;
}

int cgroup_remove(const struct cgroup_host *host, const char *path, int levels, int timeout_ms,
		  struct err *err)
{
	CLEAN(free) char *at = xasprintf(".%s", path);
	char *slash = strrchr(at, '/');
	CLEAN(fd) int parent = -1;

	if (host->fd < 0)
		return 0;
	*slash = '\0';
	parent = open_below(host->fd, at);
	if (parent == -ENOENT)
		return remove_above(host, at, levels, err);
	if (parent < 0)
		return err_set(err, -parent, "remove the cgroup %s: %s", path, strerror(-parent));
	if (unlinkat(parent, slash + 1, AT_REMOVEDIR) < 0 && errno != ENOENT) {
		int r = errno == EBUSY ? clear_group(parent, slash + 1, path, timeout_ms, err) :
					 err_sys(err, "remove the cgroup %s", path);

		if (r < 0)
			return r;
	}
	return remove_above(host, at, levels, err);
}
