/* What the container may see but not change, and what it may not see. */
#include "base/path.h"
#include "rootfs/mnt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

/* What masks are made of, made when the first one is wanted. */
struct masks {
	int null;   /* the container's /dev/null */
	int folder; /* an empty read-only tmpfs, attached once and cloned from then on */
};

static void masks_free(struct masks *m)
{
	clean_fd(&m->null);
	clean_fd(&m->folder);
}
CLEAN_DEFINE(masks, struct masks, masks_free)

/* Returns an fd, -ENOENT for what is not there (and needs no protection), or -errno with words. */
static int target_open(int root, const char *path, struct err *err)
{
	int fd = path_open_in_root(root, path, O_PATH, 0, NULL);

	if (fd >= 0 || fd == -ENOENT)
		return fd;
	if (fd == -ENOTDIR)
		return -ENOENT;
	return err_set(err, -fd, "open it in the rootfs: %s", strerror(-fd));
}

/*
 * The mask of a file is a bind of /dev/null. A container whose /dev/null were something else could
 * have that mounted, writable, over the file that we hide: so it is judged by its fd.
 */
static int null_open(int root, struct err *err)
{
	CLEAN(fd) int fd = path_open_in_root(root, "/dev/null", O_PATH | O_NOFOLLOW, 0, err);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_sys(err, "look at the container's /dev/null");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_set(
			err, ENODEV,
			"the container's /dev/null is not the device 1:3, and masked files are made "
			"with it; remove it from the rootfs");
	return take_fd(&fd);
}

static int mask_file(const struct rootfs_plan *plan, struct masks *masks, int target,
		     struct err *err)
{
	CLEAN(fd) int tree = -1;

	if (masks->null < 0)
		masks->null = null_open(plan->root, err);
	if (masks->null < 0)
		return masks->null;
	tree = mnt_clone(masks->null, "", AT_EMPTY_PATH, NULL);
	if (tree < 0 || mnt_attach(tree, target) < 0)
		return err_sys(err, "mount /dev/null over it");
	return 0;
}

static int mask_folder(struct masks *masks, int target, struct err *err)
{
	CLEAN(fd) int tree = -1;

	if (masks->folder < 0) {
		masks->folder = mnt_tmpfs(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					  MOUNT_ATTR_NOEXEC);
		if (masks->folder < 0 || mnt_attach(masks->folder, target) < 0)
			return err_sys(err, "mount an empty tmpfs over it");
		return 0;
	}
	tree = mnt_clone(masks->folder, "", AT_EMPTY_PATH, NULL);
	if (tree < 0 || mnt_attach(tree, target) < 0)
		return err_sys(err, "mount an empty tmpfs over it");
	return 0;
}

static int mask(const struct rootfs_plan *plan, struct masks *masks, const char *path,
		struct err *err)
{
	CLEAN(fd) int target = target_open(plan->root, path, err);
	struct stat st;

	if (target < 0)
		return target == -ENOENT ? 0 : target;
	if (fstat(target, &st) < 0)
		return err_sys(err, "look at it");
	return S_ISDIR(st.st_mode) ? mask_folder(masks, target, err) :
				     mask_file(plan, masks, target, err);
}

/* True when a mount of the spec's own is below: it keeps its own flags, as the standard has it. */
static bool has_mount_below(const struct rootfs_plan *plan, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < plan->mounts.count; i++) {
		const char *destination = plan->mounts.items[i].destination;

		if (str_starts(destination, path) && destination[len] == '/')
			return true;
	}
	return false;
}

/* A bind of the path on itself keeps nosuid and whatever else the mount had. */
static int make_readonly(const struct rootfs_plan *plan, const char *path, struct err *err)
{
	const struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	CLEAN(fd) int target = target_open(plan->root, path, err);
	bool top_only = has_mount_below(plan, path);
	CLEAN(fd) int tree = -1;
	int rc;

	if (target < 0)
		return target == -ENOENT ? 0 : target;
	tree = mnt_clone(target, "", AT_EMPTY_PATH | AT_RECURSIVE, top_only ? NULL : &attr);
	rc = tree < 0 ? tree : 0;
	if (rc == 0 && top_only)
		rc = mnt_change(tree, false, &attr);
	if (rc == 0)
		rc = mnt_attach(tree, target);
	return rc < 0 ? err_set(err, -rc, "bind it on itself, read-only: %s", strerror(-rc)) : 0;
}

static int late_readonly(const struct rootfs_plan *plan, struct err *err)
{
	const struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	int rc;

	for (size_t i = 0; i < plan->mounts.count; i++) {
		const struct mount_plan *m = &plan->mounts.items[i];

		if (m->fd < 0)
			continue;
		rc = mnt_change(m->fd, false, &attr);
		if (rc < 0)
			return err_set(err, -rc, "%s: make it read-only: %s", m->key,
				       strerror(-rc));
	}
	if (!plan->readonly)
		return 0;
	rc = mnt_change(plan->root, false, &attr);
	return rc < 0 ? err_set(err, -rc, "root.readonly: %s", strerror(-rc)) : 0;
}

int rootfs_protect(struct rootfs_plan *plan, struct err *err)
{
	CLEAN(masks) struct masks masks = { .null = -1, .folder = -1 };
	int rc;

	for (size_t i = 0; i < plan->readonly_paths.count; i++) {
		rc = make_readonly(plan, plan->readonly_paths.items[i], err);
		if (rc < 0)
			return err_wrap(err, "linux.readonlyPaths[%zu] (%s): ", i,
					plan->readonly_paths.items[i]);
	}
	for (size_t i = 0; i < plan->masked_paths.count; i++) {
		rc = mask(plan, &masks, plan->masked_paths.items[i], err);
		if (rc < 0)
			return err_wrap(err, "linux.maskedPaths[%zu] (%s): ", i,
					plan->masked_paths.items[i]);
	}
	return late_readonly(plan, err);
}
