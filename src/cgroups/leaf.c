/* A group made. */
#include "cgroups/leaf.h"

#include "base/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define MAKE_TRIES 16
#define GROUPS_MODE 0755
#define CONTROLS_MAX 32 /* controllers of one kernel */

/* ---- controllers handed down ------------------------------------------------------- */

/* The controllers that the settings can't do without, each once. */
static size_t needed_controllers(const struct cgroup_settings *settings, const char **ret)
{
	size_t count = 0, i, j;

	for (i = 0; settings && i < settings->count; i++) {
		const char *name = settings->items[i].controller;

		if (!name || settings->items[i].defaulted)
			continue;
		for (j = 0; j < count && !str_eq(ret[j], name); j++)
			;
		if (j == count && count < CONTROLS_MAX)
			ret[count++] = name;
	}
	return count;
}

/* "+memory +pids": those of the list that the group doesn't hand down yet; empty for none. */
static int missing_controllers(int group, const char *const *needed, size_t count, struct str *ret)
{
	char have[512];
	size_t i;
	int r;

	if (!count)
		return 0;
	r = cgroup_read(group, "cgroup.subtree_control", have, sizeof(have));
	if (r < 0)
		return r;
	for (i = 0; i < count; i++)
		if (!cgroup_words_have(have, needed[i]))
			str_printf(ret, "%s+%s", ret->len ? " " : "", needed[i]);
	return 0;
}

/* Hand the controllers down from one group. -ENOENT, -ENODEV: the group vanished under way. */
static int enable_controllers(int group, const char *path, const char *const *needed, size_t count,
			      struct err *err)
{
	CLEAN(str) struct str missing = { 0 };
	int r = missing_controllers(group, needed, count, &missing);

	if (r == 0 && missing.len)
		r = file_poke(group, "cgroup.subtree_control", missing.text);
	switch (-r) {
	case 0:
		return 0;
	case EBUSY:
		return err_set(
			err, EBUSY,
			"cgroup %s: can't hand %s down, because the group has processes of its own "
			"(cgroup v2 allows processes or controllers for subgroups, not both); name "
			"another parent, or move those processes into a subgroup",
			path, missing.text);
	case EOPNOTSUPP:
		return err_set(err, EOPNOTSUPP,
			       "cgroup %s: it is a threaded group, which can't hand %s down", path,
			       missing.text);
	case EACCES:
	case EPERM:
	case EROFS:
		return err_set(
			err, -r,
			"cgroup %s: not allowed to hand %s down: %s; it has to be delegated to us, "
			"or enabled by its owner",
			path, missing.len ? missing.text : "controllers", strerror(-r));
	case ENOENT:
		return err_set(
			err, ENOENT,
			"cgroup %s: can't hand %s down: what is above it doesn't hand it that far",
			path, missing.len ? missing.text : "controllers");
	default:
		return err_set(err, -r, "cgroup %s: hand %s down (cgroup.subtree_control): %s",
			       path, missing.len ? missing.text : "controllers", strerror(-r));
	}
}

/*
 * Each by itself: what can't be handed down (a group with real-time processes has no cpu) is not there
 * for who manages the group, as anywhere else.
 */
