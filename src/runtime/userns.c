/* A user namespace that stands for a container's: for who works on its files from outside. */
#include "runtime/userns.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/rootless.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MAP_BYTES 65536 /* a map has up to 340 lines */

static int map_write(pid_t pid, const char *file, const spec_id_maps *maps, struct err *err)
{
	CLEAN(free) char *path = xasprintf("/proc/%d/%s", (int)pid, file);
	CLEAN(str) struct str text = { 0 };
	int r;

	for (size_t i = 0; i < maps->count; i++)
		str_printf(&text, "%u %u %u\n", maps->items[i].container_id, maps->items[i].host_id,
			   maps->items[i].size);
	r = file_poke(AT_FDCWD, path, text.text ? text.text : "");
	return r < 0 ? err_set(err, -r, "the kernel refuses this %s: %s", file, strerror(-r)) : 0;
}

static int maps_write(pid_t pid, const spec_id_maps *uids, const spec_id_maps *gids,
		      struct err *err)
{
	int r;

	if (rootless())
		return rootless_map_write(pid, uids, gids, err);
	r = map_write(pid, "uid_map", uids, err);
	return r < 0 ? r : map_write(pid, "gid_map", gids, err);
}

/* Lines of three numbers, user_namespaces(7): first id inside, first id outside, count. */
static int map_read(const char *path, spec_id_maps *ret, struct err *err)
{
	CLEAN(free) char *text = NULL;
	unsigned long number[3];
	size_t have = 0;
	int r = file_read(AT_FDCWD, path, MAP_BYTES, &text, NULL, err);

	if (r < 0)
		return r;
	ret->count = 0;
	for (char *at = text, *end; (number[have] = strtoul(at, &end, 10), end != at); at = end) {
		have = (have + 1) % ARRAY_LEN(number);
		if (have == 0)
			*SPEC_ADD(ret) = (struct spec_id_map){ .container_id = (uint32_t)number[0],
							       .host_id = (uint32_t)number[0],
							       .size = (uint32_t)number[2] };
	}
	return ret->count ? 0 : err_set(err, EINVAL, "%s says nothing", path);
}

int userns_same_ids(spec_id_maps *ret_uids, spec_id_maps *ret_gids, struct err *err)
{
	int r = map_read("/proc/self/uid_map", ret_uids, err);

	return r < 0 ? r : map_read("/proc/self/gid_map", ret_gids, err);
}

int userns_make(const spec_id_maps *uids, const spec_id_maps *gids, struct err *err)
{
	CLEAN(fd) int ours = -1;
	CLEAN(fd) int theirs = -1;
	CLEAN(fd) int pidfd = -1;
	CLEAN(free) char *path = NULL;
	int pair[2], status, r;
	char byte;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "make a socket pair");
	ours = pair[0];
	theirs = pair[1];
	pid = process_clone(CLONE_NEWUSER, -1, &pidfd);
	if (pid < 0)
		return err_set(err, -pid, "make a user namespace: %s", strerror(-pid));
	if (pid == 0) {
		/* It waits for the end of our side, which goes with us also when we are killed. */
		close(ours);
		(void)!read(theirs, &byte, 1);
		_exit(0);
	}
	r = maps_write(pid, uids, gids, err);
	if (r == 0) {
		path = xasprintf("/proc/%d/ns/user", (int)pid);
		r = open(path, O_RDONLY | O_CLOEXEC);
		if (r < 0)
			r = err_sys(err, "open %s", path);
	}
	close(take_fd(&ours));
	(void)!process_wait(pidfd, &status);
	return r;
}
