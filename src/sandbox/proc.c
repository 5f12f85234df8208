#include "sandbox/proc.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define PROC_ROOT_INODE 1

int proc_open(int proc, const char *path, int flags, struct err *err)
{
	CLEAN(fd) int own = -1;
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};
	struct statfs fs;
	struct stat st;
	int fd;

	if (proc == AT_FDCWD) {
		own = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (own < 0)
			return err_sys(err, "open /proc");
		proc = own;
	}
	if (fstatfs(proc, &fs) < 0 || fstat(proc, &st) < 0)
		return err_sys(err, "look at /proc");
	if (fs.f_type != PROC_SUPER_MAGIC || st.st_ino != PROC_ROOT_INODE)
		return err_set(err, ENODEV, "/proc is not the root of a proc filesystem");
	fd = sys_openat2(proc, path, &how);
	if (fd >= 0)
		return fd;
	if (errno == EXDEV)
		return err_set(err, EXDEV, "/proc/%s: something is mounted over it or above it",
			       path);
	if (errno == ENOSYS)
		return path_open_checked(proc, path, flags, PROC_SUPER_MAGIC, err);
	return err_sys(err, "open /proc/%s", path);
}

int proc_poke(int proc, const char *path, const char *value, int *ret_refused, struct err *err)
{
	CLEAN(fd) int fd = proc_open(proc, path, O_WRONLY, err);

	*ret_refused = 0;
	if (fd < 0)
		return fd;
	/* One write: the kernel takes a value whole or not at all. */
	if (write(fd, value, strlen(value)) < 0)
		*ret_refused = errno;
	return -*ret_refused;
}
