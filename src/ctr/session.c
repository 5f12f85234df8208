/* ctr session ls, inspect, kill: what `exec` started and what runs on. */
#include "ctr/verbs.h"

#include "base/json.h"
#include "ctr/format.h"
#include "ctr/signals.h"
#include "runtime/session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define COMMAND_SHOWN 40

const struct opt_row session_ls_rows[] = {
	{ "quiet", NULL, "Show ids only", .kind = OPT_FLAG, .letter = 'q',
	  OPT_TO(struct session_flags, quiet) },
	{ "no-trunc", NULL, "Show commands as a whole", .kind = OPT_FLAG,
	  OPT_TO(struct session_flags, no_trunc) },
	{ "noheading", NULL, "Leave the line of headings out", .kind = OPT_FLAG,
	  OPT_TO(struct session_flags, no_heading) },
	{ "format", "FORMAT", "json, or a template; the fields are those of `session inspect`",
	  "json", .kind = OPT_STRING, OPT_TO(struct session_flags, format) },
	{ 0 },
};

const struct opt_row session_kill_rows[] = {
	{ "signal", "SIGNAL",
	  "Send this to its first process; without it, all its processes are ended by SIGKILL",
	  "@signal", .kind = OPT_STRING, .letter = 's', OPT_TO(struct session_flags, signal) },
	{ "all", NULL, "Send the signal to each of its processes", .kind = OPT_FLAG, .letter = 'a',
	  OPT_TO(struct session_flags, all) },
	{ 0 },
};

/* ---- one of them ------------------------------------------------------------------------- */

/* Docker's names for what docker has. */
static struct json_object *process_config(const struct session *s)
{
	struct json_object *o = json_object_new_object(), *args = json_object_new_array();

	json_put_bool(o, "tty", s->terminal);
	json_put_string(o, "entrypoint", s->args.count ? s->args.items[0] : "");
	for (size_t i = 1; i < s->args.count; i++)
		json_object_array_add(args, json_object_new_string(s->args.items[i]));
	json_object_object_add(o, "arguments", args);
	json_put_bool(o, "privileged", s->privileged);
	json_put_string(o, "user", s->user ? s->user : "");
	return o;
}

static struct json_object *pids_of(struct container *c, const struct session *s)
{
	struct json_object *list = json_object_new_array();
	CLEAN(free) pid_t *pids = NULL;
	struct err ignored;
	size_t count = 0;

	if (session_pids(c, s, &pids, &count, &ignored) < 0)
		count = 0;
	for (size_t i = 0; i < count; i++)
		json_object_array_add(list, json_object_new_int(pids[i]));
	return list;
}

static struct json_object *document(struct container *c, const struct session *s)
{
	struct json_object *o = json_object_new_object();
	char created[32];

	format_time(s->created_unix_ms, created);
	json_put_string(o, "ID", s->id);
	json_put_string(o, "ContainerID", c->state.id ? c->state.id : "");
	json_put_string(o, "ContainerName", c->state.name);
	json_put_string(o, "Created", created);
	json_put_bool(o, "Running", !s->ended);
	json_object_object_add(o, "ExitCode", s->ended ? json_object_new_int(s->exit_code) : NULL);
	json_put_i64(o, "Pid", s->ended ? 0 : s->pid);
	json_object_object_add(o, "Pids", pids_of(c, s));
	json_put_bool(o, "Keep", s->keep);
	json_put_i64(o, "ClientPid", s->client);
	json_put_bool(o, "OpenStdin", s->interactive);
	json_object_object_add(o, "ProcessConfig", process_config(s));
	return o;
}

/* ---- all of them ------------------------------------------------------------------------- */

typedef int (*session_fn)(struct container *c, const struct session *s, void *arg, struct err *err);

/* Those of one container, the oldest first. */
static int sessions_of(int root, const char *name, session_fn fn, void *arg, struct err *err)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(sessions) struct sessions list = { 0 };
	int r = container_open(root, name, &c, err);

	if (r < 0)
		return r;
	session_sweep(&c);
	r = session_list(&c, &list, err);
	for (size_t i = 0; i < list.count && r >= 0; i++)
		r = fn(&c, &list.items[i], arg, err);
	return r < 0 ? r : 0;
}

/* A container that goes at this moment has none. */
static int sessions_of_all(int root, session_fn fn, void *arg, struct err *err)
{
	CLEAN(strv) struct strv names = { 0 };
	int r = state_list(root, &names, err);

	for (size_t i = 0; i < names.count && r >= 0; i++) {
		r = sessions_of(root, names.items[i], fn, arg, err);
		r = r == -ENOENT ? 0 : r;
	}
	return r;
}

struct listing {
	const struct session_flags *flags;
	struct json_object *list;
	struct table table;
	struct str ids;
};

static void put_args(const struct session *s, bool whole, struct str *out)
{
	CLEAN(str) struct str text = { 0 };

	for (size_t i = 0; i < s->args.count; i++)
		str_printf(&text, "%s%s", i ? " " : "", s->args.items[i]);
	if (!whole && text.len > COMMAND_SHOWN) {
		text.text[COMMAND_SHOWN - 3] = '\0';
		str_printf(out, "%s...", text.text);
	} else if (text.len) {
		str_add(out, text.text);
	}
}

