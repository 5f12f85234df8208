/* The root of a container's launcher: empty, but for the folder that it shares. */
#include "microvm/jail_root.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "wire/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define LOCKED_DOWN (MS_NOSUID | MS_NODEV | MS_NOEXEC)

static int hide_proc(struct err *err)
{
	struct statfs fs;

	/* More than one may lie there. */
	while (umount2("/proc", MNT_DETACH) == 0)
		;
	if (statfs("/proc", &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
		return err_sys(err, "take /proc out of the launcher's sight");
	return 0;
}

/* A tmpfs that is mounted nowhere, with one folder. */
static int make_root(struct err *err)
{
	CLEAN(fd) int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	CLEAN(fd) int root = -1;

	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_sys(err, "make a tmpfs for the launcher's root");
	root = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (root < 0 || mkdirat(root, WIRE_LAUNCHER_FILES, 0700) < 0)
		return err_sys(err, "make the launcher's root");
	return take_fd(&root);
}

/*
 * The new one is mounted over the old one, which then goes to its folder: so it needs no place that the container's
 * files would have to have. What the host mounts there later still arrives, as far as that was asked for.
 */
static int swap(int root, struct err *err)
{
	/* Or it would be mounted over the container's files wherever those are shared with. */
	if (mount(NULL, "/", NULL, MS_SLAVE, NULL) < 0)
		return err_sys(err, "take the launcher's root apart from the host's");
	if (move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 || fchdir(root) < 0 ||
	    sys_pivot_root(".", WIRE_LAUNCHER_FILES) < 0 || chdir("/") < 0)
		return err_sys(err, "go to the launcher's root");
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | LOCKED_DOWN, NULL) < 0)
		return err_sys(err, "make the launcher's root read-only");
	return 0;
}

int jail_root(struct err *err)
{
	CLEAN(fd) int root = -1;
	int rc = hide_proc(err);

	if (rc < 0)
		return rc;
	root = make_root(err);
	return root < 0 ? root : swap(root, err);
}
