#include "rootfs/copy.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 64 /* each level holds three fds */

static int copy_one(int from, int to, const char *name, struct copy_rules *rules, int depth,
		    struct err *err);

static int copy_bytes(int from, int to, const char *name, struct copy_rules *rules, struct err *err)
{
	char buf[16384];

	for (;;) {
		ssize_t n = fd_read_all(from, buf, sizeof(buf));
		int rc;

		if (n < 0)
			return err_set(err, (int)-n, "read %s: %s", name, strerror((int)-n));
		if ((uint64_t)n > rules->bytes_left)
			return err_set(err, EFBIG, "copy %s: the folder is too large to be copied",
				       name);
		rules->bytes_left -= (uint64_t)n;
		rc = fd_write_all(to, buf, (size_t)n);
		if (rc < 0)
			return err_set(err, -rc, "write %s: %s", name, strerror(-rc));
		if ((size_t)n < sizeof(buf))
			return 0;
	}
}

/* Owner, mode and times; the mode last, as a change of owner takes setuid bits away. */
static int copy_meta(int to, const char *name, const struct stat *st, struct err *err)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "give %s to its owner", name);
	if (!S_ISLNK(st->st_mode) && fchmodat(to, name, st->st_mode & 07777, 0) < 0)
		return err_sys(err, "set the mode of %s", name);
	utimensat(to, name, times, AT_SYMLINK_NOFOLLOW);
	return 0;
}

static int copy_link(int from, int to, const char *name, struct err *err)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(from, name, target, sizeof(target) - 1);

	if (len < 0)
		return err_sys(err, "read the link %s", name);
	target[len] = '\0';
	if (symlinkat(target, to, name) < 0 && errno != EEXIST)
		return err_sys(err, "make the link %s", name);
	return 0;
}

/* `opened`: a regular file, at its start. */
static int copy_file(int opened, int to, const char *name, const struct stat *st,
		     struct copy_rules *rules, struct err *err)
{
	mode_t mode = rules->public_only ? st->st_mode & 0755 : 0600;
	CLEAN(fd)
	int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (out < 0)
		return err_sys(err, "make %s", name);
	return copy_bytes(opened, out, name, rules, err);
}

static int copy_entries(int from, int to, struct copy_rules *rules, int depth, struct err *err)
{
	CLEAN(dir) DIR *dir = NULL;
	CLEAN(fd) int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;

	if (fd < 0)
		return errno == EACCES ? 0 : err_sys(err, "open a folder to copy it");
	if (depth > DEPTH_MAX)
		return err_set(err, EFBIG, "copy a folder: more than %d levels", DEPTH_MAX);
	dir = fdopendir(fd);
	if (!dir)
		return err_sys(err, "read a folder to copy it");
	take_fd(&fd);
	while ((entry = readdir(dir))) {
		int rc;

		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		rc = copy_one(from, to, entry->d_name, rules, depth, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int copy_subfolder(int opened, int to, const char *name, const struct stat *st,
			  struct copy_rules *rules, int depth, struct err *err)
{
	CLEAN(fd) int made = -1;

	if (mkdirat(to, name, rules->public_only ? st->st_mode & 0755 : 0700) < 0 &&
	    errno != EEXIST)
		return err_sys(err, "make folder %s", name);
	made = openat(to, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (made < 0)
		return err_sys(err, "open folder %s", name);
	return copy_entries(opened, made, rules, depth + 1, err);
}

static int copy_node(int to, const char *name, const struct stat *st,
		     const struct copy_rules *rules, struct err *err)
{
	if (rules->public_only || S_ISSOCK(st->st_mode))
		return -ENOENT; /* nothing was made */
	if (mknodat(to, name, st->st_mode & (S_IFMT | 0600), st->st_rdev) < 0)
		return err_sys(err, "make the node %s", name);
	return 0;
}

/*
 * The entry is opened first and judged by the fd, with O_NONBLOCK so that a pipe doesn't block.
 * Opening a device could have effects, so what may be one is looked at before.
 */
static int copy_one(int from, int to, const char *name, struct copy_rules *rules, int depth,
		    struct err *err)
{
	CLEAN(fd) int opened = -1;
	struct stat st;
	int rc;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(err, "look at %s", name);
	if (rules->entries_left-- == 0)
		return err_set(err, EFBIG, "copy %s: the folder has too many entries to be copied",
			       name);
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) {
		opened = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (opened < 0)
			return errno == EACCES || errno == ENOENT || errno == ELOOP ?
				       0 :
				       err_sys(err, "open %s", name);
		if (fstat(opened, &st) < 0)
			return err_sys(err, "look at %s", name);
		if (rules->public_only && !(st.st_mode & S_IROTH))
			return 0;
	}
	if (S_ISREG(st.st_mode))
		rc = copy_file(opened, to, name, &st, rules, err);
	else if (S_ISDIR(st.st_mode))
		rc = copy_subfolder(opened, to, name, &st, rules, depth, err);
	else if (S_ISLNK(st.st_mode))
		rc = copy_link(from, to, name, err);
	else
		rc = copy_node(to, name, &st, rules, err);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0 && !rules->public_only)
		rc = copy_meta(to, name, &st, err);
	return rc;
}

int copy_entry(int from, int to, const char *name, struct copy_rules *rules, struct err *err)
{
	return copy_one(from, to, name, rules, 0, err);
}

int copy_folder(int from, int to, struct copy_rules *rules, struct err *err)
{
	return copy_entries(from, to, rules, 0, err);
}

static bool public_below(int dir, const char *name, int depth)
{
	CLEAN(fd) int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN(dir) DIR *entries = NULL;
	struct dirent *entry;
	struct stat st;

	if (fd < 0 || depth > 4 || fstat(fd, &st) < 0 || !(st.st_mode & S_IROTH))
		return false;
	entries = fdopendir(fd);
	if (!entries)
		return false;
	int self = take_fd(&fd);

	while ((entry = readdir(entries))) {
		if (entry->d_type == DT_LNK || str_eq(entry->d_name, ".") ||
		    str_eq(entry->d_name, ".."))
			continue;
		if (fstatat(self, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !(st.st_mode & S_IROTH))
			return false;
		if (S_ISDIR(st.st_mode) && !public_below(self, entry->d_name, depth + 1))
			return false;
	}
	return true;
}

bool copy_is_public(int dir, const char *name)
{
	return public_below(dir, name, 0);
}
