/* ctr ps */
#include "ctr/verbs.h"

#include "base/json.h"
#include "ctr/format.h"
#include "monitor/health.h"

#include <errno.h>
#include <string.h>

#define COMMAND_MAX 24

const struct opt_row ps_rows[] = {
	{ "all", NULL, "Show those that don't run too", .kind = OPT_FLAG, .letter = 'a',
	  OPT_TO(struct ps_flags, all) },
	{ "quiet", NULL, "Show ids only", .kind = OPT_FLAG, .letter = 'q',
	  OPT_TO(struct ps_flags, quiet) },
	{ "filter", "KEY=VALUE",
	  "Only those whose name contains VALUE (name=), whose id begins with it "
	  "(id=), that are in that state (status=), or whose health check says that (health=)",
	  "name= id= status=created status=running status=paused status=stopped "
	  "health=starting health=healthy health=unhealthy health=none",
	  .kind = OPT_LIST, .letter = 'f', OPT_TO(struct ps_flags, filter) },
	{ "format", "FORMAT",
	  "json, or a template: '{{.Name}} {{.State}}'; fields ID Name Source Command "
	  "CreatedAt Created State Status Pid ExitCode",
	  "json", .kind = OPT_STRING, OPT_TO(struct ps_flags, format) },
	{ "no-trunc", NULL, "Don't shorten ids and commands", .kind = OPT_FLAG,
	  OPT_TO(struct ps_flags, no_trunc) },
	{ "noheading", NULL, "Leave the line of headings out", .kind = OPT_FLAG,
	  OPT_TO(struct ps_flags, no_heading) },
	{ 0 },
};

/* The default columns: fields of a row. */
static const struct {
	const char *heading, *field;
} columns[] = {
	{ "CONTAINER ID", "ID" }, { "NAME", "Name" },       { "SOURCE", "Source" },
	{ "COMMAND", "Command" }, { "CREATED", "Created" }, { "STATE", "State" },
	{ "STATUS", "Status" },   { "PID", "Pid" },
};

/* ---- one row ----------------------------------------------------------------------- */

static void put_ago(struct json_object *row, const char *key, uint64_t now, uint64_t then)
{
	CLEAN(str) struct str text = { 0 };

	if (then) {
		format_duration(now > then ? (now - then) / 1000 : 0, &text);
		str_add(&text, " ago");
	}
	json_put_string(row, key, text.text ? text.text : "");
}

/* What its health check says; "none" for one without or that doesn't run. The caller's to free. */
static char *health_of(const struct container *c)
{
	CLEAN(json) struct json_object *doc = NULL;
	struct json_object *status;

	/* It is the monitor that checks. */
	if (c->state.status == STATUS_RUNNING && c->state.monitor_pid)
		doc = health_read(c->dir);
	json_object_object_get_ex(doc, "Status", &status);
	return xstrdup(status ? json_object_get_string(status) : "none");
}

static void put_up(const struct state *s, const char *health, uint64_t now, struct str *text)
{
	uint64_t since = s->started_unix_ms ? s->started_unix_ms : s->created_unix_ms;

	str_add(text, "Up ");
	format_duration(now > since ? (now - since) / 1000 : 0, text);
	if (s->status == STATUS_PAUSED)
		str_add(text, " (Paused)");
	else if (!str_eq(health, "none"))
		str_printf(text, str_eq(health, "starting") ? " (health: %s)" : " (%s)", health);
}

static void put_status(struct json_object *row, const struct state *s, const char *health,
		       uint64_t now)
{
	CLEAN(str) struct str text = { 0 };

	switch (s->status) {
	case STATUS_CREATING:
		str_add(&text, "Being created");
		break;
	case STATUS_CREATED:
		str_add(&text, "Created");
		break;
	case STATUS_RUNNING:
	case STATUS_PAUSED:
		put_up(s, health, now, &text);
		break;
	case STATUS_STOPPED:
		if (s->exit_known)
			str_printf(&text, "Exited (%d)", s->exit_code);
		else
			str_add(&text, "Exited");
		if (s->finished_unix_ms) {
			str_add(&text, " ");
			format_duration((now - s->finished_unix_ms) / 1000, &text);
			str_add(&text, " ago");
		}
		break;
	}
	json_put_string(row, "Status", text.text);
}

