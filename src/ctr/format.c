#include "ctr/format.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define JSON_PLAIN (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
#define JSON_PRETTY \
	(JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

void format_json(struct json_object *doc, struct str *out)
{
	str_add(out, json_object_to_json_string_ext(doc, JSON_PRETTY));
	str_add(out, "\n");
}

/* ---- expressions ------------------------------------------------------------------- */

static int no_field(struct json_object *in, const char *name, struct err *err)
{
	CLEAN(str) struct str all = { 0 };

	str_add(&all, "");
	if (json_object_is_type(in, json_type_object)) {
		json_object_object_foreach (in, key, value) {
			(void)value;
			str_printf(&all, " .%s", key);
		}
	}
	return err_set(err, ENOENT, "--format: no field .%s; there are%s", name,
		       all.len ? all.text : " none");
}

static int field_get(struct json_object *in, const char *name, struct json_object **ret,
		     struct err *err)
{
	if (json_object_is_type(in, json_type_object)) {
		if (json_object_object_get_ex(in, name, ret))
			return 0;
		json_object_object_foreach (in, key, value) {
			if (strcasecmp(key, name) == 0) {
				*ret = value;
				return 0;
			}
		}
	}
	return no_field(in, name, err);
}

/* ".A.B" or ".": *ret is borrowed. */
static int path_get(struct json_object *doc, const char *path, struct json_object **ret,
		    struct err *err)
{
	CLEAN(strv) struct strv part = { 0 };

	*ret = doc;
	if (*path != '.')
		return err_set(err, EINVAL,
			       "--format: \"%s\" is not understood; fields are written "
			       ".Name, functions are json, len and index",
			       path);
	if (!path[1])
		return 0;
	strv_split(&part, path + 1, '.');
	for (size_t i = 0; i < part.count; i++) {
		int r = field_get(*ret, part.items[i], ret, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static void put_value(struct json_object *value, bool as_json, struct str *out)
{
	if (!value)
		str_add(out, as_json ? "null" : "<no value>");
	else if (!as_json && json_object_is_type(value, json_type_string))
		str_add(out, json_object_get_string(value));
	else
		str_add(out, json_object_to_json_string_ext(value, JSON_PLAIN));
}

static int put_len(struct json_object *value, struct str *out, struct err *err)
{
	size_t len;

	if (json_object_is_type(value, json_type_array))
		len = json_object_array_length(value);
	else if (json_object_is_type(value, json_type_object))
		len = (size_t)json_object_object_length(value);
	else if (json_object_is_type(value, json_type_string))
		len = (size_t)json_object_get_string_len(value);
	else
		return err_set(err, EINVAL, "--format: len is for lists, objects and texts");
	str_printf(out, "%zu", len);
	return 0;
}

/* index VALUE "key" or index VALUE 3; word is cut in place. */
static int index_get(struct json_object *in, char *word, struct json_object **ret, struct err *err)
{
	size_t len = strlen(word);
	uint64_t i;

	if (len >= 2 && *word == '"' && word[len - 1] == '"') {
		word[len - 1] = '\0';
		*ret = NULL;
		if (json_object_is_type(in, json_type_object))
			(void)json_object_object_get_ex(in, word + 1, ret);
		return 0;
	}
	if (str_to_u64(word, 0, SIZE_MAX, &i) < 0 || !json_object_is_type(in, json_type_array) ||
	    i >= json_object_array_length(in))
		return err_set(err, EINVAL, "--format: index: no element %s", word);
	*ret = json_object_array_get_idx(in, (size_t)i);
	return 0;
}

/* Words between spaces; one in quotes keeps them. Cut in place; returns how many. */
static size_t words_cut(char *text, char *words[], size_t max)
{
	size_t n = 0;

	for (text += strspn(text, " \t"); *text && n < max; text += strspn(text, " \t")) {
		char *end = *text == '"' ? strchr(text + 1, '"') : NULL;

		words[n++] = text;
		text = end ? end + 1 : text + strcspn(text, " \t");
		if (*text)
			*text++ = '\0';
	}
	return n;
}

static int expression(char *text, struct json_object *doc, struct str *out, struct err *err)
{
	CLEAN(free) char *whole = xstrdup(text);
	struct json_object *value = NULL;
	char *pipe = strchr(text, '|'), *word[4];
	const char *function = NULL;
	size_t n;
	int r;

	/* ".A | json" is "json .A" */
	if (pipe)
		*pipe++ = '\0';
	n = words_cut(text, word, ARRAY_LEN(word));
	if (pipe) {
		char *after[2];

		if (n != 1 || words_cut(pipe, after, ARRAY_LEN(after)) != 1)
			return err_set(err, EINVAL, "--format: \"%s\" is not understood", whole);
		function = after[0];
		r = path_get(doc, word[0], &value, err);
	} else if (n == 1) {
		r = path_get(doc, word[0], &value, err);
	} else if (n == 2 || (n == 3 && str_eq(word[0], "index"))) {
		function = word[0];
		r = path_get(doc, word[1], &value, err);
	} else {
		r = err_set(err, EINVAL, "--format: \"%s\" is not understood", whole);
	}
	if (r < 0)
		return r;
	if (str_eq(function, "index") && n == 3) {
		r = index_get(value, word[2], &value, err);
		function = NULL;
	}
	if (r < 0)
		return r;
	if (str_eq(function, "len"))
		return put_len(value, out, err);
	if (function && !str_eq(function, "json"))
		return err_set(err, EINVAL,
			       "--format: no function \"%s\"; there are json, len and "
			       "index",
			       function);
	put_value(value, function, out);
	return 0;
}

int format_render(const char *format, struct json_object *doc, struct str *out, struct err *err)
{
	while (*format) {
		const char *end;
		int r;

		if (str_starts(format, "{{")) {
			CLEAN(free) char *text = NULL;

			end = strstr(format, "}}");
			if (!end)
				return err_set(err, EINVAL, "--format: {{ without }}");
			text = xstrndup(format + 2, (size_t)(end - format - 2));
			r = expression(text, doc, out, err);
			if (r < 0)
				return r;
			format = end + 2;
		} else if (format[0] == '\\' && (format[1] == 't' || format[1] == 'n')) {
			str_add(out, format[1] == 't' ? "\t" : "\n");
			format += 2;
		} else {
			str_add_bytes(out, format++, 1);
		}
	}
	return 0;
}

int format_list(const char *format, struct json_object *list, struct str *out, struct err *err)
{
	int r = 0;

	if (!format || str_eq(format, "json")) {
		format_json(list, out);
		return 0;
	}
	for (size_t i = 0; i < json_object_array_length(list) && r >= 0; i++) {
		r = format_render(format, json_object_array_get_idx(list, i), out, err);
		str_add(out, "\n");
	}
	return r;
}

/* ---- tables ------------------------------------------------------------------------ */

void table_print(const struct table *t, bool heading, struct str *out)
{
	CLEAN(free) size_t *width = xcalloc(t->columns, sizeof(*width));

	for (size_t i = 0; i < t->cells.count; i++) {
		size_t len = strlen(t->cells.items[i]);

		if (len > width[i % t->columns])
			width[i % t->columns] = len;
	}
	for (size_t i = heading ? 0 : t->columns; i < t->cells.count; i++) {
		bool last = i % t->columns == t->columns - 1;
		size_t len = strlen(t->cells.items[i]);

		str_add_shown(out, t->cells.items[i], false);
		if (last)
			str_add(out, "\n");
		else
			str_printf(out, "%*s", (int)(width[i % t->columns] - len) + 3, "");
	}
}

/* ---- sizes and times ------------------------------------------------------------------------- */

void format_bytes(uint64_t bytes, bool binary, struct str *out)
{
	static const char *const units[][2] = { { "B", "B" },    { "kB", "KiB" }, { "MB", "MiB" },
						{ "GB", "GiB" }, { "TB", "TiB" }, { "PB", "PiB" },
						{ "EB", "EiB" } };
	double n = (double)bytes, step = binary ? 1024 : 1000;
	size_t i = 0;

	while (n >= step && i + 1 < ARRAY_LEN(units)) {
		n /= step;
		i++;
	}
	str_printf(out, "%.4g%s", n, units[i][binary]);
}

void format_duration(uint64_t seconds, struct str *out)
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = {
		{ 365 * 86400, "year" }, { 30 * 86400, "month" }, { 7 * 86400, "week" },
		{ 86400, "day" },        { 3600, "hour" },        { 60, "minute" },
		{ 1, "second" },
	};

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		uint64_t n = seconds / units[i].seconds;

		if (n) {
			str_printf(out, "%llu %s%s", (unsigned long long)n, units[i].name,
				   n == 1 ? "" : "s");
			return;
		}
	}
	str_add(out, "less than a second");
}

void format_time(uint64_t unix_ms, char ret[32])
{
	ret[0] = '\0';
	if (unix_ms)
		clock_utc_text(unix_ms, ret);
}

uint64_t format_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}