static int add_row(struct container *c, const struct session *s, void *arg, struct err *err)
{
	struct listing *l = arg;
	CLEAN(str) struct str age = { 0 }, command = { 0 };

	(void)err;
	if (l->flags->format)
		json_object_array_add(l->list, document(c, s));
	str_printf(&l->ids, "%s\n", s->id);
	format_duration((format_now_ms() - s->created_unix_ms) / 1000, &age);
	put_args(s, l->flags->no_trunc, &command);
	strv_add(&l->table.cells, s->id);
	strv_add(&l->table.cells, c->state.name);
	strv_printf(&l->table.cells, "%d", (int)(s->ended ? 0 : s->pid));
	strv_add(&l->table.cells, s->user ? s->user : "");
	if (s->ended)
		strv_printf(&l->table.cells, "Exited (%d), its children run", s->exit_code);
	else
		strv_printf(&l->table.cells, "Up %s", age.text);
	strv_add(&l->table.cells, command.text ? command.text : "");
	return 0;
}

int verb_session_ls(struct call *call)
{
	static const char *const heads[] = { "SESSION ID", "CONTAINER", "PID",
					     "USER",       "STATUS",    "COMMAND" };
	CLEAN(json) struct json_object *list = json_object_new_array();
	struct listing l = { .flags = call->flags,
			     .list = list,
			     .table.columns = ARRAY_LEN(heads) };
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	CLEAN(fd) int root = call_root(call, &err);
	int r = root;

	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		strv_add(&l.table.cells, heads[i]);
	if (r >= 0 && !call->count)
		r = sessions_of_all(root, add_row, &l, &err);
	for (int i = 0; i < call->count && r >= 0; i++)
		r = sessions_of(root, call->args[i], add_row, &l, &err);
	if (r >= 0 && l.flags->format)
		r = format_list(l.flags->format, list, &out, &err);
	else if (l.flags->quiet)
		str_add(&out, l.ids.text ? l.ids.text : "");
	else
		table_print(&l.table, !l.flags->no_heading, &out);
	str_free(&l.ids);
	strv_free(&l.table.cells);
	if (r < 0)
		return call_fail(call, &err);
	return out.len ? call_print(call, out.text, out.len) : 0;
}

/* ---- by id, or the start of one ---------------------------------------------------------- */

struct search {
	const char *id;
	session_fn fn;
	void *arg;
	size_t found;
	char *container; /* the last one in which one was found */
};

static int count(struct container *c, const struct session *s, void *arg, struct err *err)
{
	struct search *search = arg;

	(void)err;
	if (!str_starts(s->id, search->id))
		return 0;
	search->found++;
	free(search->container);
	search->container = xstrdup(c->state.name);
	return 0;
}

static int act(struct container *c, const struct session *s, void *arg, struct err *err)
{
	struct search *search = arg;

	if (!str_starts(s->id, search->id))
		return 0;
	search->found++;
	return search->fn(c, s, search->arg, err);
}

/* Not done before it is known that there is one alone; which may be gone by then. */
static int on_session(int root, const char *id, session_fn fn, void *arg, struct err *err)
{
	struct search search = { .id = id, .fn = fn, .arg = arg };
	int r = *id ? sessions_of_all(root, count, &search, err) : 0;

	if (r >= 0 && search.found > 1)
		r = err_set(err, EINVAL, "\"%s\" begins the ids of %zu exec sessions", id,
			    search.found);
	search.found = 0;
	if (r >= 0 && search.container)
		r = sessions_of(root, search.container, act, &search, err);
	if (r >= 0 && !search.found)
		r = err_set(err, ENOENT, "there is no exec session \"%s\"", id);
	free(search.container);
	return r;
}

static int add_document(struct container *c, const struct session *s, void *arg, struct err *err)
{
	(void)err;
	json_object_array_add(arg, document(c, s));
	return 0;
}

int verb_session_inspect(struct call *call)
{
	CLEAN(json) struct json_object *list = json_object_new_array();
	const struct format_flags *f = call->flags;
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	CLEAN(fd) int root = call_root(call, &err);
	int status = root < 0 ? call_fail(call, &err) : 0, r;

	for (int i = 0; i < call->count && root >= 0; i++)
		if (on_session(root, call->args[i], add_document, list, &err) < 0)
			status = call_fail(call, &err);
	r = format_list(f->format, list, &out, &err);
	if (r < 0)
		return call_fail(call, &err);
	r = call_print(call, out.text, out.len);
	return r ? r : status;
}

static int kill_one(struct container *c, const struct session *s, void *arg, struct err *err)
{
	const struct session_flags *f = arg;
	int signal = signal_of("signal", f->signal, SIGKILL, err), r;

	if (signal < 0)
		return signal;
	if (f->signal)
		return session_signal(c, s, signal, f->all, err);
	r = session_end(c, s, err);
	if (r == 0)
		session_sweep(c);
	return r;
}

int verb_session_kill(struct call *call)
{
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	CLEAN(fd) int root = call_root(call, &err);
	int status = root < 0 ? call_fail(call, &err) : 0, r;

	for (int i = 0; i < call->count && root >= 0; i++) {
		if (on_session(root, call->args[i], kill_one, call->flags, &err) < 0)
			status = call_fail(call, &err);
		else
			str_printf(&out, "%s\n", call->args[i]);
	}
	r = out.len ? call_print(call, out.text, out.len) : 0;
	return r ? r : status;
}
