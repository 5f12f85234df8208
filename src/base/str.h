/* Strings that grow, lists of strings, and numbers as people write them. */
#ifndef CTR_BASE_STR_H
#define CTR_BASE_STR_H

#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Out of memory ends the program (exit status 125, one line on stderr): Linux kills before
 * malloc fails, and code that handles what can't be tested is not trusted. These return
 * memory that the caller frees.
 */
void *xcalloc(size_t count, size_t size) MUST_CHECK __attribute__((returns_nonnull));
void *xrealloc(void *p, size_t count, size_t size) MUST_CHECK __attribute__((returns_nonnull));
char *xstrdup(const char *s) MUST_CHECK __attribute__((returns_nonnull));
char *xstrndup(const char *s, size_t len) MUST_CHECK __attribute__((returns_nonnull));
char *xasprintf(const char *fmt, ...) MUST_CHECK
	__attribute__((format(printf, 1, 2), returns_nonnull));

/* A string that grows. All zero is an empty one; text is NUL-terminated or NULL when empty. */
struct str {
	char *text;
	size_t len;
	size_t room;
};

void str_add(struct str *s, const char *text);
void str_add_bytes(struct str *s, const void *bytes, size_t len);
/* For a terminal: control characters become '?', but for the end of a line where `lines`. */
void str_add_shown(struct str *s, const char *text, bool lines);
void str_printf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_free(struct str *s);
CLEAN_DEFINE(str, struct str, str_free)

/* A list of strings that owns them; items is NULL-terminated (or NULL when empty). */
struct strv {
	char **items;
	size_t count;
};

void strv_add(struct strv *v, const char *text); /* copies */
void strv_take(struct strv *v, char *text);      /* takes over */
void strv_printf(struct strv *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool strv_has(const struct strv *v, const char *text);
/* A copy of the list, split at every `sep`; empty parts are kept. */
void strv_split(struct strv *v, const char *text, char sep);
void strv_free(struct strv *v);
CLEAN_DEFINE(strv, struct strv, strv_free)

/*
 * "KEY=VALUE" lists, as an environment is one: the value (borrowed), or NULL; and put,
 * which replaces an entry of the same key in its place.
 */
const char *strv_env_get(const struct strv *env, const char *key) MUST_CHECK;
void strv_env_put(struct strv *env, const char *assignment);

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* Set *ret from a decimal number in [min, max], nothing around it. -EINVAL or -ERANGE, no text. */
int str_to_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret) MUST_CHECK;
int str_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret) MUST_CHECK;

/* "512m", "1.5G", "4096", "10kb": bytes, powers of 1024, as docker reads them. -EINVAL or -ERANGE. */
int str_to_bytes(const char *s, uint64_t *ret) MUST_CHECK;

#endif
