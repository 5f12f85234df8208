/* The last step: the container's root becomes the root. */
#include "base/sys.h"
#include "rootfs/mnt.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/*
 * Both names are the new root: the old one ends up mounted over it, and is taken away from there,
 * so no folder is needed to put it in. The cwd is the new root all the time.
 */
static int pivot(struct err *err)
{
	if (sys_pivot_root(".", ".") < 0)
		return err_sys(err, "pivot into the root%s",
			       errno == EINVAL ?
				       " (on a ramfs the host's root can't be left: --no-pivot)" :
				       "");
	if (umount2(".", MNT_DETACH) < 0)
		return err_sys(err, "leave the host's file tree");
	return 0;
}

static int move_and_chroot(struct err *err)
{
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0)
		return err_sys(err, "move the root to /");
	if (chroot(".") < 0 || chdir("/") < 0)
		return err_sys(err, "chroot into the root");
	return 0;
}

int rootfs_pivot(struct rootfs_plan *plan, struct err *err)
{
	struct mount_attr attr = { .propagation = plan->propagation };
	int rc;

	if (fchdir(plan->root) < 0)
		return err_sys(err, "enter the root");
	rc = plan->no_pivot ? move_and_chroot(err) : pivot(err);
	if (rc < 0 || !plan->propagation)
		return rc;
	/* Last of all, so that no mount of ours was propagated by it. */
	rc = mnt_change(plan->root, plan->propagation_rec, &attr);
	return rc < 0 ? err_set(err, -rc, "linux.rootfsPropagation: %s", strerror(-rc)) : 0;
}
