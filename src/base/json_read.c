#include "base/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct json_at json_get(const struct json_at *at, const char *key)
{
	struct json_at ret = { .up = at, .key = key };

	json_object_object_get_ex(at->value, key, &ret.value);
	return ret;
}

struct json_at json_item(const struct json_at *at, size_t i)
{
	return (struct json_at){
		.value = json_object_array_get_idx(at->value, i),
		.up = at,
		.index = i,
	};
}

size_t json_count(const struct json_at *at)
{
	if (json_object_is_type(at->value, json_type_array))
		return json_object_array_length(at->value);
	if (json_object_is_type(at->value, json_type_object))
		return (size_t)json_object_object_length(at->value);
	return 0;
}

const char *json_show(const char *text, char *buf, size_t room)
{
	size_t len = strnlen(text, room);

	if (len == room)
		len = room - 1;
	for (size_t i = 0; i < len; i++)
		buf[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
	buf[len] = '\0';
	if (text[len] && room > 4)
		memcpy(buf + room - 4, "...", 4);
	return buf;
}

static bool is_plain_key(const char *key)
{
	return *key && !key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789_-$")];
}

/* Write from the document down: the chain points upwards. */
static size_t path_write(const struct json_at *at, char *buf, size_t room)
{
	char shown[128];
	size_t len;
	int n;

	if (!at || (!at->up && !at->key))
		return 0;
	len = path_write(at->up, buf, room);
	if (len >= room)
		return len;
	if (!at->key)
		n = snprintf(buf + len, room - len, "[%zu]", at->index);
	else if (!is_plain_key(at->key))
		n = snprintf(buf + len, room - len, "[\"%s\"]",
			     json_show(at->key, shown, sizeof(shown)));
	else
		n = snprintf(buf + len, room - len, "%s%s", len ? "." : "",
			     json_show(at->key, shown, sizeof(shown)));
	return n < 0 ? len : len + (size_t)n;
}

void json_path(const struct json_at *at, char *buf, size_t room)
{
	if (room)
		buf[0] = '\0';
	path_write(at, buf, room);
}

int json_fail(const struct json_at *at, struct err *err, int code, const char *fmt, ...)
{
	char path[512], text[ERR_TEXT_MAX];
	va_list args;

	json_path(at, path, sizeof(path));
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return err_set(err, code, "%s%s%s", path, *path ? ": " : "", text);
}

static const char *found(const struct json_at *at)
{
	switch (json_object_get_type(at->value)) {
	case json_type_boolean:
		return "true or false";
	case json_type_double:
		return "a number with a fraction or an exponent";
	case json_type_int:
		return "an integer";
	case json_type_object:
		return "an object";
	case json_type_array:
		return "an array";
	case json_type_string:
		return "a string";
	default:
		return "null";
	}
}

/* 0: absent; 1: of that type. */
static int want(const struct json_at *at, enum json_type type, const char *what, struct err *err)
{
	if (!at->value)
		return 0;
	if (!json_object_is_type(at->value, type))
		return json_fail(at, err, EINVAL, "expected %s, found %s", what, found(at));
	return 1;
}

int json_want_object(const struct json_at *at, struct err *err)
{
	return want(at, json_type_object, "an object", err);
}

int json_want_array(const struct json_at *at, struct err *err)
{
	return want(at, json_type_array, "an array", err);
}

int json_read_string(const struct json_at *at, char **ret, struct err *err)
{
	const char *s;
	int r;

	r = want(at, json_type_string, "a string", err);
	if (r <= 0)
		return r;
	s = json_object_get_string(at->value);
	if (strlen(s) != (size_t)json_object_get_string_len(at->value))
		return json_fail(at, err, EINVAL, "the string has a NUL character in it");
	free(*ret);
	*ret = xstrdup(s);
	return 1;
}

int json_read_bool(const struct json_at *at, bool *ret, struct err *err)
{
	int r = want(at, json_type_boolean, "true or false", err);

	if (r > 0)
		*ret = json_object_get_boolean(at->value);
	return r;
}

int json_read_i64(const struct json_at *at, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
	int64_t n;
	int r;

	r = want(at, json_type_int, "an integer", err);
	if (r <= 0)
		return r;
	/* What doesn't fit is shown as it was written; json-c would give 2^63-1 for it. */
	n = json_object_get_int64(at->value);
	if (n < min || n > max || (n > 0 && json_object_get_uint64(at->value) != (uint64_t)n))
		return json_fail(at, err, ERANGE, "%s is out of range (%" PRId64 " to %" PRId64 ")",
				 json_object_get_string(at->value), min, max);
	*ret = n;
	return 1;
}

int json_read_u64(const struct json_at *at, uint64_t min, uint64_t max, uint64_t *ret,
		  struct err *err)
{
	uint64_t n;
	int r;

	r = want(at, json_type_int, "an integer", err);
	if (r <= 0)
		return r;
	n = json_object_get_uint64(at->value);
	if (n < min || n > max || json_object_get_int64(at->value) < 0)
		return json_fail(at, err, ERANGE, "%s is out of range (%" PRIu64 " to %" PRIu64 ")",
				 json_object_get_string(at->value), min, max);
	*ret = n;
	return 1;
}

int json_read_strv(const struct json_at *at, struct strv *ret, struct err *err)
{
	CLEAN(strv) struct strv v = { 0 };
	size_t count = json_count(at);
	int r;

	r = json_want_array(at, err);
	if (r <= 0)
		return r;
	if (count)
		v.items = xcalloc(count + 1, sizeof(*v.items));
	for (size_t i = 0; i < count; i++) {
		struct json_at item = json_item(at, i);

		r = json_read_string(&item, &v.items[i], err);
		if (r < 0)
			return r;
		if (r == 0)
			return json_fail(&item, err, EINVAL, "expected a string, found null");
		v.count++;
	}
	strv_free(ret);
	*ret = v;
	v = (struct strv){ 0 };
	return 1;
}

void json_put_string(struct json_object *o, const char *key, const char *value)
{
	if (value)
		json_object_object_add(o, key, json_object_new_string(value));
}

void json_put_u64(struct json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

void json_put_i64(struct json_object *o, const char *key, int64_t value)
{
	json_object_object_add(o, key, json_object_new_int64(value));
}

void json_put_bool(struct json_object *o, const char *key, bool value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

void json_put_strv(struct json_object *o, const char *key, const struct strv *v)
{
	struct json_object *list;

	if (!v->count)
		return;
	list = json_object_new_array_ext((int)v->count);
	for (size_t i = 0; i < v->count; i++)
		json_object_array_add(list, json_object_new_string(v->items[i]));
	json_object_object_add(o, key, list);
}