static void offer_controllers(int group)
{
	char have[512], *word, *save = NULL;

	if (cgroup_read(group, "cgroup.controllers", have, sizeof(have)) < 0)
		return;
	for (word = strtok_r(have, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		CLEAN(free) char *enable = xasprintf("+%s", word);

		(void)!file_poke(group, "cgroup.subtree_control", enable);
	}
}

/* ---- making ------------------------------------------------------------------------ */

static int open_group(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int fail_mkdir(const char *name, int code, struct err *err)
{
	return err_set(err, code, "make the group \"%s\": %s%s", name, strerror(code),
		       code == EAGAIN ?
			       ": cgroup.max.descendants or cgroup.max.depth of a group above "
			       "is reached" :
			       "");
}

/* A new folder for the leaf, also when an empty one was left there by somebody. */
static int make_leaf(int parent, const char *name, bool *ret_made, struct err *err)
{
	*ret_made = mkdirat(parent, name, GROUPS_MODE) == 0;
	if (*ret_made)
		return 0;
	if (errno != EEXIST)
		return fail_mkdir(name, errno, err);
	/* Removing says in one step that it is empty, and takes its old limits away. */
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0) {
		*ret_made = mkdirat(parent, name, GROUPS_MODE) == 0;
		return *ret_made ? 0 : fail_mkdir(name, errno, err);
	}
	if (errno == EACCES || errno == EPERM) {
		/* Made for us by somebody with more rights: taken when it is empty. */
		CLEAN(fd) int fd = open_group(parent, name);

		if (fd >= 0 && cgroup_populated(fd) == 0)
			return 0;
	}
	if (errno == ENOENT)
		return fail_mkdir(name, errno, err);
	return err_set(err, EEXIST,
		       "the group \"%s\" exists already and has processes or groups in it: another "
		       "container's, or left behind by one",
		       name);
}

/* What one try at the path has made so far. */
struct making {
	const struct cgroup_host *host;
	char *path; /* ours to cut up */
	const char *const *needed;
	size_t count;
	bool all;
	int made;
	struct err *err;
};

/* Take away what was made, the deepest first; where the making ended early, that is further up. */
static void unmake(struct making *m, const char *path)
{
	CLEAN(free) char *at = xasprintf(".%s", path);
	char *slash;

	for (; m->made > 0 && (slash = strrchr(at, '/')); *slash = '\0') {
		if (unlinkat(m->host->fd, at, AT_REMOVEDIR) == 0)
			m->made--;
		else if (errno != ENOENT)
			return; /* somebody uses it by now: it stays */
	}
}

/*
 * From the root down to the parent: make what is missing and hand the controllers down. Returns the
 * parent's fd. -ENOENT, -ENODEV when a group vanished between two steps.
 */
static int make_parents(struct making *m)
{
	CLEAN(fd) int fd = open_group(m->host->fd, ".");
	char *at = m->path, *slash;
	int r;

	if (fd < 0)
		return err_set(m->err, -fd, "cgroup tree at %s: %s", m->host->mount, strerror(-fd));
	r = enable_controllers(fd, "/", m->needed, m->count, m->err);
	if (r < 0)
		return r;
	if (m->all)
		offer_controllers(fd);
	while ((slash = strchr(at + 1, '/'))) {
		int next;

		*slash = '\0';
		if (mkdirat(fd, at + 1, GROUPS_MODE) == 0)
			m->made++;
		else if (errno != EEXIST)
			return fail_mkdir(m->path, errno, m->err);
		next = open_group(fd, at + 1);
		if (next < 0)
			return err_set(m->err, -next, "open the group %s: %s", m->path,
				       strerror(-next));
		close(fd);
		fd = next;
		r = enable_controllers(fd, m->path, m->needed, m->count, m->err);
		if (r < 0)
			return r;
		if (m->all)
			offer_controllers(fd);
		*slash = '/';
		at = slash;
	}
	return take_fd(&fd);
}

/* The usual case: the parent is there and hands down all that is needed. -EAGAIN: it isn't so. */
static int open_ready_parent(const struct cgroup_host *host, const char *path,
			     const char *const *needed, size_t count)
{
	CLEAN(str) struct str missing = { 0 };
	CLEAN(free) char *parent = xasprintf(".%s", path);
	CLEAN(fd) int fd = -1;

	*strrchr(parent, '/') = '\0';
	fd = open_group(host->fd, parent);
	if (fd < 0 || missing_controllers(fd, needed, count, &missing) < 0 || missing.len)
		return -EAGAIN;
	return take_fd(&fd);
}

static int make_once(struct making *m, const char *path, int *ret_fd)
{
	CLEAN(fd)
	int parent = m->all ? -EAGAIN : open_ready_parent(m->host, path, m->needed, m->count);
	const char *name = strrchr(path, '/') + 1;
	bool made = false;
	int fd, r;

	if (parent < 0)
		parent = make_parents(m);
	if (parent < 0)
		return parent;
	r = make_leaf(parent, name, &made, m->err);
	if (r < 0)
		return r;
	m->made += made;
	fd = open_group(parent, name);
	if (fd < 0)
		return err_set(m->err, -fd, "open the group %s: %s", path, strerror(-fd));
	*ret_fd = fd;
	return 0;
}

int cgroup_make(const struct cgroup_host *host, const char *path,
		const struct cgroup_settings *settings, int *ret_fd, int *ret_made, struct err *err)
{
	const char *needed[CONTROLS_MAX];
	struct making m = { .host = host, .needed = needed, .err = err };
	int tries, r = 0;

	if (host->fd < 0)
		return err_set(err, ENOTSUP, "cgroup %s: no cgroup2 tree is mounted", path);
	m.count = needed_controllers(settings, needed);
	m.all = settings && settings->all_controllers;
	for (tries = 0; tries < MAKE_TRIES; tries++) {
		CLEAN(free) char *copy = xstrdup(path);

		m.path = copy;
		r = make_once(&m, path, ret_fd);
		if (r == 0) {
			if (ret_made)
				*ret_made = m.made;
			return 0;
		}
		/* Another container's end may take an empty parent away under our feet. */
		if (r != -ENOENT && r != -ENODEV)
			break;
	}
	unmake(&m, path);
	return r;
}

int cgroup_hand_down(const struct cgroup_host *host, const char *path,
		     const struct cgroup_settings *settings, struct err *err)
{
	const char *needed[CONTROLS_MAX];
	CLEAN(free) char *copy = xstrdup(path);
	struct making m = { .host = host, .path = copy, .needed = needed, .err = err };
	CLEAN(fd) int parent = -1;

	m.count = needed_controllers(settings, needed);
	parent = open_ready_parent(host, path, needed, m.count);
	if (parent < 0)
		parent = make_parents(&m);
	return parent < 0 ? parent : 0;
}

int cgroup_open(const struct cgroup_host *host, const char *path, struct err *err)
{
	CLEAN(free) char *at = xasprintf(".%s", path);
	int fd = host->fd < 0 ? -ENOENT : open_group(host->fd, at);

	if (fd < 0)
		return err_set(err, -fd, "open the cgroup %s%s: %s", host->mount ? host->mount : "",
			       path, strerror(-fd));
	return fd;
}
