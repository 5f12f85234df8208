/* The container's mounts, in the spec's order, each on a destination that was opened once. */
#include "base/path.h"
#include "rootfs/copy.h"
#include "rootfs/mnt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the kernel's bare number most likely means for a filesystem of that type. */
static const char *new_hint(const struct rootfs_plan *plan, const struct mount_plan *m, int code)
{
	if (code == ENODEV)
		return " (the kernel has no such filesystem; see /proc/filesystems)";
	if (code == EINVAL)
		return " (an option that this filesystem doesn't take?)";
	if (code == EPERM && plan->userns)
		return " (in a user namespace this needs the namespace that it shows to be its own, and "
		       "no part of the host's to be hidden)";
	if (code == EBUSY && str_eq(m->type, "cgroup2"))
		return " (the cgroup namespace must be the container's own)";
	return "";
}

/* The cwd is the destination. A gid that the namespace doesn't map is refused: do without. */
static int new_mount_here(const struct mount_plan *m, unsigned long flags)
{
	CLEAN(free) char *data = NULL;
	char *gid;

	if (mount(m->source, ".", m->type, flags, m->opt.data) == 0)
		return 0;
	if (errno != EINVAL || !str_eq(m->type, "devpts") || !m->opt.data)
		return -errno;
	data = xstrdup(m->opt.data);
	gid = strstr(data, "gid=");
	if (!gid || (gid != data && gid[-1] != ','))
		return -EINVAL;
	memset(gid, ',', strcspn(gid, ","));
	return mount(m->source, ".", m->type, flags, data) < 0 ? -errno : 0;
}

static int copy_up(int hidden, int shown, struct err *err)
{
	struct copy_rules rules = { .bytes_left = UINT64_MAX, .entries_left = UINT_MAX };
	int rc = copy_folder(hidden, shown, &rules, err);

	return rc < 0 ? err_wrap(err, "tmpcopyup: ") : 0;
}

/*
 * What can be done only on the mounted filesystem. The fd of its root comes from a second look-up;
 * should somebody have swapped names between, this fd is no mount's root, or another of the
 * container's own folders: nothing of the host's is in reach either way.
 */
static int new_mount_finish(const struct rootfs_plan *plan, struct mount_plan *m, int hidden,
			    struct err *err)
{
	struct mount_attr attr = { .propagation = m->opt.propagation };
	CLEAN(fd) int shown = -1;
	int rc = 0;

	if (!m->opt.tmpcopyup && !m->late_readonly && !m->opt.propagation)
		return 0;
	shown = path_open_in_root(plan->root, m->destination, O_PATH | O_DIRECTORY, 0, err);
	if (shown < 0)
		return shown;
	if (m->opt.tmpcopyup)
		rc = copy_up(hidden, shown, err);
	if (rc == 0 && m->opt.propagation) {
		rc = mnt_change(shown, false, &attr);
		if (rc < 0)
			return err_set(err, -rc, "set the propagation: %s", strerror(-rc));
	}
	if (rc == 0 && m->late_readonly)
		m->fd = take_fd(&shown);
	return rc;
}

static int new_mount(const struct rootfs_plan *plan, struct mount_plan *m, int dest,
		     struct err *err)
{
	unsigned long flags = mount_options_flags(&m->opt);
	int rc;

	if (m->late_readonly)
		flags &= ~(unsigned long)MS_RDONLY;
	if (fchdir(dest) < 0)
		return err_sys(err, "enter %s in the rootfs", m->destination);
	rc = new_mount_here(m, flags);
	if (rc < 0)
		return err_set(err, -rc, "mount %s%s%s%s: %s%s", m->type,
			       m->opt.data ? " with the options \"" : "",
			       m->opt.data ? m->opt.data : "", m->opt.data ? "\"" : "",
			       strerror(-rc), new_hint(plan, m, -rc));
	return new_mount_finish(plan, m, dest, err);
}

static int bind_mount(const struct mount_plan *m, int dest, struct err *err)
{
	int rc = mnt_attach(m->tree, dest);
	struct stat st;

	/* The kernel has only EINVAL for the most common mistake. */
	if (rc < 0 && fstat(dest, &st) == 0 && S_ISDIR(st.st_mode) != m->is_dir)
		return err_set(err, ENOTDIR, "%s is a %s, and what the rootfs has at %s is not",
			       m->source, m->is_dir ? "folder" : "file", m->destination);
	return rc < 0 ? err_set(err, -rc, "mount %s: %s", m->source, strerror(-rc)) : 0;
}

static int remount(const struct mount_plan *m, int dest, struct err *err)
{
	struct mount_attr all = { .attr_set = m->opt.rec_set, .attr_clr = m->opt.rec_clr };
	struct mount_attr top = {
		.attr_set = m->opt.attr_set,
		.attr_clr = m->opt.attr_clr,
		.propagation = m->opt.propagation,
	};
	int rc = 0;

	if (!m->opt.bind) {
		/* The filesystem's own flags too: only the old call has them. */
		unsigned long flags = mount_options_flags(&m->opt);

		if (fchdir(dest) < 0 || mount(NULL, ".", NULL, MS_REMOUNT | flags, m->opt.data) < 0)
			return err_sys(err, "remount");
		return 0;
	}
	if (all.attr_set || all.attr_clr)
		rc = mnt_change(dest, true, &all);
	if (rc == 0 && (top.attr_set || top.attr_clr || top.propagation))
		rc = mnt_change(dest, false, &top);
	return rc < 0 ? err_set(err, -rc, "remount: %s", strerror(-rc)) : 0;
}

static int copy_symlink(const struct rootfs_plan *plan, const struct mount_plan *m, struct err *err)
{
	CLEAN(fd) int parent = -1;
	char text[PATH_MAX];
	const char *name;
	ssize_t len;

	parent = path_open_parent_in_root(plan->root, m->destination, true, &name, err);
	if (parent < 0)
		return parent;
	if (symlinkat(m->source, parent, name) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(err, "make the symlink");
	len = readlinkat(parent, name, text, sizeof(text) - 1);
	if (len >= 0 && (size_t)len == strlen(m->source) &&
	    memcmp(text, m->source, (size_t)len) == 0)
		return 0;
	return err_set(err, EEXIST, "copy-symlink: the rootfs has something else there");
}

static int mount_do(struct rootfs_plan *plan, struct mount_plan *m, struct err *err)
{
	CLEAN(fd) int dest = -1;

	if (m->kind == MOUNT_SYMLINK)
		return copy_symlink(plan, m, err);
	if (m->kind == MOUNT_BIND && m->tree < 0)
		return 0; /* optional, and not there */
	dest = mnt_open_destination(plan->root, m, err);
	if (dest < 0)
		return dest;
	switch (m->kind) {
	case MOUNT_NEW:
		return new_mount(plan, m, dest, err);
	case MOUNT_REMOUNT:
		return remount(m, dest, err);
	default:
		return bind_mount(m, dest, err);
	}
}

int rootfs_mounts_do(struct rootfs_plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->mounts.count; i++) {
		int rc = mount_do(plan, &plan->mounts.items[i], err);

		if (rc < 0)
			return err_wrap(err, "%s: ", plan->mounts.items[i].key);
	}
	return 0;
}
