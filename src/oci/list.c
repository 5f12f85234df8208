/* state, list */
#include "oci/oci.h"

#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

const struct opt_row oci_list_rows[] = {
	{ "format", "FORMAT", "table (default) or json", "table json", .kind = OPT_STRING,
	  .letter = 'f', OPT_TO(struct oci_list_flags, format) },
	{ "quiet", NULL, "Ids only", .kind = OPT_FLAG, .letter = 'q',
	  OPT_TO(struct oci_list_flags, quiet) },
	{ 0 },
};

void oci_put_json(struct str *out, struct json_object *o, bool pretty)
{
	int flags = pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED :
			     JSON_C_TO_STRING_PLAIN;

	str_printf(out, "%s\n",
		   json_object_to_json_string_ext(o, flags | JSON_C_TO_STRING_NOSLASHESCAPE));
}

int oci_verb_state(struct call *call)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(json) struct json_object *o = NULL;
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	int r = oci_open(call, &c, &err);

	if (r < 0)
		return call_fail(call, &err);
	container_note_end(&c);
	o = state_to_oci_json(&c.state);
	oci_put_json(&out, o, true);
	return call_print(call, out.text, out.len);
}

static void table_row(struct str *out, struct json_object *o)
{
	static const char *const keys[] = { "id", "pid", "status", "bundle", "created" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct json_object *value = json_object_object_get(o, keys[i]);

		str_printf(out, i ? " %-11s" : "%-20s", value ? json_object_get_string(value) : "");
	}
	str_add(out, "\n");
}

static void one(struct str *out, const struct oci_list_flags *f, const struct container *c,
		struct json_object *all)
{
	struct json_object *o;

	if (f->quiet) {
		str_printf(out, "%s\n", c->state.name);
		return;
	}
	o = state_to_oci_json(&c->state);
	if (!all)
		table_row(out, o);
	if (!all || json_object_array_add(all, o) < 0)
		json_object_put(o);
}

int oci_verb_list(struct call *call)
{
	const struct oci_list_flags *f = call->flags;
	CLEAN(json)
	struct json_object *all = str_eq(f->format, "json") ? json_object_new_array() : NULL;
	CLEAN(strv) struct strv names = { 0 };
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	CLEAN(fd) int root = state_root_open(call->root, &err);
	int r = root;

	if (r >= 0 && f->format && !all && !str_eq(f->format, "table"))
		r = err_set(&err, EINVAL, "--format: \"%s\" is neither table nor json", f->format);
	if (r >= 0)
		r = state_list(root, &names, &err);
	if (r < 0)
		return call_fail(call, &err);
	if (!f->quiet && !all)
		str_printf(&out, "%-20s %-11s %-11s %-11s %s\n", "ID", "PID", "STATUS", "BUNDLE",
			   "CREATED");
	for (size_t i = 0; i < names.count; i++) {
		CLEAN(container) struct container c = CONTAINER_INIT;

		/* Removed since we looked. */
		if (container_open(root, names.items[i], &c, &err) == 0) {
			container_note_end(&c);
			one(&out, f, &c, all);
		}
	}
	if (all && !f->quiet)
		oci_put_json(&out, all, false);
	return call_print(call, out.text, out.len);
}
