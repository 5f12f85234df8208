#include "rootfs/mnt.h"

#include "base/path.h"
#include "base/sys.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467 /* the same number on all architectures */
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

int mnt_change(int fd, bool recursive, const struct mount_attr *attr)
{
	struct mount_attr copy = *attr;

	if (mount_setattr(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &copy,
			  sizeof(copy)) < 0)
		return -errno;
	return 0;
}

int mnt_clone(int dir, const char *path, unsigned int flags, const struct mount_attr *attr)
{
	static bool no_open_tree_attr;
	CLEAN(fd) int tree = -1;
	struct mount_attr copy;
	int rc;

	flags |= OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	if (attr && !no_open_tree_attr) {
		copy = *attr;
		tree = (int)syscall(SYS_open_tree_attr, dir, path, flags, &copy, sizeof(copy));
		/* EPERM may be a filter around us that doesn't know the call: ask the old ones. */
		if (tree >= 0 || (errno != ENOSYS && errno != EPERM))
			return tree < 0 ? -errno : take_fd(&tree);
		no_open_tree_attr = errno == ENOSYS;
	}
	tree = open_tree(dir, path, flags);
	if (tree < 0)
		return -errno;
	if (attr) {
		rc = mnt_change(tree, flags & AT_RECURSIVE, attr);
		if (rc < 0) {
			errno = -rc;
			return rc;
		}
	}
	return take_fd(&tree);
}

int mnt_attach(int tree, int dest)
{
	if (move_mount(tree, "", dest, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

int mnt_tmpfs(uint64_t attrs)
{
	CLEAN(fd) int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int mount;

	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	mount = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned int)attrs);
	return mount < 0 ? -errno : mount;
}

/* The same as RESOLVE_NO_SYMLINKS, where there is no openat2. */
static int walk_unlinked(int root, const char *path)
{
	CLEAN(free) char *copy = xstrdup(path);
	CLEAN(fd) int fd = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	char *rest = NULL;

	if (fd < 0)
		return -errno;
	for (char *name = strtok_r(copy, "/", &rest); name; name = strtok_r(NULL, "/", &rest)) {
		int next = openat(fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

		if (next < 0)
			return -errno;
		close(fd);
		fd = next;
		if (fstat(fd, &st) < 0)
			return -errno;
		if (S_ISLNK(st.st_mode))
			return -ELOOP;
	}
	return take_fd(&fd);
}

int mnt_open_unlinked(int root, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = sys_openat2(root, path, &how);

	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return walk_unlinked(root, path);
	return fd < 0 ? -errno : fd;
}

/* crun's dest-nofollow: a symlink at the end is itself the mount point. */
static int open_nofollow(int root, const struct mount_plan *m, struct err *err)
{
	CLEAN(fd) int parent = -1;
	const char *name;
	int fd;

	parent = path_open_parent_in_root(root, m->destination, true, &name, err);
	if (parent < 0)
		return parent;
	if (m->is_dir ? mkdirat(parent, name, 0755) < 0 :
			mknodat(parent, name, S_IFREG | 0644, 0) < 0)
		if (errno != EEXIST)
			return err_sys(err, "make %s in the rootfs", m->destination);
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "open %s in the rootfs", m->destination) : fd;
}

/*
 * A link like /data -> /proc/self/attr would let a volume cover the files that we or the container
 * trust to be the kernel's. The text of the destination was judged in the plan; what a symlink made
 * of it is judged here, on the fd that is going to be used.
 */
static int check_not_proc(int fd, struct err *err)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return err_sys(err, "look at the destination");
	if (fs.f_type != PROC_SUPER_MAGIC)
		return 0;
	return err_set(
		err, EPERM,
		"a symlink in the rootfs leads the destination into /proc: mounting there could "
		"forge what the kernel says; remove the link or mount elsewhere");
}

/*
 * Nearly always a missing destination is one name in a folder that is there, and that no symlink
 * leads to: then it takes four calls, and is what the text says by construction.
 */
static int make_in_parent(int root, const char *path, bool is_dir)
{
	const char *name = strrchr(path, '/') + 1;
	CLEAN(free) char *folder = xstrndup(path, (size_t)(name - path));
	CLEAN(fd) int parent = mnt_open_unlinked(root, folder);
	int fd;

	if (parent < 0)
		return parent;
	if ((is_dir ? mkdirat(parent, name, 0755) : mknodat(parent, name, S_IFREG | 0644, 0)) < 0)
		return -errno;
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | (is_dir ? O_DIRECTORY : 0) | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int mnt_make_unlinked(int root, const char *path, bool is_dir)
{
	int fd = mnt_open_unlinked(root, path);

	return fd == -ENOENT ? make_in_parent(root, path, is_dir) : fd;
}

int mnt_open_destination(int root, const struct mount_plan *m, struct err *err)
{
	CLEAN(fd) int fd = -1;
	int rc;

	if (m->opt.dest_nofollow) {
		fd = open_nofollow(root, m, err);
		rc = fd < 0 ? fd : check_not_proc(fd, err);
		return rc < 0 ? rc : take_fd(&fd);
	}
	fd = mnt_make_unlinked(root, m->destination, m->is_dir);
	if (fd == -ENOENT && m->no_symlinks) {
		/* What is made may have been made behind a link: so the second look decides. */
		rc = path_make_in_root(root, m->destination, m->is_dir, err);
		if (rc < 0)
			return rc;
		close(rc);
		fd = mnt_open_unlinked(root, m->destination);
	}
	if (fd == -ELOOP && m->no_symlinks)
		return err_set(
			err, ELOOP,
			"there is a symlink at or above %s in the rootfs; %s is mounted on real "
			"folders only: make it one",
			m->destination, m->type);
	if (fd >= 0)
		return take_fd(&fd);
	if (m->no_symlinks || (fd != -ENOENT && fd != -ELOOP && fd != -EEXIST))
		return err_set(err, -fd, "open or make %s in the rootfs: %s", m->destination,
			       strerror(-fd));
	fd = path_make_in_root(root, m->destination, m->is_dir, err);
	rc = fd < 0 ? fd : check_not_proc(fd, err);
	return rc < 0 ? rc : take_fd(&fd);
}
