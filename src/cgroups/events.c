/* What is in a group: processes counted, signalled, frozen, killed, waited for. */
#include "cgroups/leaf.h"

#include "base/clock.h"
#include "base/file.h"
#include "cgroups/walk.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define EVENTS_MAX 256

/* How long freezing may take before signals are sent all the same. */
#define SIGNAL_FREEZE_MS 2000

static int read_event(int fd, const char *name)
{
	char text[EVENTS_MAX];
	int r = cgroup_read(fd, "cgroup.events", text, sizeof(text));
	uint64_t value;

	return r < 0 ? r : cgroup_line(text, name, &value) ? value != 0 : -ENODATA;
}

int cgroup_frozen(int fd)
{
	return read_event(fd, "frozen");
}

int cgroup_populated(int fd)
{
	return read_event(fd, "populated");
}

/*
 * Wait until a line of cgroup.events has a value. The kernel tells by POLLPRI, but at most every
 * 10 ms, so a change soon after another is told late: we look again by ourselves in growing steps.
 * A removed group (-ENODEV) is an empty one.
 */
static int wait_event(int fd, const char *name, int value, int timeout_ms)
{
	CLEAN(fd) int events = openat(fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	uint64_t start = clock_now_ns(), now;
	int step_ms = 1;

	if (events < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	for (;;) {
		struct pollfd p = { .fd = events, .events = POLLPRI };
		char text[EVENTS_MAX];
		ssize_t len = pread(events, text, sizeof(text) - 1, 0);
		int64_t left_ms = timeout_ms;

		if (len < 0)
			return -errno;
		text[len] = '\0';
		if (cgroup_line(text, name, &now) && now == (uint64_t)value)
			return 0;
		if (timeout_ms >= 0) {
			left_ms -= (int64_t)((clock_now_ns() - start) / 1000000);
			if (left_ms <= 0)
				return -ETIMEDOUT;
		}
		if (poll(&p, 1, timeout_ms >= 0 && left_ms < step_ms ? (int)left_ms : step_ms) <
			    0 &&
		    errno != EINTR)
			return -errno;
		step_ms = step_ms < 64 ? step_ms * 2 : 100;
	}
}

int cgroup_wait_empty(int fd, int timeout_ms)
{
	int r = wait_event(fd, "populated", 0, timeout_ms);

	return r == -ENODEV ? 0 : r;
}

int cgroup_freeze(int fd, bool frozen, int timeout_ms, struct err *err)
{
	const char *verb = frozen ? "freeze" : "thaw";
	int r = file_poke(fd, "cgroup.freeze", frozen ? "1" : "0");

	if (r < 0)
		return err_set(err, -r, "%s the group (cgroup.freeze): %s%s", verb, strerror(-r),
			       r == -ENOENT ? "; it needs Linux 5.2" : "");
	r = wait_event(fd, "frozen", frozen, timeout_ms);
	if (r == -ETIMEDOUT) {
		if (frozen)
			(void)!file_poke(fd, "cgroup.freeze", "0");
		return err_set(err, ETIMEDOUT, "%s the group: not done after %d ms%s", verb,
			       timeout_ms,
			       frozen ? ", a process doesn't come out of the kernel; it runs on" :
					", a group above it is frozen too");
	}
	return r < 0 ? err_set(err, -r, "%s the group (cgroup.events): %s", verb, strerror(-r)) : 0;
}

/* ---- pids -------------------------------------------------------------------------- */

struct pids {
	pid_t *items;
	size_t count, room;
};

static void add_pid(struct pids *p, const char *line)
{
	long pid = strtol(line, NULL, 10);

	/* 0: a process outside of our pid namespace. What gets out of here is signalled: never -1. */
	if (pid <= 0 || pid > INT_MAX)
		return;
	if (p->count == p->room) {
		p->room = p->room ? p->room * 2 : 16;
		p->items = xrealloc(p->items, p->room, sizeof(*p->items));
	}
	p->items[p->count++] = (pid_t)pid;
}

/* cgroup.procs of one group; longer than a page comes in pieces. */
static int collect_pids(int group, void *arg)
{
	CLEAN(fd) int fd = openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	CLEAN(file) FILE *f = fd < 0 ? NULL : fdopen(fd, "re");
	char line[32];

	if (!f)
		return errno == ENODEV || errno == ENOENT ? 0 : -errno;
	take_fd(&fd);
	/* A threaded group gives EOPNOTSUPP: its processes are listed further up. */
	while (fgets(line, sizeof(line), f))
		add_pid(arg, line);
	return 0;
}

int cgroup_pids(int fd, bool recursive, pid_t **ret, size_t *ret_count, struct err *err)
{
	struct pids p = { 0 };
	int r = recursive ? cgroup_walk(fd, collect_pids, &p) : collect_pids(fd, &p);

	if (r < 0) {
		free(p.items);
		return err_set(err, -r, "list the processes of the group: %s", strerror(-r));
	}
	*ret = p.items;
	*ret_count = p.count;
	return 0;
}

/* ---- signals ----------------------------------------------------------------------- */

static int signal_all(int fd, int signal, struct err *err)
{
	CLEAN(free) pid_t *pids = NULL;
	size_t count = 0, i;
	int r = cgroup_pids(fd, true, &pids, &count, err);

	for (i = 0; r == 0 && i < count; i++)
		if (kill(pids[i], signal) < 0 && errno != ESRCH)
			r = err_sys(err, "send signal %d to process %d", signal, (int)pids[i]);
	return r;
}

int cgroup_signal(int fd, int signal, struct err *err)
{
	struct err ignored;
	bool ours = cgroup_frozen(fd) == 0;
	int r;

	/* A process stuck in the kernel can't fork either: then it is signalled unfrozen. */
	if (ours && cgroup_freeze(fd, true, SIGNAL_FREEZE_MS, &ignored) < 0)
		ours = false;
	r = signal_all(fd, signal, err);
	if (ours)
		(void)!file_poke(fd, "cgroup.freeze", "0");
	return r;
}

int cgroup_kill(int fd, struct err *err)
{
	int r = file_poke(fd, "cgroup.kill", "1");

	if (r == -ENOENT && cgroup_populated(fd) >= 0) {
		r = cgroup_signal(fd, SIGKILL, err);
		/* One that the user froze dies frozen, but its folder says so only once thawed. */
		(void)!file_poke(fd, "cgroup.freeze", "0");
		return r;
	}
	if (r == -ENOENT || r == -ENODEV)
		return 0;
	return r < 0 ? err_set(err, -r, "kill the group (cgroup.kill): %s", strerror(-r)) : 0;
}

int cgroup_oom_kills(int fd, uint64_t *ret)
{
	char text[EVENTS_MAX];
	int r = cgroup_read(fd, "memory.events", text, sizeof(text));

	*ret = 0;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	(void)cgroup_line(text, "oom_kill", ret);
	return 0;
}
