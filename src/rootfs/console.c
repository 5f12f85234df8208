/* The container's terminal. */
#include "base/path.h"
#include "rootfs/mnt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

/*
 * The container's files decide what is found at this name: only a real ptmx on a real devpts may
 * become the terminal that our side will read from and write to.
 */
static int master_open(int root, struct err *err)
{
	CLEAN(fd)
	int fd = path_open_in_root(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK, 0, err);
	struct statfs fs;
	struct stat st;

	if (fd == -ENOENT)
		return err_set(err, ENOENT,
			       "mounts has no devpts at /dev/pts, which a terminal needs");
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return err_sys(err, "look at /dev/pts/ptmx");
	if (fs.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2))
		return err_set(err, ENODEV, "/dev/pts/ptmx is not a devpts's");
	/* Opened without blocking, as it could have been anything; used as one expects. */
	if (fcntl(fd, F_SETFL, 0) < 0)
		return err_sys(err, "make /dev/pts/ptmx block");
	return take_fd(&fd);
}

static int slave_open(const struct rootfs_plan *plan, int master, struct err *err)
{
	CLEAN(fd) int slave = -1;
	int unlock = 0;

	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_sys(err, "unlock the terminal");
	/* By the master and not by a name: the name could lead to another one. */
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_sys(err, "open the terminal's other side");
	if (plan->console_uid && fchown(slave, plan->console_uid, (gid_t)-1) < 0)
		return err_sys(err, "give the terminal to user %u; process.user.uid",
			       plan->console_uid);
	return take_fd(&slave);
}

/* Over whatever file the rootfs has there, never through a symlink. */
static int console_bind(int root, int slave, struct err *err)
{
	CLEAN(fd) int tree = -1;
	CLEAN(fd) int dest = mnt_make_unlinked(root, "/dev/console", false);
	int rc;

	if (dest < 0)
		return err_set(err, -dest, "/dev/console in the rootfs: %s%s", strerror(-dest),
			       dest == -ELOOP ? " (it must not be a symlink)" : "");
	tree = mnt_clone(slave, "", AT_EMPTY_PATH, NULL);
	rc = tree < 0 ? tree : mnt_attach(tree, dest);
	return rc < 0 ? err_set(err, -rc, "mount the terminal on /dev/console: %s", strerror(-rc)) :
			0;
}

int rootfs_console_make(struct rootfs_plan *plan, uint16_t rows, uint16_t columns, int *ret_master,
			int *ret_slave, struct err *err)
{
	const struct winsize size = { .ws_row = rows, .ws_col = columns };
	CLEAN(fd) int master = master_open(plan->root, err);
	CLEAN(fd) int slave = -1;
	int rc;

	if (master < 0)
		return err_wrap(err, "process.terminal: ");
	slave = slave_open(plan, master, err);
	rc = slave < 0 ? slave : console_bind(plan->root, slave, err);
	if (rc == 0 && (rows || columns) && ioctl(master, TIOCSWINSZ, &size) < 0)
		rc = err_sys(err, "set the terminal's size; process.consoleSize");
	if (rc < 0)
		return err_wrap(err, "process.terminal: ");
	*ret_master = take_fd(&master);
	*ret_slave = take_fd(&slave);
	return 0;
}