static void put_command(struct json_object *row, const struct container *c, bool whole)
{
	CLEAN(spec) struct spec spec = { 0 };
	CLEAN(str) struct str text = { 0 };
	struct err ignored;

	str_add(&text, "");
	/* One that is being created may not have it yet. */
	if (container_spec(c, &spec, &ignored) >= 0)
		for (size_t i = 0; i < spec.process.args.count; i++)
			str_printf(&text, "%s%s", i ? " " : "", spec.process.args.items[i]);
	if (!whole && text.len > COMMAND_MAX)
		memcpy(text.text + COMMAND_MAX - 3, "...", sizeof("..."));
	json_put_string(row, "Command", text.text);
}

static struct json_object *row_make(const struct container *c, const char *health,
				    const struct ps_flags *f)
{
	const struct state *s = &c->state;
	struct json_object *row = json_object_new_object();
	uint64_t now = format_now_ms();
	/* One whose maker was killed before it wrote the id down goes by its name. */
	CLEAN(free) char *id = xstrdup(s->id ? s->id : s->name);
	char created[32];

	if (!f->no_trunc && s->id && strlen(id) > 12)
		id[12] = '\0';
	format_time(s->created_unix_ms, created);
	json_put_string(row, "ID", id);
	json_put_string(row, "Name", s->name);
	json_put_string(row, "Names", s->name);
	json_put_string(row, "Source", s->rootfs ? s->rootfs : "");
	json_put_string(row, "Image", s->rootfs ? s->rootfs : "");
	put_command(row, c, f->no_trunc);
	json_put_string(row, "CreatedAt", created);
	put_ago(row, "Created", now, s->created_unix_ms);
	json_put_string(row, "State", status_name(s->status));
	put_status(row, s, health, now);
	json_put_i64(row, "Pid", s->status == STATUS_STOPPED ? 0 : s->pid);
	json_put_i64(row, "ExitCode", s->exit_known ? s->exit_code : 0);
	return row;
}

/* ---- which ------------------------------------------------------------------------- */

static bool by_name(const struct state *s, const char *health, const char *value)
{
	(void)health;
	return strstr(s->name, value) != NULL;
}

static bool by_id(const struct state *s, const char *health, const char *value)
{
	(void)health;
	return s->id && str_starts(s->id, value);
}

static bool by_status(const struct state *s, const char *health, const char *value)
{
	(void)health;
	/* docker's word for what the standard calls stopped */
	return str_eq(value, status_name(s->status)) ||
	       (str_eq(value, "exited") && s->status == STATUS_STOPPED);
}

static bool by_health(const struct state *s, const char *health, const char *value)
{
	(void)s;
	return str_eq(value, health);
}

static const char *const states[] = { "creating", "created", "running", "paused",
				      "stopped",  "exited",  NULL };
static const char *const healths[] = { "starting", "healthy", "unhealthy", "none", NULL };

static const struct filter {
	const char *key;
	bool (*matches)(const struct state *s, const char *health, const char *value);
	const char *const *values; /* which there are; NULL: any text */
} filters[] = {
	{ "name=", by_name, NULL },
	{ "id=", by_id, NULL },
	{ "status=", by_status, states },
	{ "health=", by_health, healths },
};

static int value_check(const struct filter *row, const char *said, struct err *err)
{
	CLEAN(str) struct str words = { 0 };

	for (const char *const *v = row->values; v && *v; v++) {
		if (str_eq(*v, said + strlen(row->key)))
			return 0;
		str_printf(&words, "%s%s", words.len ? ", " : "", *v);
	}
	return row->values ? err_set(err, EINVAL, "--filter: \"%s\": %s is one of %s", said,
				     row->key, words.text) :
			     0;
}

