#include "base/file.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int file_read_fd(int fd, const char *name, size_t max, char **ret, size_t *ret_len, struct err *err)
{
	CLEAN(free) char *text = NULL;
	struct stat st;
	size_t room, len = 0;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "read %s", name);
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > max)
		return err_set(err, EFBIG, "read %s: it is larger than %zu bytes", name, max);
	/* Files of /proc and /sys say 0: grow. One byte more than the size sees the end at once. */
	room = st.st_size > 0 ? (size_t)st.st_size + 1 : 4096;
	for (;;) {
		ssize_t n;

		text = xrealloc(text, room + 1, 1);
		n = fd_read_all(fd, text + len, room - len);
		if (n < 0)
			return err_set(err, (int)-n, "read %s: %s", name, strerror((int)-n));
		len += (size_t)n;
		if (len > max)
			return err_set(err, EFBIG, "read %s: it is larger than %zu bytes", name,
				       max);
		if (len < room)
			break;
		room *= 2;
	}
	text[len] = '\0';
	*ret = take_ptr(text);
	if (ret_len)
		*ret_len = len;
	return 0;
}

int file_read(int dir, const char *path, size_t max, char **ret, size_t *ret_len, struct err *err)
{
	CLEAN(fd) int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_sys(err, "open %s", path);
	return file_read_fd(fd, path, max, ret, ret_len, err);
}

int file_poke(int dir, const char *path, const char *value)
{
	CLEAN(fd) int fd = openat(dir, path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = write(fd, value, strlen(value));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int file_write_atomic(int dir, const char *path, mode_t mode, const void *data, size_t len,
		      struct err *err)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	CLEAN(free)
	char *temp = xasprintf("%.*s.tmp-%s-%d", (int)(name - path), path, name, (int)getpid());
	CLEAN(fd)
	int fd = openat(dir, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	int rc;

	if (fd < 0)
		return err_sys(err, "create %s", temp);
	rc = fd_write_all(fd, data, len);
	if (rc < 0) {
		unlinkat(dir, temp, 0);
		return err_set(err, -rc, "write %s: %s", temp, strerror(-rc));
	}
	if (renameat(dir, temp, dir, path) < 0) {
		rc = err_sys(err, "rename %s to %s", temp, path);
		unlinkat(dir, temp, 0);
		return rc;
	}
	return 0;
}

int file_write_new(int dir, const char *path, const char *text, struct err *err)
{
	CLEAN(fd)
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	int rc;

	if (fd < 0 && errno == EEXIST)
		return err_set(err, EEXIST, "%s is there already; remove it first", path);
	if (fd < 0)
		return err_sys(err, "write %s", path);
	rc = fd_write_all(fd, text, strlen(text));
	if (rc < 0)
		(void)unlinkat(dir, path, 0);
	return rc < 0 ? err_set(err, -rc, "write %s: %s", path, strerror(-rc)) : 0;
}

int file_mkdir_p(const char *path, mode_t mode, struct err *err)
{
	CLEAN(free) char *part = xstrdup(path);

	/* Nearly always all but the last are there. */
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return err_sys(err, "make folder %s", path);
	for (char *p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return err_sys(err, "make folder %s", part);
		*p = '/';
	}
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return err_sys(err, "make folder %s", path);
	return 0;
}

static int remove_in(int parent, const char *name, dev_t dev, int depth, struct err *err);

static int remove_entries(int fd, const char *name, dev_t dev, int depth, struct err *err)
{
	CLEAN(dir) DIR *dir = fdopendir(dup(fd));
	struct dirent *entry;

	if (!dir)
		return err_sys(err, "read folder %s", name);
	while ((entry = readdir(dir))) {
		int rc;

		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		if (unlinkat(fd, entry->d_name, 0) == 0 || errno == ENOENT)
			continue;
		if (errno != EISDIR && errno != EPERM)
			return err_sys(err, "remove %s/%s", name, entry->d_name);
		rc = remove_in(fd, entry->d_name, dev, depth, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Each level holds two fds: a tree deeper than this was made to exhaust us. */
#define REMOVE_DEPTH_MAX 256

static int remove_in(int parent, const char *name, dev_t dev, int depth, struct err *err)
{
	CLEAN(fd) int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int rc;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return unlinkat(parent, name, 0) < 0 && errno != ENOENT ?
			       err_sys(err, "remove %s", name) :
			       0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "open folder %s", name);
	if (dev && st.st_dev != dev)
		return err_set(err, EXDEV,
			       "remove %s: another filesystem is mounted there; unmount it first",
			       name);
	if (depth > REMOVE_DEPTH_MAX)
		return err_set(err, ELOOP, "remove %s: more than %d folders deep", name,
			       REMOVE_DEPTH_MAX);
	rc = remove_entries(fd, name, st.st_dev, depth + 1, err);
	if (rc < 0)
		return rc;
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_sys(err, "remove folder %s", name);
	return 0;
}

int file_remove_tree(int dir, const char *name, struct err *err)
{
	return remove_in(dir, name, 0, 0, err);
}
