#include "runtime/rename.h"

#include "base/fd.h"
#include "runtime/events.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define RENAMED ".renamed"
#define MARK_TRIES 8

/* ---- the name of its group ---------------------------------------------------------- */

static char *mark_of(const char *cgroup)
{
	return xasprintf(RENAMED "%s", strrchr(cgroup, '/'));
}

/* The folder goes with the last mark, perhaps between our two steps. */
static int mark(const struct container *c, struct err *err)
{
	CLEAN(free) char *path = mark_of(c->state.cgroup);
	int fd = -1;

	for (int i = 0; fd < 0 && i < MARK_TRIES; i++) {
		if (mkdirat(c->root, RENAMED, 0700) < 0 && errno != EEXIST)
			break;
		fd = openat(c->root, path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 && errno != ENOENT)
			break;
	}
	if (fd < 0)
		return err_sys(err, "keep the name of the cgroup (%s)", path);
	close(fd);
	return 0;
}

void rename_forget(const struct container *c)
{
	CLEAN(free) char *path = NULL;

	if (!c->state.renamed || !c->state.cgroup)
		return;
	path = mark_of(c->state.cgroup);
	(void)unlinkat(c->root, path, 0);
	(void)unlinkat(c->root, RENAMED, AT_REMOVEDIR);
}

bool rename_took(const char *root_path, const char *cgroup)
{
	CLEAN(free) char *mark = mark_of(cgroup), *path = xasprintf("%s/%s", root_path, mark);

	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- where it is -------------------------------------------------------------------- */

int rename_find(struct container *c, struct err *err)
{
	int rc = state_is_there(c->root, c->state.name, c->dir, err);
	struct err ignored;
	char path[PATH_MAX];
	const char *name;

	/* Our folder goes by its name; one that was removed has no such name: "... (deleted)". */
	if (rc != 0 || fd_path(c->dir, path, sizeof(path), &ignored) < 0)
		return rc;
	name = strrchr(path, '/');
	if (!name || state_name_check(++name, &ignored) < 0)
		return 0;
	rc = state_is_there(c->root, name, c->dir, err);
	if (rc == 1) {
		free(c->state.name);
		c->state.name = xstrdup(name);
		/* Whoever holds it may write his own view of it down. */
		c->state.renamed = true;
	}
	return rc;
}

/* ---- the verb ----------------------------------------------------------------------- */

static int fail_rename(const struct container *c, const char *name, int code, struct err *err)
{
	if (code == EEXIST)
		return err_set(err, EEXIST,
			       "container \"%s\" already exists; choose another name or remove it "
			       "with `ctr rm`",
			       name);
	return err_set(err, code, "rename container \"%s\" to %s: %s", c->state.name, name,
		       strerror(code));
}

/*
 * The folder's name is the container's, so one step renames it, and fails when a `run` has just taken the
 * name. Killed before it, the container is as it was but for a mark that costs nothing.
 */
static int rename_locked(struct container *c, const char *name, struct err *err)
{
	CLEAN(free) char *old = xstrdup(c->state.name);
	bool home = c->state.cgroup && str_eq(strrchr(c->state.cgroup, '/') + 1, name);
	struct stat there;
	int rc;

	if (fstatat(c->root, name, &there, AT_SYMLINK_NOFOLLOW) == 0)
		return fail_rename(c, name, EEXIST, err);
	c->state.renamed = true;
	rc = state_write(c->dir, &c->state, err);
	if (rc == 0 && c->state.cgroup)
		rc = mark(c, err);
	if (rc < 0)
		return rc;
	if (renameat2(c->root, old, c->root, name, RENAME_NOREPLACE) < 0)
		return fail_rename(c, name, errno, err);
	free(c->state.name);
	c->state.name = xstrdup(name);
	event_note(c->root, &c->state, EVENT_RENAME, event_text("oldName", old));
	if (home) {
		rename_forget(c);
		c->state.renamed = false;
		return state_write(c->dir, &c->state, err);
	}
	return 0;
}

int container_rename(struct container *c, const char *name, struct err *err)
{
	int rc = state_name_check(name, err);

	if (rc == 0 && str_eq(name, c->state.name))
		rc = err_set(err, EINVAL, "container \"%s\" has that name already", name);
	if (rc < 0)
		return rc;
	rc = container_lock(c, err);
	if (rc == 0)
		rc = rename_locked(c, name, err);
	container_unlock(c);
	return rc;
}
