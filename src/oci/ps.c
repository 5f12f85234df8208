/* ps */
#include "oci/oci.h"

#include "base/json.h"
#include "cli/ps_table.h"

#include <errno.h>

const struct opt_row oci_ps_rows[] = {
	{ "format", "FORMAT", "table (default), by ps(1) and its options, or json: the pids",
	  "table json", .kind = OPT_STRING, .letter = 'f', OPT_TO(struct oci_ps_flags, format) },
	{ 0 },
};

/* A bare array: what containerd's shim takes. */
static int print_json(const struct call *call, const pid_t *pids, size_t count)
{
	CLEAN(json) struct json_object *list = json_object_new_array();
	CLEAN(str) struct str out = { 0 };

	for (size_t i = 0; i < count; i++)
		json_object_array_add(list, json_object_new_int(pids[i]));
	str_printf(&out, "%s\n", json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN));
	return call_print(call, out.text, out.len);
}

static int print_table(const struct call *call, const pid_t *pids, size_t count, struct err *err)
{
	CLEAN(str) struct str out = { 0 };
	int r = ps_table(call->args + 1, pids, count, &out, err);

	return r < 0 ? r : call_print(call, out.text, out.len);
}

int oci_verb_ps(struct call *call)
{
	const struct oci_ps_flags *f = call->flags;
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(free) pid_t *pids = NULL;
	size_t count = 0;
	struct err err = { 0 };
	int r = oci_open(call, &c, &err);

	if (r == 0 && f->format && !str_eq(f->format, "json") && !str_eq(f->format, "table"))
		r = err_set(&err, EINVAL, "--format: \"%s\" is neither table nor json", f->format);
	if (r == 0)
		r = container_pids(&c, &pids, &count, &err);
	if (r == 0)
		r = str_eq(f->format, "json") ? print_json(call, pids, count) :
						print_table(call, pids, count, &err);
	return r < 0 ? call_fail(call, &err) : r;
}
