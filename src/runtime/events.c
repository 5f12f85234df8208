#include "runtime/events.h"

#include "base/json.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* `once`: a container has it once, so it is left to the others to see whether the file is too long. */
static const struct {
	const char *name;
	bool once;
} events[] = {
	[EVENT_CREATE] = { "create", false },
	[EVENT_START] = { "start", true },
	[EVENT_PAUSE] = { "pause", false },
	[EVENT_UNPAUSE] = { "unpause", false },
	[EVENT_UPDATE] = { "update", false },
	[EVENT_RENAME] = { "rename", false },
	[EVENT_EXEC] = { "exec", false },
	[EVENT_EXEC_DIED] = { "exec_died", false },
	[EVENT_KILL] = { "kill", false },
	[EVENT_OOM] = { "oom", false },
	[EVENT_DIE] = { "die", true },
	[EVENT_STOP] = { "stop", true },
	[EVENT_CHECKPOINT] = { "checkpoint", false },
	[EVENT_RESTORE] = { "restore", false },
	[EVENT_REMOVE] = { "remove", true },
	[EVENT_HEALTH] = { "health_status", false },
};

static const struct {
	const char *name;
	enum event event;
} aliases[] = {
	{ "died", EVENT_DIE },           { "exited", EVENT_DIE },    { "resume", EVENT_UNPAUSE },
	{ "destroy", EVENT_REMOVE },     { "delete", EVENT_REMOVE }, { "exec_start", EVENT_EXEC },
	{ "exec_die", EVENT_EXEC_DIED },
};

const char *event_name(enum event e)
{
	return events[e].name;
}

enum event event_of(const char *name)
{
	for (enum event e = 0; e < EVENTS; e++)
		if (str_eq(events[e].name, name))
			return e;
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (str_eq(aliases[i].name, name))
			return aliases[i].event;
	return EVENTS;
}

struct json_object *event_number(const char *key, int64_t value)
{
	struct json_object *o = json_object_new_object();

	json_put_i64(o, key, value);
	return o;
}

struct json_object *event_text(const char *key, const char *value)
{
	struct json_object *o = json_object_new_object();

	json_put_string(o, key, value);
	return o;
}

/*
 * Who holds the file's lock moves it away; who finds it held leaves it alone. Looked at under the lock: it
 * may have been moved by then, and the one of that name be a new one.
 */
static void rotate(int root, int fd)
{
	struct stat ours, named;

	if (lseek(fd, 0, SEEK_CUR) < EVENTS_MAX_BYTES || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (fstat(fd, &ours) == 0 && fstatat(root, EVENTS_FILE, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    ours.st_ino == named.st_ino && ours.st_dev == named.st_dev)
		(void)!renameat(root, EVENTS_FILE, root, EVENTS_OLD);
}

static struct json_object *line_of(const struct state *s, enum event what,
				   struct json_object *details)
{
	struct json_object *o = json_object_new_object();
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	json_put_u64(o, "timeNano", (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
	json_put_string(o, "event", event_name(what));
	json_put_string(o, "id", s->id);
	json_put_string(o, "name", s->name);
	json_put_string(o, "image", s->rootfs);
	if (details)
		json_object_object_add(o, "details", details);
	return o;
}

void event_note(int root, const struct state *s, enum event what, struct json_object *details)
{
	int saved = errno;
	CLEAN(json) struct json_object *o = line_of(s, what, details);
	CLEAN(str) struct str line = { 0 };
	CLEAN(fd) int fd = -1;

	str_printf(&line, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	fd = openat(root, EVENTS_FILE,
		    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd >= 0 && write(fd, line.text, line.len) == (ssize_t)line.len && !events[what].once)
		rotate(root, fd);
	errno = saved;
}
