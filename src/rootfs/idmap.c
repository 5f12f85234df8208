#include "base/file.h"
#include "base/process.h"
#include "rootfs/mnt.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

int mnt_map_write(pid_t pid, const char *file, const spec_id_maps *maps, struct err *err)
{
	CLEAN(free) char *path = xasprintf("/proc/%d/%s", (int)pid, file);
	CLEAN(str) struct str text = { 0 };
	int rc;

	/* One write takes all lines: a second one would be refused. */
	for (size_t i = 0; i < maps->count; i++)
		str_printf(&text, "%s%u %u %u", i ? "\n" : "", maps->items[i].container_id,
			   maps->items[i].host_id, maps->items[i].size);
	rc = file_poke(AT_FDCWD, path, text.text ? text.text : "");
	if (rc < 0)
		return err_set(err, -rc,
			       "the kernel refuses this id map (%s): \"%.200s\": %s; ids must not "
			       "overlap, and we must own them",
			       file, text.text ? text.text : "", strerror(-rc));
	return 0;
}

/* It waits for its end; should we be killed before that, the socket's other side is gone with us. */
static _Noreturn void helper(int sock)
{
	char byte;

	while (read(sock, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

static int maps_write(pid_t pid, const spec_id_maps *uids, const spec_id_maps *gids,
		      struct err *err)
{
	int rc = mnt_map_write(pid, "uid_map", uids, err);

	return rc < 0 ? rc : mnt_map_write(pid, "gid_map", gids, err);
}

int mnt_idmap_open(const spec_id_maps *uids, const spec_id_maps *gids, struct err *err)
{
	return mnt_userns_open(maps_write, uids, gids, err);
}

int mnt_userns_open(mnt_maps_write *write, const spec_id_maps *uids, const spec_id_maps *gids,
		    struct err *err)
{
	CLEAN(fd) int ours = -1;
	CLEAN(fd) int theirs = -1;
	CLEAN(fd) int pidfd = -1;
	CLEAN(free) char *path = NULL;
	int pair[2], fd = -1, status, rc;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "make a socket pair");
	ours = pair[0];
	theirs = pair[1];
	pid = process_clone(CLONE_NEWUSER, -1, &pidfd);
	if (pid < 0)
		return err_set(err, -pid, "make a user namespace to hold an id map: %s",
			       strerror(-pid));
	if (pid == 0) {
		close(ours);
		helper(theirs);
	}
	rc = write(pid, uids, gids, err);
	if (rc == 0) {
		path = xasprintf("/proc/%d/ns/user", (int)pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		rc = fd < 0 ? err_sys(err, "open %s", path) : fd;
	}
	close(take_fd(&ours));
	if (process_wait(pidfd, &status) < 0 && rc >= 0) {
		close(fd);
		return err_set(err, ECHILD, "wait for the holder of an id map");
	}
	return rc;
}