static int filter_check(const struct strv *said, struct err *err)
{
	for (size_t i = 0; i < said->count; i++) {
		size_t k = 0;
		int r;

		while (k < ARRAY_LEN(filters) && !str_starts(said->items[i], filters[k].key))
			k++;
		if (k == ARRAY_LEN(filters))
			return err_set(err, EINVAL,
				       "--filter: \"%s\" is not name=, id=, status= or health=",
				       said->items[i]);
		r = value_check(&filters[k], said->items[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Values of one key are alternatives; keys restrict each other: as docker has it. */
static bool passes(const struct filter *row, const struct strv *said, const struct state *s,
		   const char *health)
{
	bool asked = false;

	for (size_t i = 0; i < said->count; i++) {
		if (!str_starts(said->items[i], row->key))
			continue;
		asked = true;
		if (row->matches(s, health, said->items[i] + strlen(row->key)))
			return true;
	}
	return !asked;
}

static bool wanted(const struct ps_flags *f, const struct state *s, const char *health)
{
	bool all = f->all || s->status == STATUS_RUNNING || s->status == STATUS_PAUSED;

	for (size_t i = 0; i < f->filter.count; i++)
		all |= str_starts(f->filter.items[i], "status=");
	for (size_t i = 0; i < ARRAY_LEN(filters) && all; i++)
		all = passes(&filters[i], &f->filter, s, health);
	return all;
}

static void look(struct container *c, const struct ps_flags *f, struct json_object *rows)
{
	CLEAN(free) char *health = NULL;

	container_note_end(c);
	health = health_of(c);
	if (wanted(f, &c->state, health))
		json_object_array_add(rows, row_make(c, health, f));
}

static int collect(struct call *call, int root, struct json_object *rows, struct err *err)
{
	const struct ps_flags *f = call->flags;
	CLEAN(strv) struct strv names = { 0 };
	int r = state_list(root, &names, err);

	for (size_t i = 0; i < names.count && r >= 0; i++) {
		CLEAN(container) struct container c = CONTAINER_INIT;
		struct err one = { 0 };

		/* It may be gone by now; an unreadable one must not hide the others. */
		r = container_open(root, names.items[i], &c, &one);
		if (r >= 0)
			look(&c, f, rows);
		else if (r != -ENOENT)
			strv_add(&call->warnings, one.text);
		r = 0;
	}
	return r;
}

/* ---- output ------------------------------------------------------------------------ */

static void print_table(struct json_object *rows, const struct ps_flags *f, struct str *out)
{
	struct table t = { .columns = ARRAY_LEN(columns) };

	for (size_t i = 0; i < t.columns; i++)
		strv_add(&t.cells, columns[i].heading);
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i), *cell;

		for (size_t k = 0; k < t.columns; k++) {
			json_object_object_get_ex(row, columns[k].field, &cell);
			strv_add(&t.cells, json_object_get_string(cell));
		}
	}
	table_print(&t, !f->no_heading, out);
	strv_free(&t.cells);
}

static int print(struct json_object *rows, const struct ps_flags *f, struct str *out,
		 struct err *err)
{
	const char *format = f->format ? f->format : f->quiet ? "{{.ID}}" : NULL;

	if (format)
		return format_list(format, rows, out, err);
	print_table(rows, f, out);
	return 0;
}

int verb_ps(struct call *call)
{
	CLEAN(json) struct json_object *rows = json_object_new_array();
	const struct ps_flags *f = call->flags;
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	CLEAN(fd) int root = -1;
	int r = filter_check(&f->filter, &err);

	if (r >= 0)
		r = root = call_root(call, &err);
	if (r >= 0)
		r = collect(call, root, rows, &err);
	call_warn(call);
	if (r >= 0)
		r = print(rows, f, &out, &err);
	return r < 0 ? call_fail(call, &err) : call_print(call, out.text, out.len);
}
