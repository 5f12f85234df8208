#include "base/json.h"
#include "base/json_scan.h"

#include <string.h>

/*
 * Walks a text that may be broken and knows, at every point, the path of keys that leads there.
 * Only used once something is wrong. The scan before it bounds the depth.
 */
struct walk {
	const char *text;
	size_t len, pos, depth;
	struct json_at at[JSON_DEPTH_MAX + 2];        /* at[0]: the document */
	struct json_object *key[JSON_DEPTH_MAX + 2];  /* owned; what at[].key points into */
	struct json_object *seen[JSON_DEPTH_MAX + 2]; /* owned; keys so far; NULL: an array */
	struct json_tokener *tokener;
	size_t string_start, string_end; /* the last string */
};

static void walk_free(struct walk *w)
{
	for (size_t i = 0; i < ARRAY_LEN(w->at); i++) {
		json_object_put(w->key[i]);
		json_object_put(w->seen[i]);
	}
	json_tokener_free(w->tokener);
}
CLEAN_DEFINE(walk, struct walk, walk_free)

static void walk_init(struct walk *w, const char *text, size_t len)
{
	*w = (struct walk){ .text = text, .len = len, .tokener = json_tokener_new() };
}

static void walk_open(struct walk *w, bool is_object)
{
	if (w->depth > JSON_DEPTH_MAX)
		return;
	w->depth++;
	w->at[w->depth] = (struct json_at){ .up = &w->at[w->depth - 1] };
	if (is_object)
		w->seen[w->depth] = json_object_new_object();
}

static void walk_close(struct walk *w)
{
	if (!w->depth)
		return;
	json_object_put(take_ptr(w->key[w->depth]));
	json_object_put(take_ptr(w->seen[w->depth]));
	w->depth--;
}

/* The string before a ':' is a key. Returns whether this object had it before. */
static bool walk_key(struct walk *w)
{
	struct json_object *seen = w->seen[w->depth], *key;
	const char *name;

	if (!seen || w->string_end <= w->string_start)
		return false;
	json_tokener_reset(w->tokener);
	key = json_tokener_parse_ex(w->tokener, w->text + w->string_start,
				    (int)(w->string_end - w->string_start));
	json_object_put(w->key[w->depth]);
	w->key[w->depth] = key;
	name = w->at[w->depth].key = json_object_get_string(key);
	if (!name)
		return false;
	if (json_object_object_get_ex(seen, name, NULL))
		return true;
	json_object_object_add(seen, name, NULL);
	return false;
}

static void walk_next(struct walk *w)
{
	w->at[w->depth].index++;
	w->at[w->depth].key = NULL;
}

/* One token on. Returns true at a key that its object has already. */
static bool walk_step(struct walk *w)
{
	size_t i = w->pos;

	switch (w->text[i]) {
	case '"':
		w->string_start = i++;
		while (i < w->len && w->text[i] != '"')
			i += w->text[i] == '\\' ? 2 : 1;
		w->string_end = w->pos = i < w->len ? i + 1 : w->len;
		return false;
	case '{':
	case '[':
		walk_open(w, w->text[i] == '{');
		break;
	case '}':
	case ']':
		walk_close(w);
		break;
	case ',':
		walk_next(w);
		break;
	case ':':
		w->pos++;
		return walk_key(w);
	default:
		break;
	}
	w->pos++;
	return false;
}

static int walk_fail(const struct walk *w, size_t pos, struct err *err, int code,
		     const char *message)
{
	const struct json_at *at = &w->at[w->depth];
	size_t line = 1, start = 0;

	/* Between two keys of an object, the object is the place. */
	if (w->seen[w->depth] && !at->key)
		at = at->up;
	for (size_t i = 0; i < pos && i < w->len; i++)
		if (w->text[i] == '\n') {
			line++;
			start = i + 1;
		}
	return json_fail(at, err, code, "%s (line %zu, column %zu)", message, line,
			 pos - start + 1);
}

int json_fail_at(const char *text, size_t len, size_t pos, struct err *err, int code,
		 const char *message)
{
	CLEAN(walk) struct walk w;

	walk_init(&w, text, len);
	while (w.pos < pos && w.pos < len)
		walk_step(&w);
	return walk_fail(&w, pos, err, code, message);
}

int json_fail_duplicate(const char *text, size_t len, struct err *err)
{
	CLEAN(walk) struct walk w;

	walk_init(&w, text, len);
	while (w.pos < len)
		if (walk_step(&w))
			return walk_fail(&w, w.string_start, err, EINVAL,
					 "the key is there twice in one object");
	return err_set(err, EINVAL, "a key is there twice in one object");
}
