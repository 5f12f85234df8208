/* A group handed to somebody who isn't root. */
#include "cgroups/leaf.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

int cgroup_delegate(int fd, uid_t uid, gid_t gid, struct err *err)
{
	CLEAN(free) char *files = NULL;
	char *file, *save = NULL;
	struct err ignored;

	if (fchown(fd, uid, gid) < 0)
		return err_sys(err, "give the group to %d:%d", (int)uid, (int)gid);
	if (file_read(AT_FDCWD, "/sys/kernel/cgroup/delegate", 4096, &files, NULL, &ignored) < 0)
		files = xstrdup("cgroup.procs\ncgroup.threads\ncgroup.subtree_control\n");
	/* Each kernel lists more than a given group has. */
	for (file = strtok_r(files, "\n", &save); file; file = strtok_r(NULL, "\n", &save))
		if (fchownat(fd, file, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
			return err_sys(err, "give %s of the group to %d:%d", file, (int)uid,
				       (int)gid);
	return 0;
}

void cgroup_mark_delegated(int fd)
{
	(void)!fsetxattr(fd, "trusted.delegate", "1", 1, 0);
	(void)!fsetxattr(fd, "user.delegate", "1", 1, 0);
}
