/*
 * The root itself. A throw-away upper layer lives in a tmpfs that is mounted over the staging folder
 * in the container's own mount namespace:
 *
 *   lower*  up*  work*   seen by overlayfs only; the pivot leaves them behind
 *   root                 what becomes "/"
 */
#include "rootfs/host.h"
#include "rootfs/mnt.h"
#include "rootfs/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static int scratch_mount(const struct rootfs_plan *plan, struct err *err)
{
	if (mount("tmpfs", plan->staging, "tmpfs", 0, "mode=0755") < 0)
		return err_sys(err, "mount a tmpfs at %s for what the container writes",
			       plan->staging);
	if (chdir(plan->staging) < 0)
		return err_sys(err, "enter %s", plan->staging);
	return 0;
}

/*
 * All names are relative to the scratch tmpfs, so that what the container reads in its mountinfo
 * tells nothing of the host's paths, and no ':' or ',' in them needs care.
 */
int root_overlay_mount(const struct rootfs_plan *plan, int tree, const char *name,
		       const char *target, struct err *err)
{
	CLEAN(free) char *lower = xasprintf("lower-%s", name);
	CLEAN(free) char *up = xasprintf("up-%s", name);
	CLEAN(free) char *work = xasprintf("work-%s", name);
	CLEAN(free)
	char *data = xasprintf("lowerdir=%s,upperdir=%s,workdir=%s%s", lower, up, work,
			       plan->userns ? ",userxattr" : "");
	struct stat st;

	/* The merged folder shows the upper one's mode and owner. */
	if (fstat(tree, &st) < 0 || mkdir(lower, 0755) < 0 || mkdir(work, 0755) < 0 ||
	    mkdir(up, st.st_mode & 07777) < 0)
		return err_sys(err, "make the layers of /%s", name);
	if ((st.st_uid || st.st_gid) && (!plan->userns || plan->same_ids) &&
	    chown(up, st.st_uid, st.st_gid) < 0)
		return err_sys(err, "give the upper layer to its owner");
	if (move_mount(tree, "", AT_FDCWD, lower, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(err, "mount the lower layer (%s)", name);
	if (mount("overlay", target, "overlay", 0, data) < 0)
		return err_sys(
			err,
			"mount an overlay over %s%s (its filesystem must allow to be a lower layer, "
			"and at most one overlay may be below; --read-only needs none)",
			str_eq(name, "root") ? plan->root_path : "/",
			str_eq(name, "root") ? "" : name);
	return 0;
}

static int plain_mount(struct rootfs_plan *plan, struct err *err)
{
	if (move_mount(plan->root_tree, "", AT_FDCWD, plan->staging, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(err, "root.path: mount %s at %s%s", plan->root_path, plan->staging,
			       errno == EACCES ?
				       " (every folder on the way must be searchable by the "
				       "user namespace's root: mode 0711)" :
				       "");
	plan->root = take_fd(&plan->root_tree);
	return 0;
}

static int overlay_mount(struct rootfs_plan *plan, struct err *err)
{
	int rc = scratch_mount(plan, err);

	if (rc == 0 && mkdir("root", 0755) < 0)
		rc = err_sys(err, "make the mount point of the root");
	if (rc == 0)
		rc = root_overlay_mount(plan, plan->root_tree, "root", "root", err);
	if (rc < 0)
		return err_wrap(err, "root.path: ");
	plan->root = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return plan->root < 0 ? err_sys(err, "root.path: open the merged root") : 0;
}

static int empty_mount(struct rootfs_plan *plan, struct err *err)
{
	int rc = scratch_mount(plan, err);

	if (rc < 0)
		return rc;
	if (mkdir("root", 0755) < 0)
		return err_sys(err, "make the root folder");
	/* A mount of its own, as pivot_root wants it; the layers beside it stay outside. */
	plan->root = mnt_clone(AT_FDCWD, "root", 0, NULL);
	if (plan->root < 0 ||
	    move_mount(plan->root, "", AT_FDCWD, "root", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(err, "mount the root folder");
	return 0;
}

static int host_mount(struct rootfs_plan *plan, struct err *err)
{
	int rc = empty_mount(plan, err);

	if (rc < 0)
		return rc;
	rc = host_fill(plan, err);
	return rc < 0 ? err_wrap(err, "the host's programs as root: ") : 0;
}

int rootfs_root_mount(struct rootfs_plan *plan, struct err *err)
{
	int rc;

	plan->in_child = true;
	umask(0);
	/*
	 * Nothing that is mounted from here on may show up on the host. Slave and not private: what
	 * the host unmounts until we pivot is not pinned by us.
	 */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_sys(
			err, "part the mount namespace from the host's; linux.namespaces (mount)");
	rc = sources_open_missing(plan, err);
	if (rc < 0)
		return rc;
	switch (plan->kind) {
	case ROOT_OVERLAY:
		return overlay_mount(plan, err);
	case ROOT_HOST:
		return host_mount(plan, err);
	case ROOT_EMPTY:
		return empty_mount(plan, err);
	case ROOT_PLAIN:
		break;
	}
	return plain_mount(plan, err);
}
