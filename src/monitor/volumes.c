#include "monitor/volumes.h"

#include "base/file.h"
#include "base/process.h"
#include "runtime/rootless.h"
#include "runtime/state.h"
#include "runtime/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* In doubt it is: a volume that somebody uses must not go. */
static bool container_there(const char *path, const char *id, char **name)
{
	CLEAN(fd) int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(fd) int dir = -1;
	CLEAN(free) char *now = NULL;
	struct err err = { 0 };

	if (root < 0)
		return errno != ENOENT;
	dir = state_open(root, id, &now, &err);
	if (dir < 0)
		return dir != -ENOENT;
	free(*name);
	*name = take_ptr(now);
	return true;
}

/* What containers of an ordinary user write belongs to ids that are theirs in a user namespace alone. */
static int remove_tree(int dir, const char *name, struct err *err)
{
	CLEAN(strv) struct strv warnings = { 0 };
	CLEAN(fd) int userns = -1;
	CLEAN(fd) int pidfd = -1;
	spec_id_maps uids = { 0 }, gids = { 0 };
	struct err *shared;
	int r, status;
	pid_t pid;

	if (!rootless())
		return file_remove_tree(dir, name, err);
	r = rootless_maps(&uids, &gids, &warnings, err);
	if (r >= 0)
		r = userns = userns_make(&uids, &gids, err);
	free(uids.items);
	free(gids.items);
	if (r < 0)
		return r;
	/* cppcheck-suppress invalidFunctionArg */
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return err_sys(err, "memory for two processes");
	pid = process_clone(0, -1, &pidfd);
	if (pid == 0) {
		r = setns(userns, CLONE_NEWUSER) < 0 ? err_sys(shared, "enter a user namespace") :
						       file_remove_tree(dir, name, shared);
		_exit(r < 0 ? 1 : 0);
	}
	r = pid < 0 ? err_set(err, -pid, "clone: %s", strerror(-pid)) :
		      process_wait(pidfd, &status);
	if (r == 0 && status != 0) {
		*err = *shared;
		r = err->code > 0 ? -err->code : err_set(err, EIO, "remove %s: no success", name);
	}
	munmap(shared, sizeof(*shared));
	return r;
}

int volumes_store_open(const char *data, struct volume_store *ret, struct err *err)
{
	int rc = volume_store_open(data, ret, err);

	ret->alive = container_there;
	ret->remove_tree = remove_tree;
	return rc;
}

int volumes_of_gone(const char *data, const char *id, struct err *err)
{
	CLEAN(volume_store) struct volume_store s = { .fd = -1 };
	int rc = volumes_store_open(data, &s, err);

	return rc < 0 ? rc : volume_release(&s, id, true, err);
}
