/*
 * JSON, by json-c, with what it lets pass refused: duplicate keys, numbers it would saturate,
 * text behind the end, NUL bytes. And typed look-ups whose errors name the whole path of the key:
 * "linux.resources.pids.limit: expected an integer, found a string".
 */
#ifndef CTR_BASE_JSON_H
#define CTR_BASE_JSON_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/* More than any document of ours has; less than what would eat a machine's memory: json-c takes up
 * to 350 bytes for a value that is two bytes of text. */
#define JSON_DEPTH_MAX 64
#define JSON_SIZE_MAX (16u << 20)
#define JSON_VALUES_MAX (1u << 19)

static inline void json_drop(struct json_object **o)
{
	if (*o)
		json_object_put(*o);
}
CLEAN_DEFINE(json, struct json_object *, json_drop)

/*
 * Parse text of `len` bytes; `name` is what errors call it (a path). *ret: json_object_put it.
 * Errors: -EINVAL with the place in the document, line and column; -ERANGE for an integer below
 * -2^63 or over 2^64-1; -E2BIG over JSON_SIZE_MAX or JSON_VALUES_MAX; -ELOOP deeper than
 * JSON_DEPTH_MAX. A hostile text costs time and memory linear in its length.
 */
int json_parse(const char *text, size_t len, const char *name, struct json_object **ret,
	       struct err *err) MUST_CHECK;

/* A document that we wrote ourselves: the same, but its texts may be any bytes, as paths and arguments
 * are; elsewhere what is no UTF-8 is refused. */
int json_parse_own(const char *text, size_t len, const char *name, struct json_object **ret,
		   struct err *err) MUST_CHECK;

int json_parse_file(int dir, const char *path, struct json_object **ret,
		    struct err *err) MUST_CHECK;

/*
 * A place in a document: an object and how one gets there. Lives on the stack; `up` is borrowed.
 * key NULL: `index` counts in an array.
 */
struct json_at {
	struct json_object *value; /* borrowed; NULL: absent */
	const struct json_at *up;
	const char *key;
	size_t index;
};

/* The member `key` of an object (value NULL when absent or null), or element `i` of an array. */
struct json_at json_get(const struct json_at *at, const char *key);
struct json_at json_item(const struct json_at *at, size_t i);
size_t json_count(const struct json_at *at); /* of an array or object; 0 when absent */

/* Write the path of a place: "process.rlimits[2].soft". */
void json_path(const struct json_at *at, char *buf, size_t room);

/* A text of the document's as it may stand in a message: control characters become '?', a long one
 * is cut. Returns buf. */
const char *json_show(const char *text, char *buf, size_t room);

/* err_set with "PATH: " in front. */
int json_fail(const struct json_at *at, struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Typed reads. An absent value leaves *ret as it is and returns 0; a present one returns 1;
 * a wrong type or a number out of range is -EINVAL or -ERANGE. Strings are copies, the caller's;
 * a string that was in *ret is freed. A string with a NUL in it is refused.
 */
int json_read_string(const struct json_at *at, char **ret, struct err *err) MUST_CHECK;
int json_read_bool(const struct json_at *at, bool *ret, struct err *err) MUST_CHECK;
int json_read_i64(const struct json_at *at, int64_t min, int64_t max, int64_t *ret,
		  struct err *err) MUST_CHECK;
int json_read_u64(const struct json_at *at, uint64_t min, uint64_t max, uint64_t *ret,
		  struct err *err) MUST_CHECK;
int json_read_strv(const struct json_at *at, struct strv *ret, struct err *err) MUST_CHECK;

/* Only that: is it (absent, or) an object, an array. -EINVAL naming what was found. */
int json_want_object(const struct json_at *at, struct err *err) MUST_CHECK;
int json_want_array(const struct json_at *at, struct err *err) MUST_CHECK;

/*
 * A map of strings as a list: "KEY=VALUE" (strv_env_get finds one), and back as an object, the caller's. A
 * key may hold a '=' of its own, which is kept as another character.
 */
void json_map_add(struct strv *map, const char *key, const char *value);
struct json_object *json_from_map(const struct strv *map) MUST_CHECK;

/* Building: add and hand over. NULL strings are left out. */
void json_put_string(struct json_object *o, const char *key, const char *value);
void json_put_u64(struct json_object *o, const char *key, uint64_t value);
void json_put_i64(struct json_object *o, const char *key, int64_t value);
void json_put_bool(struct json_object *o, const char *key, bool value);
void json_put_strv(struct json_object *o, const char *key,
		   const struct strv *v); /* empty: left out */

#endif
