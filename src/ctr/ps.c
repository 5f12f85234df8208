/* ctr ps */
#include "ctr/verbs.h"

#include "base/json.h"
#include "ctr/format.h"

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
	  "(id=), or that are in that state (status=)",
	  "name= id= status=created status=running "
	  "status=paused status=stopped",
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

static void put_status(struct json_object *row, const struct state *s, uint64_t now)
{
	CLEAN(str) struct str text = { 0 };
	uint64_t since = s->started_unix_ms ? s->started_unix_ms : s->created_unix_ms;

	switch (s->status) {
	case STATUS_CREATING:
		str_add(&text, "Being created");
		break;
	case STATUS_CREATED:
		str_add(&text, "Created");
		break;
	case STATUS_RUNNING:
	case STATUS_PAUSED:
		str_add(&text, "Up ");
		format_duration(now > since ? (now - since) / 1000 : 0, &text);
		str_add(&text, s->status == STATUS_PAUSED ? " (Paused)" : "");
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

static struct json_object *row_make(const struct container *c, const struct ps_flags *f)
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
	put_status(row, s, now);
	json_put_i64(row, "Pid", s->status == STATUS_STOPPED ? 0 : s->pid);
	json_put_i64(row, "ExitCode", s->exit_known ? s->exit_code : 0);
	return row;
}

/* ---- which ------------------------------------------------------------------------- */

static int filter_check(const struct strv *filters, struct err *err)
{
	static const char *const keys[] = { "name=", "id=", "status=" };

	for (size_t i = 0; i < filters->count; i++) {
		bool known = false;

		for (size_t k = 0; k < ARRAY_LEN(keys); k++)
			known |= str_starts(filters->items[i], keys[k]);
		if (!known)
			return err_set(err, EINVAL, "--filter: \"%s\" is not name=, id= or status=",
				       filters->items[i]);
	}
	return 0;
}

static bool status_is(const struct state *s, const char *word)
{
	/* docker's word for what the standard calls stopped */
	return str_eq(word, status_name(s->status)) ||
	       (str_eq(word, "exited") && s->status == STATUS_STOPPED);
}

/* Values of one key are alternatives; keys restrict each other: as docker has it. */
static bool filter_key(const struct strv *filters, const char *key, const struct state *s)
{
	bool said = false;

	for (size_t i = 0; i < filters->count; i++) {
		const char *value = filters->items[i] + strlen(key);

		if (!str_starts(filters->items[i], key))
			continue;
		said = true;
		if (str_eq(key, "name=") ? strstr(s->name, value) != NULL :
		    str_eq(key, "id=")   ? s->id && str_starts(s->id, value) :
					   status_is(s, value))
			return true;
	}
	return !said;
}

static bool wanted(const struct ps_flags *f, const struct state *s)
{
	bool by_status = false;

	for (size_t i = 0; i < f->filter.count; i++)
		by_status |= str_starts(f->filter.items[i], "status=");
	if (!f->all && !by_status && s->status != STATUS_RUNNING && s->status != STATUS_PAUSED)
		return false;
	return filter_key(&f->filter, "name=", s) && filter_key(&f->filter, "id=", s) &&
	       filter_key(&f->filter, "status=", s);
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
			container_note_end(&c);
		if (r < 0 && r != -ENOENT)
			strv_add(&call->warnings, one.text);
		else if (r >= 0 && wanted(f, &c.state))
			json_object_array_add(rows, row_make(&c, f));
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
