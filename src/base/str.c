#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* Nothing that allocates may run here any more, stdio included. */
static void *alive(void *p)
{
	if (!p)
		err_die("out of memory");
	return p;
}

void *xcalloc(size_t count, size_t size)
{
	return alive(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t count, size_t size)
{
	return alive(reallocarray(p, count ? count : 1, size ? size : 1));
}

char *xstrdup(const char *s)
{
	return alive(strdup(s));
}

char *xstrndup(const char *s, size_t len)
{
	return alive(strndup(s, len));
}

char *xasprintf(const char *fmt, ...)
{
	va_list args;
	char *s = NULL;
	int len;

	va_start(args, fmt);
	len = vasprintf(&s, fmt, args);
	va_end(args);
	return alive(len < 0 ? NULL : s);
}

static void str_reserve(struct str *s, size_t more)
{
	size_t need = s->len + more + 1;

	if (need <= s->room)
		return;
	s->room = need < 64 ? 64 : need + need / 2;
	s->text = xrealloc(s->text, s->room, 1);
}

void str_add_bytes(struct str *s, const void *bytes, size_t len)
{
	str_reserve(s, len);
	memcpy(s->text + s->len, bytes, len);
	s->len += len;
	s->text[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_add_bytes(s, text, strlen(text));
}

void str_add_shown(struct str *s, const char *text, bool lines)
{
	size_t at = s->len;

	str_add(s, text);
	for (; at < s->len; at++)
		if (((unsigned char)s->text[at] < 0x20 && !(lines && s->text[at] == '\n')) ||
		    s->text[at] == 0x7f)
			s->text[at] = '?';
}

void str_printf(struct str *s, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		return;
	str_reserve(s, (size_t)len);
	va_start(args, fmt);
	vsnprintf(s->text + s->len, (size_t)len + 1, fmt, args);
	va_end(args);
	s->len += (size_t)len;
}

void str_free(struct str *s)
{
	free(s->text);
	*s = (struct str){ 0 };
}

void strv_take(struct strv *v, char *text)
{
	v->items = xrealloc(v->items, v->count + 2, sizeof(*v->items));
	v->items[v->count++] = text;
	v->items[v->count] = NULL;
}

void strv_add(struct strv *v, const char *text)
{
	strv_take(v, xstrdup(text));
}

void strv_printf(struct strv *v, const char *fmt, ...)
{
	va_list args;
	char *s = NULL;
	int len;

	va_start(args, fmt);
	len = vasprintf(&s, fmt, args);
	va_end(args);
	strv_take(v, alive(len < 0 ? NULL : s));
}

bool strv_has(const struct strv *v, const char *text)
{
	for (size_t i = 0; i < v->count; i++)
		if (str_eq(v->items[i], text))
			return true;
	return false;
}

void strv_split(struct strv *v, const char *text, char sep)
{
	for (;;) {
		const char *end = strchrnul(text, sep);

		strv_take(v, xstrndup(text, (size_t)(end - text)));
		if (!*end)
			return;
		text = end + 1;
	}
}

void strv_free(struct strv *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct strv){ 0 };
}

/* The entry "KEY=..." of this key, or -1. */
static ssize_t env_find(const struct strv *env, const char *key, size_t key_len)
{
	for (size_t i = 0; i < env->count; i++)
		if (!strncmp(env->items[i], key, key_len) && env->items[i][key_len] == '=')
			return (ssize_t)i;
	return -1;
}

const char *strv_env_get(const struct strv *env, const char *key)
{
	size_t len = strlen(key);
	ssize_t i = env_find(env, key, len);

	return i < 0 ? NULL : env->items[i] + len + 1;
}

void strv_env_put(struct strv *env, const char *assignment)
{
	ssize_t i = env_find(env, assignment, (size_t)(strchrnul(assignment, '=') - assignment));

	if (i < 0) {
		strv_add(env, assignment);
		return;
	}
	free(env->items[i]);
	env->items[i] = xstrdup(assignment);
}

bool str_eq(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool str_starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool str_ends(const char *s, const char *suffix)
{
	size_t len = strlen(s), want = strlen(suffix);

	return len >= want && !strcmp(s + len - want, suffix);
}

int str_to_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	unsigned long long value;
	char *end;

	/* strtoull takes " 1", "+1" and "-1" (as 2^64-1): a number starts with a digit here. */
	if (!s || !isdigit((unsigned char)s[0]))
		return -EINVAL;
	errno = 0;
	value = strtoull(s, &end, 10);
	if (*end)
		return -EINVAL;
	if (errno == ERANGE || value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

int str_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	long long value;
	char *end;

	if (!s || !isdigit((unsigned char)s[s[0] == '-']))
		return -EINVAL;
	errno = 0;
	value = strtoll(s, &end, 10);
	if (*end)
		return -EINVAL;
	if (errno == ERANGE || value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

/* "", "b", "k", "kb", "kib", ... "p": the power of 1024, or -1. */
static int unit_shift(const char *unit)
{
	static const char letters[] = "bkmgtp";
	const char *at;

	if (!*unit)
		return 0;
	at = strchr(letters, tolower((unsigned char)*unit));
	if (!at)
		return -1;
	unit++;
	if (at != letters && tolower((unsigned char)*unit) == 'i')
		unit++;
	if (at != letters && tolower((unsigned char)*unit) == 'b')
		unit++;
	return *unit ? -1 : (int)(at - letters) * 10;
}

int str_to_bytes(const char *s, uint64_t *ret)
{
	uint64_t whole = 0, fraction = 0, scale = 1;
	size_t i = 0;
	int shift;

	if (!s || !isdigit((unsigned char)s[0]))
		return -EINVAL;
	for (; isdigit((unsigned char)s[i]); i++)
		if (__builtin_mul_overflow(whole, 10u, &whole) ||
		    __builtin_add_overflow(whole, (uint64_t)(s[i] - '0'), &whole))
			return -ERANGE;
	if (s[i] == '.')
		for (i++; isdigit((unsigned char)s[i]); i++)
			if (scale < 1000000) {
				fraction = fraction * 10 + (uint64_t)(s[i] - '0');
				scale *= 10;
			}
	shift = unit_shift(s + i);
	if (shift < 0)
		return -EINVAL;
	if (shift && whole >> (64 - shift))
		return -ERANGE;
	*ret = (whole << shift) + (uint64_t)(((unsigned __int128)fraction << shift) / scale);
	return 0;
}
