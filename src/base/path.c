#include "base/path.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/sys.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define WALK_LINKS_MAX 40 /* as the kernel's own MAXSYMLINKS */

/*
 * The walk for kernels or filters without openat2. One part at a time, symlinks read and put in
 * front of what remains; ".." climbs a stack of fds and stops at the root. Nobody can lead it out:
 * each step opens one name with O_NOFOLLOW relative to an fd that we reached from the root, and
 * ".." is never given to the kernel.
 */
struct walk {
	int stack[PATH_MAX / 2];
	size_t depth; /* stack[depth - 1] is where we are; stack[0] is the root, not ours */
};

static void walk_end(struct walk *w)
{
	while (w->depth > 1)
		close(w->stack[--w->depth]);
}
CLEAN_DEFINE(walk, struct walk, walk_end)

/* Put the target of link `name` in front of `rest`. */
static int walk_link(struct walk *w, const char *name, char **rest, int *links)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(w->stack[w->depth - 1], name, target, sizeof(target) - 1);
	char *joined;

	if (len < 0)
		return -errno;
	if (++*links > WALK_LINKS_MAX)
		return -ELOOP;
	target[len] = '\0';
	if (target[0] == '/')
		walk_end(w);
	joined = xasprintf("%s/%s", target, *rest);
	free(*rest);
	*rest = joined;
	return strlen(joined) >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* Open the last part; returns an fd, or -ELOOP for a link that is to be followed. */
