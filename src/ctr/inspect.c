/* ctr inspect, ctr state */
#include "ctr/verbs.h"

#include "base/json.h"
#include "ctr/format.h"
#include "monitor/health.h"
#include "runtime/session.h"
#include "spec/load.h"

#include <errno.h>
#include <string.h>

const struct opt_row format_rows[] = {
	{ "format", "FORMAT", "json, or a template: '{{.State.Pid}}', '{{json .Stages}}'", "json",
	  .kind = OPT_STRING, .letter = 'f', OPT_TO(struct format_flags, format) },
	{ 0 },
};

static void put_time(struct json_object *o, const char *key, uint64_t unix_ms)
{
	char text[32];

	format_time(unix_ms, text);
	json_put_string(o, key, text);
}

/* The last process that the kernel killed for want of memory. */
static struct json_object *oom_part(const struct state_oom *oom)
{
	struct json_object *o = json_object_new_object();
	bool known = oom->limit_bytes && oom->limit_bytes != UINT64_MAX;

	json_put_u64(o, "Kills", oom->kills);
	json_put_string(o, "Process", oom->process ? oom->process : "unknown");
	json_put_i64(o, "Pid", oom->pid);
	json_put_string(o, "Cgroup", oom->cgroup ? oom->cgroup : "unknown");
	json_put_string(o, "LimitCgroup", oom->limit_cgroup ? oom->limit_cgroup : "unknown");
	json_object_object_add(o, "LimitBytes",
			       known ? json_object_new_uint64(oom->limit_bytes) : NULL);
	return o;
}

/* Named as docker and podman name them. */
static struct json_object *state_part(const struct state *s)
{
	struct json_object *o = json_object_new_object();
	bool alive = s->status == STATUS_RUNNING || s->status == STATUS_PAUSED;

	json_put_string(o, "Status", status_name(s->status));
	json_put_bool(o, "Running", alive);
	json_put_bool(o, "Paused", s->status == STATUS_PAUSED);
	json_put_bool(o, "OOMKilled", s->oom_killed);
	json_object_object_add(o, "OOM", s->oom.kills ? oom_part(&s->oom) : NULL);
	json_put_i64(o, "Pid", s->status == STATUS_STOPPED ? 0 : s->pid);
	/* Nobody was there to see the end of one whose ctr was killed. */
	json_put_i64(o, "ExitCode", s->exit_known ? s->exit_code : alive ? 0 : -1);
	put_time(o, "StartedAt", s->started_unix_ms);
	put_time(o, "FinishedAt", s->finished_unix_ms);
	return o;
}

static struct json_object *stages_part(const struct state *s)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < s->stage_count; i++) {
		struct json_object *o = json_object_new_object();

		json_put_string(o, "Stage", s->stages[i].name);
		json_put_u64(o, "Nanoseconds", s->stages[i].ns);
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *args_part(const struct spec *spec)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 1; i < spec->process.args.count; i++)
		json_object_array_add(list, json_object_new_string(spec->process.args.items[i]));
	return list;
}

/* Exec sessions that run. */
static struct json_object *sessions_part(const struct container *c)
{
	CLEAN(sessions) struct sessions list = { 0 };
	struct json_object *o = json_object_new_array();
	struct err ignored;

	(void)!session_list(c, &list, &ignored);
	for (size_t i = 0; i < list.count; i++)
		json_object_array_add(o, json_object_new_string(list.items[i].id));
	return o;
}

static struct json_object *document(const struct container *c)
{
	const struct state *s = &c->state;
	CLEAN(spec) struct spec spec = { 0 };
	struct json_object *o = json_object_new_object(), *state, *health;
	struct err ignored;
	/* One that is being created may not have its configuration yet. */
	bool has_spec = container_spec(c, &spec, &ignored) >= 0;

	json_put_string(o, "Id", s->id ? s->id : "");
	json_put_string(o, "Name", s->name);
	put_time(o, "Created", s->created_unix_ms);
	json_put_string(o, "Path", spec.process.args.count ? spec.process.args.items[0] : "");
	json_object_object_add(o, "Args", args_part(&spec));
	state = state_part(s);
	health = health_read(c->dir);
	if (health)
		json_object_object_add(state, "Health", health);
	json_object_object_add(o, "State", state);
	json_put_string(o, "Source", s->rootfs ? s->rootfs : "");
	json_put_string(o, "Bundle", s->bundle ? s->bundle : "");
	json_put_string(o, "CgroupPath", s->cgroup ? s->cgroup : "");
	json_put_string(o, "SystemdUnit", s->unit ? s->unit : "");
	json_put_bool(o, "AutoRemove", s->auto_remove);
	json_put_bool(o, "Tty", s->terminal);
	json_put_i64(o, "MonitorPid", s->status == STATUS_STOPPED ? 0 : s->monitor_pid);
	json_put_string(o, "RestartPolicy", s->restart_policy ? s->restart_policy : "no");
	json_put_i64(o, "RestartCount", s->restart_count);
	json_put_string(o, "LogDriver", s->log_driver ? s->log_driver : "none");
	json_put_string(o, "LogPath", s->log_path ? s->log_path : "");
	json_object_object_add(o, "ExecIDs", sessions_part(c));
	json_object_object_add(o, "Annotations", json_from_map(&s->annotations));
	json_object_object_add(o, "Stages", stages_part(s));
	json_object_object_add(o, "Spec", has_spec ? spec_to_json(&spec) : NULL);
	return o;
}

int verb_inspect(struct call *call)
{
	CLEAN(json) struct json_object *list = json_object_new_array();
	const struct format_flags *f = call->flags;
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	CLEAN(fd) int root = call_root(call, &err);
	int status = 0, r;

	if (root < 0)
		return call_fail(call, &err);
	for (int i = 0; i < call->count; i++) {
		CLEAN(container) struct container c = CONTAINER_INIT;

		if (container_open(root, call->args[i], &c, &err) < 0) {
			status = call_fail(call, &err);
			continue;
		}
		container_note_end(&c);
		container_note_oom(&c);
		json_object_array_add(list, document(&c));
	}
	r = format_list(f->format, list, &out, &err);
	if (r < 0)
		return call_fail(call, &err);
	r = call_print(call, out.text, out.len);
	return r ? r : status;
}

static int one_state(struct call *call, struct container *c, struct err *err)
{
	CLEAN(json) struct json_object *o = NULL;
	CLEAN(str) struct str out = { 0 };

	container_note_end(c);
	o = state_to_oci_json(&c->state);
	format_json(o, &out);
	if (call_print(call, out.text, out.len) != 0)
		return err_set(err, EIO, "the state could not be written");
	return 0;
}

int verb_state(struct call *call)
{
	return call_each(call, one_state, false);
}
