/* The files of a container that runs, as its process sees them: for who works on them from outside. */
#include "runtime/container.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "wire/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A launcher goes to a root of its own before its guest begins, and mounts the container's there. Before that the
 * container's is its own, in which a folder may have that name, too, and is no mount.
 */
static int below_launcher(int root)
{
	CLEAN(fd)
	int fd = openat(root, WIRE_LAUNCHER_FILES, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statx st;

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, 0, &st) < 0)
		return -errno;
	return st.stx_attributes & STATX_ATTR_MOUNT_ROOT ? take_fd(&fd) : -ENOENT;
}

int container_files_open(const struct container *c)
{
	CLEAN(free) char *path = xasprintf("/proc/%d/root", (int)c->state.pid);
	CLEAN(fd) int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int below = c->state.vm && root >= 0 ? below_launcher(root) : -ENOENT;

	return root < 0 ? -errno : below >= 0 ? below : take_fd(&root);
}

void container_files_changed(const struct container *c)
{
	if (c->state.vm)
		(void)poll(NULL, 0, WIRE_BELIEVED_S * 1000);
}
