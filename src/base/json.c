#include "base/json.h"

#include "base/file.h"
#include "base/json_scan.h"

static inline void tokener_drop(struct json_tokener **t)
{
	if (*t)
		json_tokener_free(*t);
}
CLEAN_DEFINE(tokener, struct json_tokener *, tokener_drop)

/* How many members all objects of a tree have. As deep as JSON_DEPTH_MAX, no more. */
static size_t count_members(struct json_object *o)
{
	size_t n = 0;

	if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++)
			n += count_members(json_object_array_get_idx(o, i));
	} else if (json_object_is_type(o, json_type_object)) {
		n = (size_t)json_object_object_length(o);
		json_object_object_foreach (o, key, value) {
			(void)key;
			n += count_members(value);
		}
	}
	return n;
}

static const char *parse_problem(enum json_tokener_error e)
{
	switch (e) {
	case json_tokener_continue:
	case json_tokener_error_parse_eof:
		return "the text ends in the middle";
	case json_tokener_success:
		return "text behind the end of the document";
	case json_tokener_error_depth:
		return "nested too deep";
	default:
		return json_tokener_error_desc(e);
	}
}

static int parse(const char *text, size_t len, int flags, struct json_object **ret, struct err *err)
{
	CLEAN(tokener) struct json_tokener *t = json_tokener_new_ex(JSON_DEPTH_MAX + 1);
	CLEAN(json) struct json_object *o = NULL;
	enum json_tokener_error e;
	struct json_scan scan;
	size_t end;
	int r;

	if (len > JSON_SIZE_MAX)
		return err_set(err, E2BIG, "%zu bytes are more than a document may have (%u)", len,
			       JSON_SIZE_MAX);
	r = json_scan(text, len, &scan, err);
	if (r < 0)
		return r;

	json_tokener_set_flags(t, JSON_TOKENER_STRICT | flags);
	o = json_tokener_parse_ex(t, text, (int)len);
	e = json_tokener_get_error(t);
	end = json_tokener_get_parse_end(t);
	/* A number ends only with what comes behind it: the end of the text. */
	if (e == json_tokener_continue) {
		end = len;
		o = json_tokener_parse_ex(t, "", 1);
		e = json_tokener_get_error(t);
	}
	if (e != json_tokener_success || end < len)
		return json_fail_at(text, len, end, err, EINVAL, parse_problem(e));
	/* json-c keeps the last of two equal keys: then the tree has fewer than the text. */
	if (count_members(o) != scan.members)
		return json_fail_duplicate(text, len, err);
	if (!o)
		return err_set(err, EINVAL, "the document is null");
	*ret = take_ptr(o);
	return 0;
}

int json_parse(const char *text, size_t len, const char *name, struct json_object **ret,
	       struct err *err)
{
	*ret = NULL;
	return parse(text, len, JSON_TOKENER_VALIDATE_UTF8, ret, err) < 0 ?
		       err_wrap(err, "%s: ", name) :
		       0;
}

int json_parse_own(const char *text, size_t len, const char *name, struct json_object **ret,
		   struct err *err)
{
	*ret = NULL;
	return parse(text, len, 0, ret, err) < 0 ? err_wrap(err, "%s: ", name) : 0;
}

int json_parse_file(int dir, const char *path, struct json_object **ret, struct err *err)
{
	CLEAN(free) char *text = NULL;
	size_t len;
	int r;

	*ret = NULL;
	r = file_read(dir, path, JSON_SIZE_MAX, &text, &len, err);
	if (r == -EFBIG)
		return err_set(err, E2BIG, "%s: larger than a JSON document may be (%u bytes)",
			       path, JSON_SIZE_MAX);
	if (r < 0)
		return r;
	return json_parse(text, len, path, ret, err);
}
