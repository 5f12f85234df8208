#include "runtime/oom.h"

#include "base/clock.h"
#include "base/json.h"
#include "cgroups/leaf.h"
#include "runtime/events.h"
#include "runtime/vm.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define KMSG "/dev/kmsg"
#define RECORD_MAX 8192
#define SLACK_US 2000000

/* ---- one record --------------------------------------------------------------------- */

/* ",KEY=" where it stands once; NULL: not, or more than once, and then it is somebody's name. */
static char *only(char *text, const char *key)
{
	char *at = strstr(text, key);

	return at && !strstr(at + 1, key) ? at : NULL;
}

/* "...,KEY=NUMBER" at the end of the text, which ends before it then. */
static bool cut_number(char *text, const char *key, uint64_t max, uint64_t *ret)
{
	char *at = NULL;

	for (char *p = strstr(text, key); p; p = strstr(p + 1, key))
		at = p;
	if (!at || str_to_u64(at + strlen(key), 0, max, ret) < 0)
		return false;
	*at = '\0';
	return true;
}

static bool is_below(const char *path, const char *cgroup)
{
	size_t len = strlen(cgroup);

	return strncmp(path, cgroup, len) == 0 && (!path[len] || path[len] == '/');
}

/* "6,1234,5678901,-;": facility 0 is the kernel, which nobody can write as. */
static char *message_of(char *record, uint64_t since_us)
{
	uint64_t priority, at_us;
	char *end;

	priority = strtoull(record, &end, 10);
	if (*end != ',' || priority >> 3)
		return NULL;
	(void)strtoull(end + 1, &end, 10);
	if (*end != ',')
		return NULL;
	at_us = strtoull(end + 1, &end, 10);
	end = strchr(end, ';');
	return end && at_us >= since_us ? end + 1 : NULL;
}

/* May the record, whole, be about a victim in that group? */
static bool mentions(const char *text, const char *cgroup)
{
	static const char key[] = ",task_memcg=";

	for (const char *p = strstr(text, key); p; p = strstr(p + 1, key)) {
		size_t len = strcspn(p + strlen(key), ",");
		CLEAN(free) char *path = xstrndup(p + strlen(key), len);

		if (is_below(path, cgroup))
			return true;
	}
	return false;
}

/* From the end, where the numbers are: the names before them are others' choice. */
static bool victim_of(char *text, const char *cgroup, struct state_oom *ret)
{
	char *limit, *group, *task;
	uint64_t pid, uid;

	if (!cut_number(text, ",uid=", UINT32_MAX, &uid) ||
	    !cut_number(text, ",pid=", INT_MAX, &pid))
		return false;
	limit = only(text, ",oom_memcg=");
	group = only(text, ",task_memcg=");
	task = only(text, ",task=");
	if (!group || !task || task < group || (limit && limit > group) ||
	    (!limit && !only(text, ",global_oom")))
		return false;
	*task = *group = '\0';
	if (!is_below(group + strlen(",task_memcg="), cgroup))
		return false;
	ret->process = xstrdup(task + strlen(",task="));
	ret->cgroup = xstrdup(group + strlen(",task_memcg="));
	ret->limit_cgroup = xstrdup(limit ? limit + strlen(",oom_memcg=") : "/");
	ret->pid = (pid_t)pid;
	return true;
}

bool oom_parse(char *record, const char *cgroup, uint64_t since_us, struct state_oom *ret)
{
	char *text = message_of(record, since_us);

	if (!text || !str_starts(text, "oom-kill:"))
		return false;
	text[strcspn(text, "\n")] = '\0';
	if (!mentions(text, cgroup))
		return false;
	state_oom_free(ret);
	return victim_of(text, cgroup, ret);
}

/* ---- the log ------------------------------------------------------------------------ */

/* When the container was made, by the log's clock, which doesn't run while the machine sleeps. */
static uint64_t since_us(const struct state *s)
{
	uint64_t age_us = (clock_unix_ms() - s->created_unix_ms) * 1000,
		 now_us = clock_now_ns() / 1000;

	return now_us > age_us + SLACK_US ? now_us - age_us - SLACK_US : 0;
}

/* A read gives one record, the oldest first; the last that may be of ours counts. */
static void search_log(const struct state *s, struct state_oom *ret)
{
	CLEAN(fd) int fd = open(KMSG, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CLEAN(free) char *record = xcalloc(1, RECORD_MAX);
	uint64_t since = since_us(s);

	while (fd >= 0) {
		ssize_t len = read(fd, record, RECORD_MAX - 1);

		if (len < 0 && errno == EPIPE)
			continue; /* overwritten while we read */
		if (len <= 0)
			break;
		record[len] = '\0';
		(void)oom_parse(record, s->cgroup, since, ret);
	}
}

/* memory.max of the group that ran out; 0: not to be had, UINT64_MAX: there is none. */
static uint64_t limit_of(const char *path)
{
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;
	CLEAN(fd) int fd = -1;
	struct err ignored;
	char text[64];
	uint64_t limit = 0;

	if (!path || str_eq(path, "/") || cgroup_host_find(&host, &ignored) < 0)
		return 0;
	fd = cgroup_open(&host, path, &ignored);
	if (fd < 0 || cgroup_read(fd, "memory.max", text, sizeof(text)) < 0)
		return 0;
	if (str_eq(text, "max"))
		return UINT64_MAX;
	return str_to_u64(text, 0, UINT64_MAX, &limit) == 0 ? limit : 0;
}

/* *ret_inside: those in its guest, of which the last goes to *ret_last, the caller's. */
static uint64_t count(const struct container *c, int group, uint64_t *ret_inside,
		      struct state_oom *ret_last)
{
	uint64_t kills = 0;

	*ret_inside = c->state.vm ? vm_oom_kills(c->dir, ret_last) : 0;
	if (group < 0 || cgroup_oom_kills(group, &kills) < 0)
		kills = 0;
	return kills + *ret_inside;
}

bool oom_look(struct container *c)
{
	struct state_oom *oom = &c->state.oom;
	struct state_oom guests = { 0 };
	struct err ignored;
	uint64_t inside, kills = count(c, container_cgroup(c, &ignored), &inside, &guests);

	if (kills <= oom->kills) {
		state_oom_free(&guests);
		return false;
	}
	state_oom_free(oom);
	*oom = guests;
	if (!inside)
		search_log(&c->state, oom);
	oom->kills = kills;
	oom->limit_bytes = limit_of(oom->limit_cgroup);
	return true;
}

uint64_t oom_kills(const struct container *c, int group)
{
	struct state_oom last = { 0 };
	uint64_t inside, kills = count(c, group, &inside, &last);

	state_oom_free(&last);
	return kills;
}

struct json_object *oom_to_json(const struct state_oom *oom)
{
	struct json_object *o = json_object_new_object();
	bool known = oom->limit_bytes && oom->limit_bytes != UINT64_MAX;

	json_put_u64(o, "kills", oom->kills);
	json_put_string(o, "process", oom->process ? oom->process : "unknown");
	json_object_object_add(o, "pid", oom->pid ? json_object_new_int(oom->pid) : NULL);
	json_put_string(o, "cgroup", oom->cgroup ? oom->cgroup : "unknown");
	json_put_string(o, "limitCgroup", oom->limit_cgroup ? oom->limit_cgroup : "unknown");
	json_object_object_add(o, "limitBytes",
			       known ? json_object_new_uint64(oom->limit_bytes) : NULL);
	return o;
}

void oom_note(const struct container *c)
{
	event_note(c->root, &c->state, EVENT_OOM, oom_to_json(&c->state.oom));
}
