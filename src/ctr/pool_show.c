/* ctr pool ls, ctr pool inspect */
#include "ctr/verbs.h"

#include "base/json.h"
#include "cgroups/pool.h"
#include "ctr/format.h"

#include <errno.h>
#include <string.h>

const struct opt_row pool_ls_rows[] = {
	{ "quiet", NULL, "Show names only", .kind = OPT_FLAG, .letter = 'q',
	  OPT_TO(struct ps_flags, quiet) },
	{ "format", "FORMAT",
	  "json, or a template; fields Name Path Uid Gid Limits Controllers Members "
	  "Processes Stats",
	  "json", .kind = OPT_STRING, OPT_TO(struct ps_flags, format) },
	{ "noheading", NULL, "Leave the line of headings out", .kind = OPT_FLAG,
	  OPT_TO(struct ps_flags, no_heading) },
	{ 0 },
};

/* "KEY=VALUE" lists as an object. */
static struct json_object *object_of(const struct strv *assignments)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < assignments->count; i++) {
		const char *text = assignments->items[i], *eq = strchr(text, '=');
		CLEAN(free) char *key = xstrndup(text, eq ? (size_t)(eq - text) : strlen(text));

		json_put_string(o, key, eq ? eq + 1 : "");
	}
	return o;
}

static struct json_object *list_of(const struct strv *v)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < v->count; i++)
		json_object_array_add(list, json_object_new_string(v->items[i]));
	return list;
}

static struct json_object *pool_json(const struct pool *p)
{
	struct json_object *o = json_object_new_object();

	json_put_string(o, "Name", p->name);
	json_put_string(o, "Path", p->path);
	json_put_u64(o, "Uid", p->uid);
	json_put_u64(o, "Gid", p->gid);
	json_object_object_add(o, "Limits", object_of(&p->limits));
	json_object_object_add(o, "Controllers", list_of(&p->controllers));
	json_object_object_add(o, "Members", list_of(&p->members));
	json_put_u64(o, "Processes", p->processes);
	json_object_object_add(o, "Stats", object_of(&p->stats));
	return o;
}

int verb_pool_inspect(struct call *call)
{
	CLEAN(json) struct json_object *list = json_object_new_array();
	const struct format_flags *f = call->flags;
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	int status = 0, r;

	for (int i = 0; i < call->count; i++) {
		CLEAN(pool) struct pool p = { 0 };

		if (pool_inspect(call->args[i], &p, &err) < 0)
			status = call_fail(call, &err);
		else
			json_object_array_add(list, pool_json(&p));
	}
	r = format_list(f->format, list, &out, &err);
	if (r < 0)
		return call_fail(call, &err);
	r = call_print(call, out.text, out.len);
	return r ? r : status;
}

/* ---- ls ---------------------------------------------------------------------------- */

static void row_add(struct table *t, const struct pool *p)
{
	CLEAN(str) struct str limits = { 0 };

	str_add(&limits, "");
	for (size_t i = 0; i < p->limits.count; i++)
		str_printf(&limits, "%s%s", i ? ", " : "", p->limits.items[i]);
	strv_add(&t->cells, p->name);
	strv_printf(&t->cells, "%u:%u", p->uid, p->gid);
	strv_printf(&t->cells, "%zu", p->members.count);
	strv_printf(&t->cells, "%llu", (unsigned long long)p->processes);
	strv_add(&t->cells, limits.text);
}

/* Look each pool up; a pool that was removed meanwhile is none. */
static int pools_read(const struct strv *names, struct json_object *list, struct table *t,
		      struct err *err)
{
	for (size_t i = 0; i < names->count; i++) {
		CLEAN(pool) struct pool p = { 0 };
		int r = pool_inspect(names->items[i], &p, err);

		if (r < 0 && r != -ENOENT)
			return r;
		if (r < 0)
			continue;
		json_object_array_add(list, pool_json(&p));
		row_add(t, &p);
	}
	return 0;
}

static int pools_print(const struct ps_flags *f, struct json_object *list, const struct table *t,
		       struct str *out, struct err *err)
{
	if (f->format)
		return format_list(f->format, list, out, err);
	table_print(t, !f->no_heading, out);
	return 0;
}

int verb_pool_ls(struct call *call)
{
	static const char *const headings[] = { "NAME", "OWNER", "MEMBERS", "PROCESSES", "LIMITS" };
	CLEAN(json) struct json_object *list = json_object_new_array();
	struct table t = { .columns = ARRAY_LEN(headings) };
	const struct ps_flags *f = call->flags;
	CLEAN(strv) struct strv names = { 0 };
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	int r = pool_list(&names, &err);

	for (size_t i = 0; i < ARRAY_LEN(headings); i++)
		strv_add(&t.cells, headings[i]);
	if (r >= 0 && f->quiet && !f->format) {
		for (size_t i = 0; i < names.count; i++)
			str_printf(&out, "%s\n", names.items[i]);
	} else if (r >= 0) {
		r = pools_read(&names, list, &t, &err);
		if (r >= 0)
			r = pools_print(f, list, &t, &out, &err);
	}
	strv_free(&t.cells);
	return r < 0 ? call_fail(call, &err) : call_print(call, out.text, out.len);
}
