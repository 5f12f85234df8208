/* Rows that are one value, or a list of words. */
#include "spec/read_scalar.h"

#include <errno.h>
#include <string.h>

/* Where a row says nothing, all that its type holds. */
static void signed_range(const struct field *f, int64_t low, int64_t high, int64_t *ret_min,
			 int64_t *ret_max)
{
	bool given = f->min || f->max;

	*ret_min = given ? f->min : low;
	*ret_max = given ? (int64_t)f->max : high;
}

static int read_signed(const struct field *f, const struct json_at *at, int64_t low, int64_t high,
		       int64_t *ret, struct err *err)
{
	int64_t min, max;

	signed_range(f, low, high, &min, &max);
	return json_read_i64(at, min, max, ret, err);
}

static int read_unsigned(const struct field *f, const struct json_at *at, uint64_t high,
			 uint64_t *ret, struct err *err)
{
	return json_read_u64(at, (uint64_t)f->min, f->max ? f->max : high, ret, err);
}

static int read_word(const struct field *f, const struct json_at *at, const struct spec_word **ret,
		     struct err *err)
{
	CLEAN(free) char *text = NULL;
	char shown[80];
	int rc = json_read_string(at, &text, err);

	if (rc <= 0)
		return rc;
	*ret = spec_word_find(f->sub, text);
	if (!*ret)
		return json_fail(at, err, EINVAL, "unknown %s %s", spec_words_what(f->sub),
				 json_show(text, shown, sizeof(shown)));
	return 1;
}

int read_number(const struct field *f, const struct json_at *at, void *to, struct err *err)
{
	uint64_t u = 0;
	int64_t i = 0;
	bool b = false;
	int rc;

	switch (f->kind) {
	case FIELD_U32:
		rc = read_unsigned(f, at, UINT32_MAX, &u, err);
		if (rc > 0)
			*(uint32_t *)to = (uint32_t)u;
		return rc;
	case FIELD_U64:
		return read_unsigned(f, at, UINT64_MAX, to, err);
	case FIELD_I32:
		rc = read_signed(f, at, INT32_MIN, INT32_MAX, &i, err);
		if (rc > 0)
			*(int32_t *)to = (int32_t)i;
		return rc;
	case FIELD_I64:
		return read_signed(f, at, INT64_MIN, INT64_MAX, to, err);
	case FIELD_OPT_U64:
		rc = read_unsigned(f, at, UINT64_MAX, &u, err);
		if (rc > 0 && (u || !(f->flags & ZERO_ABSENT)))
			*(struct opt_u64 *)to = (struct opt_u64){ true, u };
		return rc;
	case FIELD_OPT_I64:
		rc = read_signed(f, at, INT64_MIN, INT64_MAX, &i, err);
		if (rc > 0 && (i || !(f->flags & ZERO_ABSENT)))
			*(struct opt_i64 *)to = (struct opt_i64){ true, i };
		return rc;
	default:
		rc = json_read_bool(at, &b, err);
		if (rc > 0)
			*(struct opt_i64 *)to = (struct opt_i64){ true, b };
		return rc;
	}
}

/*
 * A capability that we never heard of is one that can't be granted: the standard wants a warning for
 * those, and the container to start.
 */
static bool may_lack(const struct field_reader *r, const struct field *f, const struct json_at *at)
{
	CLEAN(free) char *text = NULL;
	char path[256], shown[80];
	struct err ignored;

	if (f->sub != WORDS_CAP || r->strict || json_read_string(at, &text, &ignored) <= 0 ||
	    spec_word_find(WORDS_CAP, text))
		return false;
	json_path(at, path, sizeof(path));
	if (r->warnings)
		strv_printf(r->warnings, "%s: unknown capability %s, left out", path,
			    json_show(text, shown, sizeof(shown)));
	return true;
}

static int read_bits(const struct field_reader *r, const struct field *f, const struct json_at *at,
		     uint64_t *ret, struct err *err)
{
	size_t count = json_count(at);
	int rc = json_want_array(at, err);

	for (size_t i = 0; rc >= 0 && i < count; i++) {
		struct json_at item = json_item(at, i);
		const struct spec_word *word;

		if (may_lack(r, f, &item))
			continue;
		rc = read_word(f, &item, &word, err);
		if (rc > 0)
			*ret |= 1ull << word->value;
	}
	return rc < 0 ? rc : 0;
}

static int read_word_strv(const struct field *f, const struct json_at *at, struct strv *ret,
			  struct err *err)
{
	size_t count = json_count(at);
	int rc = json_want_array(at, err);

	for (size_t i = 0; rc >= 0 && i < count; i++) {
		struct json_at item = json_item(at, i);
		const struct spec_word *word;

		rc = read_word(f, &item, &word, err);
		if (rc > 0)
			strv_add(ret, word->word);
	}
	return rc < 0 ? rc : 0;
}

int read_a_word(const struct field_reader *r, const struct field *f, const struct json_at *at,
		void *to, struct err *err)
{
	const struct spec_word *word = NULL;
	int rc;

	if (f->kind == FIELD_WORD_BITS)
		return read_bits(r, f, at, to, err);
	if (f->kind == FIELD_WORD_STRV)
		return read_word_strv(f, at, to, err);
	rc = read_word(f, at, &word, err);
	if (rc == 0 && f->kind == FIELD_WORD_CHAR && f->min)
		*(char *)to = (char)f->min;
	if (rc <= 0)
		return rc;
	if (f->kind == FIELD_WORD)
		*(int *)to = word->value;
	else if (f->kind == FIELD_WORD_CHAR)
		*(char *)to = (char)word->value;
	else if (f->kind == FIELD_OPT_WORD)
		*(struct opt_i64 *)to = (struct opt_i64){ true, word->value };
	else
		*(char **)to = xstrdup(word->word);
	return 1;
}
