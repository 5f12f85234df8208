#include "runtime/guard.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/helper.h"
#include "base/str.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ARGS_MAX (8u << 20)

/* Our arguments as the kernel keeps them: parsing has taken those in argv apart. */
static int own_args(struct strv *ret, struct err *err)
{
	CLEAN(free) char *text = NULL;
	size_t len;
	int rc = file_read(AT_FDCWD, "/proc/self/cmdline", ARGS_MAX, &text, &len, err);

	for (size_t at = 0; rc == 0 && at < len; at += strlen(text + at) + 1)
		strv_add(ret, text + at);
	return rc;
}

static int run_again(int clone, struct err *err)
{
	CLEAN(strv) struct strv args = { 0 };
	int rc = own_args(&args, err);

	if (rc < 0)
		return rc;
	if (!args.items)
		return err_set(err, EIO, "/proc/self/cmdline is empty");
	helper_keep_exe();
	execveat(clone, "", args.items, environ, AT_EMPTY_PATH);
	return err_sys(err, "guard our executable: execveat");
}

/*
 * A clone of the mount costs 0.1 ms where a copy into a sealed memfd costs 1 ms for our size, and its
 * pages are the page cache's. Nobody can make it writable again: it is in no mount namespace.
 */
bool guard_done;

int guard_self(struct err *err)
{
	CLEAN(fd) int self = -1;
	CLEAN(fd) int clone = -1;
	struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };
	struct statvfs fs;

	if (guard_done)
		return 0;
	self = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	if (self < 0 || fstatvfs(self, &fs) < 0)
		return err_sys(err, "look at /proc/self/exe (is /proc mounted?)");
	if (fs.f_flag & ST_RDONLY)
		return 0;
	clone = open_tree(self, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	/* Without rights over mounts there are none over the host's files either. */
	if (clone < 0 && errno == EPERM)
		return 0;
	if (clone < 0)
		return err_sys(err, "guard our executable: open_tree");
	if (mount_setattr(clone, "", AT_EMPTY_PATH, &read_only, sizeof(read_only)) < 0)
		return err_sys(err, "guard our executable: mount_setattr");
	return run_again(clone, err);
}
