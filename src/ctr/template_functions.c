/* The functions: Go's own, and those that docker and podman add. */
#include "ctr/template.h"

#include "base/json.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define PLAIN (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

bool template_true(struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_boolean:
		return json_object_get_boolean(value);
	case json_type_int:
	case json_type_double:
		return json_object_get_double(value) != 0;
	case json_type_string:
		return json_object_get_string_len(value) > 0;
	case json_type_array:
		return json_object_array_length(value) > 0;
	case json_type_object:
		return json_object_object_length(value) > 0;
	case json_type_null:
		break;
	}
	return false;
}

void template_put(struct json_object *value, struct str *out)
{
	if (!value)
		str_add(out, "<no value>");
	else if (json_object_is_type(value, json_type_string))
		str_add_bytes(out, json_object_get_string(value),
			      (size_t)json_object_get_string_len(value));
	else
		str_add(out, json_object_to_json_string_ext(value, PLAIN));
}

static int give_bool(const struct call_of *c, bool value)
{
	*c->ret = json_object_new_boolean(value);
	return 0;
}

/* ---- of values ------------------------------------------------------------------------ */

static int call_json(const struct call_of *c)
{
	*c->ret = json_object_new_string(
		c->args[0] ? json_object_to_json_string_ext(c->args[0], PLAIN) : "null");
	return 0;
}

static int call_len(const struct call_of *c)
{
	struct json_object *o = c->args[0];
	int64_t len;

	if (json_object_is_type(o, json_type_array))
		len = (int64_t)json_object_array_length(o);
	else if (json_object_is_type(o, json_type_object))
		len = json_object_object_length(o);
	else if (json_object_is_type(o, json_type_string))
		len = json_object_get_string_len(o);
	else
		return template_wants(c, "lists, objects and texts");
	*c->ret = json_object_new_int64(len);
	return 0;
}

/* index VALUE "key" 3 ...: deeper with each. A key that isn't there is nothing. */
static int call_index(const struct call_of *c)
{
	struct json_object *o = c->args[0];

	for (size_t i = 1; i < c->count; i++) {
		struct json_object *by = c->args[i];
		int64_t at = json_object_get_int64(by);

		if (json_object_is_type(by, json_type_string)) {
			struct json_object *in = o;

			o = NULL;
			if (json_object_is_type(in, json_type_object))
				(void)json_object_object_get_ex(in, json_object_get_string(by), &o);
			continue;
		}
		if (!json_object_is_type(o, json_type_array) || at < 0 ||
		    (uint64_t)at >= json_object_array_length(o))
			return err_set(c->err, EINVAL, "--format: index: no element %" PRId64, at);
		o = json_object_array_get_idx(o, (size_t)at);
	}
	*c->ret = json_object_get(o);
	return 0;
}

/* ---- of texts ------------------------------------------------------------------------- */

static int call_join(const struct call_of *c)
{
	CLEAN(str) struct str text = { 0 };

	if (!json_object_is_type(c->args[0], json_type_array))
		return template_wants(c, "lists");
	for (size_t i = 0; i < json_object_array_length(c->args[0]); i++) {
		if (i)
			template_put(c->args[1], &text);
		template_put(json_object_array_get_idx(c->args[0], i), &text);
	}
	return template_give(c, &text);
}

static int call_split(const struct call_of *c)
{
	CLEAN(str) struct str text = { 0 };
	CLEAN(str) struct str by = { 0 };
	const char *at, *next;

	template_put(c->args[0], &text);
	template_put(c->args[1], &by);
	*c->ret = json_object_new_array();
	for (at = text.text ? text.text : ""; by.len && (next = strstr(at, by.text));
	     at = next + by.len)
		json_object_array_add(*c->ret, json_object_new_string_len(at, (int)(next - at)));
	json_object_array_add(*c->ret, json_object_new_string(at));
	return 0;
}

static int call_case(const struct call_of *c)
{
	CLEAN(str) struct str text = { 0 };

	template_put(c->args[0], &text);
	for (size_t i = 0; i < text.len; i++) {
		char *at = &text.text[i];

		if (*c->name == 'u' ||
		    (*c->name == 't' && (!i || isspace((unsigned char)text.text[i - 1]))))
			*at = (char)toupper((unsigned char)*at);
		else if (*c->name == 'l')
			*at = (char)tolower((unsigned char)*at);
	}
	return template_give(c, &text);
}

static int call_truncate(const struct call_of *c)
{
	CLEAN(str) struct str text = { 0 };
	int64_t max = json_object_get_int64(c->args[1]);

	template_put(c->args[0], &text);
	if (max >= 0 && (uint64_t)max < text.len)
		text.len = template_whole(&text, (size_t)max);
	return template_give(c, &text);
}

