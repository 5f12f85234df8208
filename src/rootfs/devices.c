/* /dev: the nodes and links that the standard promises, and linux.devices. */
#include "base/path.h"
#include "rootfs/mnt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const struct {
	const char *name, *text;
} links[] = {
	{ "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "core", "/proc/kcore" },
};

static int links_make(int dev, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (symlinkat(links[i].text, dev, links[i].name) < 0 && errno != EEXIST)
			return err_sys(err, "make the link /dev/%s", links[i].name);
	/* A node that came with the rootfs would be the ptmx of no or of another devpts. */
	if (symlinkat("pts/ptmx", dev, "ptmx") < 0 &&
	    (errno != EEXIST || unlinkat(dev, "ptmx", 0) < 0 ||
	     symlinkat("pts/ptmx", dev, "ptmx") < 0))
		return err_sys(err, "make the link /dev/ptmx");
	return 0;
}

static bool is_device(const struct stat *st, const struct device_plan *d)
{
	return (st->st_mode & S_IFMT) == (d->mode & S_IFMT) &&
	       (S_ISFIFO(d->mode) || st->st_rdev == d->rdev);
}

/*
 * The host's node on an empty file: in a user namespace, or where something around us forbids to
 * make nodes. The node's own numbers are compared, so that a wrong path can't hand out another device.
 */
static int device_bind(const struct device_plan *d, int parent, const char *name, struct err *err)
{
	CLEAN(fd) int tree = -1;
	CLEAN(fd) int dest = -1;
	struct stat st;
	int rc;

	if (mknodat(parent, name, S_IFREG | 0644, 0) < 0 && errno != EEXIST)
		return err_sys(err, "make a file to mount the host's node on");
	dest = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (dest < 0 || fstat(dest, &st) < 0)
		return err_sys(err, "open the file to mount the host's node on");
	if (S_ISLNK(st.st_mode))
		return err_set(err, ELOOP, "the rootfs has a symlink there; remove it");
	tree = mnt_clone(AT_FDCWD, d->path, 0, NULL);
	if (tree < 0 || fstat(tree, &st) < 0)
		return err_sys(err, "take the node %s from the host", d->path);
	if (!is_device(&st, d))
		return err_set(err, ENODEV, "the host's %s is not the device %u:%u", d->path,
			       major(d->rdev), minor(d->rdev));
	rc = mnt_attach(tree, dest);
	return rc < 0 ? err_set(err, -rc, "mount the host's node: %s", strerror(-rc)) : 0;
}

/* What is in the rootfs already may be the very device. Else a default one is put over it. */
static int device_exists(const struct device_plan *d, int parent, const char *name, struct err *err)
{
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "look at what the rootfs has there");
	if (is_device(&st, d))
		return 0;
	if (S_ISREG(st.st_mode) && !S_ISFIFO(d->mode))
		return device_bind(d, parent, name, err);
	return err_set(err, EEXIST,
		       "the rootfs has something else there; remove it or mount a tmpfs on /dev");
}

static int device_make(const struct rootfs_plan *plan, const struct device_plan *d, int parent,
		       const char *name, struct err *err)
{
	if (plan->userns && !S_ISFIFO(d->mode))
		return device_bind(d, parent, name, err);
	if (mknodat(parent, name, d->mode, d->rdev) < 0) {
		if (errno == EPERM && !S_ISFIFO(d->mode))
			return device_bind(d, parent, name, err);
		if (errno == EEXIST)
			return device_exists(d, parent, name, err);
		return err_sys(err, "make the node");
	}
	if ((d->uid || d->gid) && fchownat(parent, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "give the node to %u:%u", d->uid, d->gid);
	return 0;
}

/* Nearly all are right in /dev, whose fd is at hand. */
static int device_place(const struct rootfs_plan *plan, const struct device_plan *d, int dev,
			struct err *err)
{
	CLEAN(fd) int parent = -1;
	const char *name = strrchr(d->path, '/') + 1;

	if (str_starts(d->path, "/dev/") && name == d->path + strlen("/dev/"))
		return device_make(plan, d, dev, name, err);
	parent = path_open_parent_in_root(plan->root, d->path, true, &name, err);
	return parent < 0 ? parent : device_make(plan, d, parent, name, err);
}

int rootfs_devices_make(struct rootfs_plan *plan, struct err *err)
{
	CLEAN(fd) int dev = -1;

	if (!plan->make_dev)
		return 0;
	dev = path_make_in_root(plan->root, "/dev", true, err);
	if (dev < 0)
		return dev;
	for (size_t i = 0; i < plan->devices.count; i++) {
		const struct device_plan *d = &plan->devices.items[i];
		int rc = device_place(plan, d, dev, err);

		if (rc < 0)
			return err_wrap(err, "%s: ", d->key);
	}
	return links_make(dev, err);
}
