/* struct state as state.json, as the standard's `state` document, and as `inspect` shows it. */
#include "runtime/state.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define STATE_FILE "state.json"
#define STATE_FILE_MAX (4u << 20)

/* One row per key of state.json that is a plain value. */
enum kind { TEXT, NUMBER, INTEGER, FLAG };

#define FIELD(key, kind, member)                          \
	{                                                 \
		key, kind, offsetof(struct state, member) \
	}

static const struct field {
	const char *key;
	enum kind kind;
	size_t offset;
} fields[] = {
	FIELD("name", TEXT, name),
	FIELD("id", TEXT, id),
	FIELD("bundle", TEXT, bundle),
	FIELD("rootfs", TEXT, rootfs),
	FIELD("cgroup", TEXT, cgroup),
	FIELD("cgroupLevels", INTEGER, cgroup_levels),
	FIELD("systemdUnit", TEXT, unit),
	FIELD("systemdMark", TEXT, unit_mark),
	FIELD("systemdUser", FLAG, unit_user),
	FIELD("pid", INTEGER, pid),
	FIELD("pidStart", NUMBER, pid_start),
	FIELD("parent", INTEGER, parent),
	FIELD("createdUnixMs", NUMBER, created_unix_ms),
	FIELD("startedUnixMs", NUMBER, started_unix_ms),
	FIELD("finishedUnixMs", NUMBER, finished_unix_ms),
	FIELD("exitKnown", FLAG, exit_known),
	FIELD("exitCode", INTEGER, exit_code),
	FIELD("oomKilled", FLAG, oom_killed),
	FIELD("oomKills", NUMBER, oom.kills),
	FIELD("oomProcess", TEXT, oom.process),
	FIELD("oomPid", INTEGER, oom.pid),
	FIELD("oomCgroup", TEXT, oom.cgroup),
	FIELD("oomLimitCgroup", TEXT, oom.limit_cgroup),
	FIELD("oomLimitBytes", NUMBER, oom.limit_bytes),
	FIELD("autoRemove", FLAG, auto_remove),
	FIELD("monitorPid", INTEGER, monitor_pid),
	FIELD("restartCount", INTEGER, restart_count),
	FIELD("restartPolicy", TEXT, restart_policy),
	FIELD("logDriver", TEXT, log_driver),
	FIELD("logPath", TEXT, log_path),
	FIELD("stopAsked", FLAG, stop_asked),
	FIELD("terminal", FLAG, terminal),
	FIELD("renamed", FLAG, renamed),
	FIELD("noProcess", FLAG, no_process),
	FIELD("noLateHooks", FLAG, no_late_hooks),
	FIELD("vm", FLAG, vm),
	FIELD("emulated", FLAG, emulated),
};

static void field_put(struct json_object *o, const struct field *f, const struct state *s)
{
	const void *at = (const char *)s + f->offset;

	switch (f->kind) {
	case TEXT:
		json_put_string(o, f->key, *(char *const *)at);
		break;
	case NUMBER:
		json_put_u64(o, f->key, *(const uint64_t *)at);
		break;
	case INTEGER:
		json_put_i64(o, f->key, *(const int *)at);
		break;
	case FLAG:
		json_put_bool(o, f->key, *(const bool *)at);
		break;
	}
}

static int field_read(const struct json_at *root, const struct field *f, struct state *s,
		      struct err *err)
{
	struct json_at at = json_get(root, f->key);
	void *to = (char *)s + f->offset;
	int64_t integer = 0;
	int rc = 0;

	switch (f->kind) {
	case TEXT:
		return json_read_string(&at, to, err);
	case NUMBER:
		return json_read_u64(&at, 0, UINT64_MAX, to, err);
	case INTEGER:
		rc = json_read_i64(&at, INT_MIN, INT_MAX, &integer, err);
		if (rc > 0)
			*(int *)to = (int)integer;
		return rc;
	case FLAG:
		return json_read_bool(&at, to, err);
	}
	return rc;
}

static struct json_object *stages_json(const struct state *s)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < s->stage_count; i++) {
		struct json_object *o = json_object_new_object();

		json_put_string(o, "stage", s->stages[i].name);
		json_put_u64(o, "ns", s->stages[i].ns);
		json_object_array_add(list, o);
	}
	return list;
}

struct json_object *state_to_json(const struct state *s)
{
	struct json_object *o = json_object_new_object();