static int walk_last(const struct walk *w, const char *name, int flags, mode_t mode)
{
	int fd = openat(w->stack[w->depth - 1], name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
	struct stat st;

	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP ? -ELOOP : -errno;
	if ((flags & O_PATH) && !(flags & O_NOFOLLOW) && fstat(fd, &st) == 0 &&
	    S_ISLNK(st.st_mode)) {
		close(fd);
		return -ELOOP;
	}
	return fd;
}

/* Go down one folder. */
static int walk_down(struct walk *w, const char *name)
{
	int fd =
		openat(w->stack[w->depth - 1], name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (w->depth == ARRAY_LEN(w->stack)) {
		close(fd);
		return -ENAMETOOLONG;
	}
	w->stack[w->depth++] = fd;
	return 0;
}

/* One part of the path: 0 to go on, else the final fd or -errno. */
static int walk_part(struct walk *w, const char *name, bool last, char **rest, int *links,
		     int flags, mode_t mode)
{
	int rc;

	if (str_eq(name, "..")) {
		if (w->depth > 1)
			close(w->stack[--w->depth]);
		return 0;
	}
	if (!*name || str_eq(name, "."))
		return 0;
	rc = last ? walk_last(w, name, flags, mode) : walk_down(w, name);
	if (rc >= 0)
		return rc;
	if (rc != -ELOOP && rc != -ENOTDIR)
		return rc;
	if (last && (flags & (O_NOFOLLOW | O_EXCL)))
		return rc;
	{
		int link = walk_link(w, name, rest, links);

		return link == -EINVAL ? -ENOTDIR : link; /* not a link at all */
	}
}

static int walk_open(int root, const char *path, int flags, mode_t mode)
{
	CLEAN(walk) struct walk w = { .stack = { root }, .depth = 1 };
	CLEAN(free) char *rest = xstrdup(path);
	int links = 0;

	for (;;) {
		char *start = rest + strspn(rest, "/");
		char *end = strchrnul(start, '/');
		bool last = !end[strspn(end, "/")];
		CLEAN(free) char *name = xstrndup(start, (size_t)(end - start));
		char *tail;
		int rc;

		if (!*name)
			break;
		tail = xstrdup(end);
		free(rest);
		rest = tail;
		rc = walk_part(&w, name, last, &rest, &links, flags, mode);
		if (rc)
			return rc;
	}
	/* It ended on "/", "." or "..": the folder where we are. */
	{
		int fd = openat(w.stack[w.depth - 1], ".",
				(flags & ~(O_CREAT | O_EXCL)) | O_CLOEXEC);

		return fd < 0 ? -errno : fd;
	}
}

static int in_root(int root, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	/* EAGAIN: a rename somewhere on the machine raced with "..": the kernel can't be sure. */
	for (int tries = 0; tries < 64; tries++) {
		int fd = sys_openat2(root, *path ? path : "/", &how);

		if (fd >= 0)
			return fd;
		if (errno == ENOSYS || errno == EPERM)
			return walk_open(root, path, flags, mode);
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return -EAGAIN;
}

int path_open_in_root(int root, const char *path, int flags, mode_t mode, struct err *err)
{
	int fd = in_root(root, path, flags, mode);

	if (fd >= 0 || !err)
		return fd;
	return err_set(err, -fd, "open %s in the rootfs: %s", path, strerror(-fd));
}

/* Make and open the folders of `path` one by one; each may be a link that stays inside the root. */
static int make_folders(int root, const char *path, struct err *err)
{
	CLEAN(free) char *so_far = xstrdup(path);
	int fd = in_root(root, path, O_PATH | O_DIRECTORY, 0);

	if (fd >= 0)
		return fd;
	if (fd != -ENOENT)
		return err_set(err, -fd, "open folder %s in the rootfs: %s", path, strerror(-fd));
	fd = in_root(root, "/", O_PATH | O_DIRECTORY, 0);
	for (char *p = so_far; fd >= 0 && *p;) {
		char *end = strchrnul(p + strspn(p, "/"), '/');
		char keep = *end;
		const char *name = p + strspn(p, "/");
		int next;

		*end = '\0';
		next = in_root(root, so_far, O_PATH | O_DIRECTORY, 0);
		if (next == -ENOENT && *name) {
			/* A dangling link is not ours to mend: mkdirat says EEXIST then. */
			if (mkdirat(fd, name, 0755) < 0 && errno != EEXIST)
				next = -errno;
			else
				next = in_root(root, so_far, O_PATH | O_DIRECTORY, 0);
		}
		close(fd);
		fd = next;
		*end = keep;
		p = end;
	}
	return fd < 0 ? err_set(err, -fd, "make folder %s in the rootfs: %s", path, strerror(-fd)) :
			fd;
}

int path_open_parent_in_root(int root, const char *path, bool make, const char **ret_name,
			     struct err *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	CLEAN(free) char *folder = slash ? xstrndup(path, (size_t)(slash - path)) : NULL;

	if (!*name || str_eq(name, ".") || str_eq(name, ".."))
		return err_set(err, EINVAL, "%s: it must end in a name", *path ? path : "\"\"");
	*ret_name = name;
	if (make)
		return make_folders(root, folder && *folder ? folder : "/", err);
	return path_open_in_root(root, folder && *folder ? folder : "/", O_PATH | O_DIRECTORY, 0,
				 err);
}

int path_make_in_root(int root, const char *path, bool is_dir, struct err *err)
{
	CLEAN(fd) int parent = -1;
	CLEAN(fd) int made = -1;
	const char *name;
	struct stat st;
	int fd;

	if (is_dir)
		return make_folders(root, path, err);
	fd = in_root(root, path, O_PATH, 0);
	if (fd >= 0) {
		if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
			close(fd);
			return err_set(err, EISDIR,
				       "%s in the rootfs is a folder, a file is wanted", path);
		}
		return fd;
	}
	if (fd != -ENOENT)
		return err_set(err, -fd, "open %s in the rootfs: %s", path, strerror(-fd));
	parent = path_open_parent_in_root(root, path, true, &name, err);
	if (parent < 0)
		return parent;
	made = openat(parent, name, O_CREAT | O_EXCL | O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (made < 0 && errno != EEXIST)
		return err_sys(err, "make %s in the rootfs", path);
	return path_open_in_root(root, path, O_PATH, 0, err);
}

int path_open_checked(int dir, const char *path, int flags, long magic, struct err *err)
{
	CLEAN(fd) int fd = openat(dir, path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	struct statfs fs;

	if (fd < 0)
		return err_sys(err, "open %s", path);
	if (fstatfs(fd, &fs) < 0)
		return err_sys(err, "look at %s", path);
	if ((long)fs.f_type != magic)
		return err_set(err, ENODEV,
			       "%s: something else is mounted over the kernel's own filesystem",
			       path);
	return take_fd(&fd);
}

bool path_is_clean(const char *path)
{
	if (path[0] != '/')
		return false;
	for (const char *p = path; *p;) {
		size_t len = strcspn(++p, "/");

		if (len == 0)
			return p == path + 1 && !*p; /* "/" alone */
		if ((len == 1 && p[0] == '.') || (len == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += len;
	}
	return true;
}

char *path_clean(const char *path)
{
	char *clean = xcalloc(strlen(path) + 2, 1);
	size_t len = 0;

	while (*path) {
		size_t part;

		path += strspn(path, "/");
		part = strcspn(path, "/");
		if (part == 2 && path[0] == '.' && path[1] == '.') {
			while (len && clean[--len] != '/')
				;
		} else if (part && !(part == 1 && path[0] == '.')) {
			clean[len++] = '/';
			memcpy(clean + len, path, part);
			len += part;
		}
		path += part;
	}
	if (!len)
		clean[len++] = '/';
	clean[len] = '\0';
	return clean;
}