/* slice TEXT FROM [TO], of a list too. */
static int call_slice(const struct call_of *c)
{
	CLEAN(str) struct str text = { 0 };
	bool list = json_object_is_type(c->args[0], json_type_array);
	int64_t from, to;

	if (!list)
		template_put(c->args[0], &text);
	to = list ? (int64_t)json_object_array_length(c->args[0]) : (int64_t)text.len;
	from = c->count > 1 ? json_object_get_int64(c->args[1]) : 0;
	if (c->count > 2 && json_object_get_int64(c->args[2]) <= to)
		to = json_object_get_int64(c->args[2]);
	else if (c->count > 2)
		from = -1;
	if (from < 0 || from > to)
		return err_set(c->err, EINVAL, "--format: slice: out of what there is");
	if (!list) {
		*c->ret = json_object_new_string_len(text.text ? text.text + from : "",
						     (int)(to - from));
		return 0;
	}
	*c->ret = json_object_new_array();
	for (; from < to; from++)
		json_object_array_add(*c->ret,
				      json_object_get(
					      json_object_array_get_idx(c->args[0], (size_t)from)));
	return 0;
}

/* pad TEXT BEFORE AFTER: that many spaces, as docker has it. */
static int call_pad(const struct call_of *c)
{
	int64_t before = json_object_get_int64(c->args[1]),
		after = json_object_get_int64(c->args[2]);
	CLEAN(str) struct str text = { 0 };

	if (before < 0 || before > TEMPLATE_WIDTH_MAX || after < 0 || after > TEMPLATE_WIDTH_MAX)
		return template_wants(c, "0 to 1000 spaces");
	str_printf(&text, "%*s", (int)before, "");
	template_put(c->args[0], &text);
	str_printf(&text, "%*s", (int)after, "");
	return template_give(c, &text);
}

static int call_print(const struct call_of *c)
{
	CLEAN(str) struct str text = { 0 };
	bool line = str_eq(c->name, "println");

	for (size_t i = 0; i < c->count; i++) {
		str_add(&text, i && line ? " " : "");
		template_put(c->args[i], &text);
	}
	str_add(&text, line ? "\n" : "");
	return template_give(c, &text);
}

/* ---- deciding ------------------------------------------------------------------------- */

static bool equal(struct json_object *a, struct json_object *b)
{
	if (template_number(a) && template_number(b))
		return json_object_get_double(a) == json_object_get_double(b);
	return json_object_equal(a, b);
}

/* eq A B C: is A one of the others. */
static int call_equal(const struct call_of *c)
{
	bool any = false;

	for (size_t i = 1; i < c->count; i++)
		any |= equal(c->args[0], c->args[i]);
	return give_bool(c, str_eq(c->name, "eq") ? any : !any);
}

static int call_order(const struct call_of *c)
{
	struct json_object *a = c->args[0], *b = c->args[1];
	bool less, more;

	if (template_number(a) && template_number(b)) {
		less = json_object_get_double(a) < json_object_get_double(b);
		more = json_object_get_double(a) > json_object_get_double(b);
	} else if (json_object_is_type(a, json_type_string) &&
		   json_object_is_type(b, json_type_string)) {
		less = strcmp(json_object_get_string(a), json_object_get_string(b)) < 0;
		more = strcmp(json_object_get_string(a), json_object_get_string(b)) > 0;
	} else {
		return template_wants(c, "two numbers or two texts");
	}
	if (c->name[1] == 'e' && !less && !more)
		return give_bool(c, true);
	return give_bool(c, *c->name == 'l' ? less : more);
}

/* The first that decides, or the last. */
static int call_logic(const struct call_of *c)
{
	bool stops_at = str_eq(c->name, "or");
	size_t i = 0;

	while (i + 1 < c->count && template_true(c->args[i]) != stops_at)
		i++;
	*c->ret = json_object_get(c->args[i]);
	return 0;
}

static int call_not(const struct call_of *c)
{
	return give_bool(c, !template_true(c->args[0]));
}

static const struct {
	const char *name;
	int (*call)(const struct call_of *c);
	size_t min, max;
} functions[] = {
	{ "json", call_json, 1, 1 },         { "len", call_len, 1, 1 },
	{ "index", call_index, 2, 15 },      { "join", call_join, 2, 2 },
	{ "split", call_split, 2, 2 },       { "upper", call_case, 1, 1 },
	{ "lower", call_case, 1, 1 },        { "title", call_case, 1, 1 },
	{ "truncate", call_truncate, 2, 2 }, { "slice", call_slice, 1, 3 },
	{ "pad", call_pad, 3, 3 },           { "print", call_print, 0, 15 },
	{ "println", call_print, 0, 15 },    { "printf", template_printf, 1, 15 },
	{ "eq", call_equal, 2, 15 },         { "ne", call_equal, 2, 2 },
	{ "lt", call_order, 2, 2 },          { "le", call_order, 2, 2 },
	{ "gt", call_order, 2, 2 },          { "ge", call_order, 2, 2 },
	{ "and", call_logic, 1, 15 },        { "or", call_logic, 1, 15 },
	{ "not", call_not, 1, 1 },
};

int template_call(const char *name, struct json_object *const *args, size_t count,
		  struct json_object **ret, struct err *err)
{
	const struct call_of call = { name, args, count, ret, err };

	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		if (!str_eq(functions[i].name, name))
			continue;
		if (functions[i].min == functions[i].max && count != functions[i].min)
			return err_set(err, EINVAL, "--format: %s takes %zu values, not %zu", name,
				       functions[i].min, count);
		if (count < functions[i].min || count > functions[i].max)
			return err_set(err, EINVAL, "--format: %s takes %zu to %zu values, not %zu",
				       name, functions[i].min, functions[i].max, count);
		return functions[i].call(&call);
	}
	return -ENOSYS;
}
