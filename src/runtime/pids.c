/*
 * Which processes are a container's. Its cgroup knows; where it could have none (an ordinary user's,
 * or --cgroup-manager disabled) its pid namespace does.
 */
#include "runtime/pids.h"

#include "base/process.h"
#include "cgroups/leaf.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

static bool pid_ns_of(const char *pid, struct stat *ret)
{
	CLEAN(free) char *path = xasprintf("/proc/%s/ns/pid", pid);

	return stat(path, ret) == 0;
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/* The container's pid namespace, which has to be another than ours to tell its processes by it. */
static int own_pid_ns(const struct container *c, struct stat *ret, struct err *err)
{
	char pid[16];
	struct stat ours;

	snprintf(pid, sizeof(pid), "%d", (int)c->state.pid);
	if (!pid_ns_of(pid, ret) || !pid_ns_of("self", &ours))
		return err_set(err, ESRCH, "container \"%s\": container not running",
			       c->state.name);
	if (same(ret, &ours))
		return err_set(
			err, ENOTSUP,
			"container \"%s\" has neither a cgroup nor a pid namespace of its own: "
			"its processes can't be told from others",
			c->state.name);
	return 0;
}

typedef void (*pid_fn)(pid_t pid, const struct stat *ns, void *data);

static int each_pid(const struct container *c, pid_fn fn, void *data, struct err *err)
{
	CLEAN(dir) DIR *dir = opendir("/proc");
	struct dirent *entry;
	struct stat ns, other;
	uint64_t pid;
	int rc = own_pid_ns(c, &ns, err);

	if (rc < 0)
		return rc;
	if (!dir)
		return err_sys(err, "open /proc");
	while ((entry = readdir(dir)))
		if (str_to_u64(entry->d_name, 1, INT_MAX, &pid) == 0 &&
		    pid_ns_of(entry->d_name, &other) && same(&ns, &other))
			fn((pid_t)pid, &ns, data);
	return 0;
}

struct pid_list {
	pid_t *items;
	size_t count;
};

static void pid_add(pid_t pid, const struct stat *ns, void *data)
{
	struct pid_list *list = data;

	(void)ns;
	list->items = xrealloc(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = pid;
}

int container_pids(struct container *c, pid_t **ret, size_t *ret_count, struct err *err)
{
	struct pid_list list = { 0 };
	int fd, rc;

	if (c->state.cgroup) {
		fd = container_cgroup(c, err);
		return fd < 0 ? fd : cgroup_pids(fd, true, ret, ret_count, err);
	}
	rc = each_pid(c, pid_add, &list, err);
	if (rc < 0)
		return rc;
	*ret = list.items;
	*ret_count = list.count;
	return 0;
}

/* By a handle that was looked at again: the number may be another's by now. */
static void pid_signal(pid_t pid, const struct stat *ns, void *data)
{
	CLEAN(fd) int pidfd = pidfd_open(pid, 0);
	char text[16];
	struct stat now;

	snprintf(text, sizeof(text), "%d", (int)pid);
	if (pidfd >= 0 && pid_ns_of(text, &now) && same(ns, &now))
		(void)!process_signal(pidfd, *(const int *)data);
}

int pids_signal(const struct container *c, int signal, struct err *err)
{
	return each_pid(c, pid_signal, &signal, err);
}
