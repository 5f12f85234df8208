/* events */
#include "oci/oci.h"

#include "base/json.h"
#include "cgroups/leaf.h"
#include "cli/when.h"
#include "oci/stats.h"
#include "runtime/oom.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>

#define TO(field) OPT_TO(struct oci_events_flags, field)

const struct opt_row oci_events_rows[] = {
	{ "stats", NULL, "Once, and that's all", .kind = OPT_FLAG, TO(stats) },
	{ "interval", "TIME", "How long between two: 5s (default), 500ms, 1m", .kind = OPT_STRING,
	  TO(interval) },
	{ 0 },
};

static int interval_of(const struct oci_events_flags *f, int *ret_ms, struct err *err)
{
	uint64_t ms = 5000;
	int r = f->interval ? when_span("interval", f->interval, &ms, err) : 0;

	*ret_ms = ms < INT_MAX ? (int)ms : INT_MAX;
	return r;
}

static int print_line(const struct call *call, const char *type, struct json_object *data)
{
	CLEAN(json) struct json_object *o = json_object_new_object();
	CLEAN(str) struct str out = { 0 };

	json_put_string(o, "type", type);
	json_put_string(o, "id", call->args[0]);
	if (data)
		json_object_object_add(o, "data", data);
	oci_put_json(&out, o, false);
	return call_print(call, out.text, out.len);
}

/* Returns 0, or the exit status with words said. */
static int print_stats(const struct call *call, struct container *c, int group)
{
	struct json_object *data = NULL;
	struct err err = { 0 };

	if (oci_stats_json(c, group, &data, &err) < 0)
		return call_fail(call, &err);
	return print_line(call, "stats", data);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* What tells of a change in a group's files; -1 where nothing does: then we look now and then. */
static int watch(int group)
{
	static const char *const files[] = { "memory.events", "cgroup.events" };
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[64];

	for (size_t i = 0; fd >= 0 && i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", group, files[i]);
		(void)inotify_add_watch(fd, path, IN_MODIFY);
	}
	return fd;
}

static void drain(int fd)
{
	char buf[4096];

	while (read(fd, buf, sizeof(buf)) > 0)
		;
}

/* Until the group has no process any more. */
static int follow(struct call *call, struct container *c, int group, int interval_ms)
{
	CLEAN(fd) int changes = watch(group);
	int64_t next = now_ms();
	uint64_t before = oom_kills(c, group), kills;
	int status = 0;

	while (status == 0 && cgroup_populated(group) == 1) {
		struct pollfd p = { .fd = changes, .events = POLLIN };
		int64_t now = now_ms();

		if (now >= next) {
			status = print_stats(call, c, group);
			next = now + interval_ms;
		}
		if (poll(&p, 1, (int)(next - now > 0 ? next - now : 0)) > 0)
			drain(changes);
		/* Of a guest's nothing wakes us, but the next statistics' time does. */
		kills = oom_kills(c, group);
		if (kills > before && status == 0)
			status = print_line(call, "oom", NULL);
		before = kills > before ? kills : before;
	}
	return status;
}

int oci_verb_events(struct call *call)
{
	const struct oci_events_flags *f = call->flags;
	CLEAN(container) struct container c = CONTAINER_INIT;
	struct err err = { 0 };
	int interval_ms, group = -1, r = interval_of(f, &interval_ms, &err);

	if (r == 0)
		r = oci_open(call, &c, &err);
	if (r == 0 && c.state.status == STATUS_STOPPED)
		r = err_set(&err, ESRCH, "container \"%s\": container not running", c.state.name);
	if (r == 0)
		r = group = container_cgroup(&c, &err);
	if (r < 0)
		return call_fail(call, &err);
	return f->stats ? print_stats(call, &c, group) : follow(call, &c, group, interval_ms);
}