	json_put_u64(o, "version", STATE_VERSION);
	json_put_string(o, "status", status_name(s->status));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		field_put(o, &fields[i], s);
	json_object_object_add(o, "annotations", json_from_map(&s->annotations));
	json_object_object_add(o, "stages", stages_json(s));
	return o;
}

struct json_object *state_to_oci_json(const struct state *s)
{
	struct json_object *o = json_object_new_object();
	char created[32];

	json_put_string(o, "ociVersion", "1.3.0");
	json_put_string(o, "id", s->name);
	/* The standard has no paused; every runtime says it all the same. */
	json_put_string(o, "status", status_name(s->status));
	if (s->status != STATUS_STOPPED)
		json_put_i64(o, "pid", s->pid);
	else
		json_put_i64(o, "pid", 0);
	json_put_string(o, "bundle", s->bundle ? s->bundle : "");
	clock_utc_text(s->created_unix_ms, created);
	json_put_string(o, "created", created);
	if (s->annotations.count)
		json_object_object_add(o, "annotations", json_from_map(&s->annotations));
	return o;
}

int state_write(int dir, const struct state *s, struct err *err)
{
	CLEAN(json) struct json_object *o = state_to_json(s);
	size_t len;
	const char *text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &len);

	return file_write_atomic(dir, STATE_FILE, 0600, text, len, err);
}

static int read_status(const struct json_at *root, struct state *s, struct err *err)
{
	struct json_at at = json_get(root, "status");
	CLEAN(free) char *text = NULL;
	int rc = json_read_string(&at, &text, err);

	if (rc <= 0)
		return rc;
	for (enum status i = STATUS_CREATING; i <= STATUS_STOPPED; i++)
		if (str_eq(text, status_name(i))) {
			s->status = i;
			return 0;
		}
	return json_fail(&at, err, EINVAL, "no such status \"%s\"", text);
}

static int read_lists(const struct json_at *root, struct state *s, struct err *err)
{
	struct json_at annotations = json_get(root, "annotations"),
		       stages = json_get(root, "stages");
	size_t count = json_count(&stages);
	int rc;

	if (annotations.value) {
		json_object_object_foreach (annotations.value, key, value)
			if (value)
				json_map_add(&s->annotations, key, json_object_get_string(value));
	}
	for (size_t i = 0; i < count && s->stage_count < STATE_STAGE_MAX; i++) {
		struct json_at item = json_item(&stages, i);
		struct json_at name = json_get(&item, "stage"), ns = json_get(&item, "ns");
		struct stage_time *t = &s->stages[s->stage_count];

		rc = json_read_string(&name, &t->name, err);
		if (rc < 0)
			return rc;
		s->stage_count++;
		rc = json_read_u64(&ns, 0, UINT64_MAX, &t->ns, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Keys that we don't know were written by a later version: they are left alone. */
static int state_from_json(const struct json_at *root, struct state *s, struct err *err)
{
	struct json_at version = json_get(root, "version"),
		       annotations = json_get(root, "annotations"),
		       stages = json_get(root, "stages");
	uint64_t number = 0;
	int rc = json_read_u64(&version, 1, UINT32_MAX, &number, err);

	if (rc <= 0)
		return rc < 0 ? rc : json_fail(&version, err, EINVAL, "missing");
	rc = json_want_object(&annotations, err);
	if (rc >= 0)
		rc = json_want_array(&stages, err);
	for (size_t i = 0; rc >= 0 && i < ARRAY_LEN(fields); i++)
		rc = field_read(root, &fields[i], s, err);
	if (rc >= 0)
		rc = read_status(root, s, err);
	return rc < 0 ? rc : read_lists(root, s, err);
}

int state_read(int dir, const char *name, struct state *ret, struct err *err)
{
	CLEAN(json) struct json_object *o = NULL;
	CLEAN(free) char *text = NULL;
	struct json_at root;
	size_t len;
	int rc = file_read(dir, STATE_FILE, STATE_FILE_MAX, &text, &len, err);

	*ret = (struct state){ .name = xstrdup(name), .status = STATUS_CREATING };
	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = json_parse_own(text, len, STATE_FILE, &o, err);
	if (rc == 0) {
		root = (struct json_at){ .value = o };
		rc = state_from_json(&root, ret, err);
	}
	if (rc < 0) {
		state_free(ret);
		return err_wrap(err, "state of container \"%s\": ", name);
	}
	/* The folder decides what it is called. */
	free(ret->name);
	ret->name = xstrdup(name);
	return 0;
}
