#include "cli/options.h"

#include <errno.h>
#include <string.h>

const struct opt_row *opt_next(const struct opt_set *set, const struct opt_row *row)
{
	row = row ? row + 1 : set->rows;
	while (row && row->kind != OPT_END && row->only && row->only != set->variant)
		row++;
	return row && row->kind != OPT_END ? row : NULL;
}

const struct opt_row *opt_find(const struct opt_set *set, const char *name, size_t len)
{
	for (const struct opt_row *r = opt_next(set, NULL); r; r = opt_next(set, r))
		if (r->name && strlen(r->name) == len && memcmp(r->name, name, len) == 0)
			return r;
	return NULL;
}

static const struct opt_row *find_letter(const struct opt_set *set, char letter)
{
	for (const struct opt_row *r = opt_next(set, NULL); r; r = opt_next(set, r))
		if (r->letter == letter)
			return r;
	return NULL;
}

/* ---- guesses ----------------------------------------------------------------------- */

#define GUESS_MAX 32

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters must be put in, taken out, changed, or swapped with their neighbour. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][GUESS_MAX + 1], la = strlen(a), lb = strlen(b);
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	if (la > GUESS_MAX || lb > GUESS_MAX)
		return GUESS_MAX;
	for (size_t j = 0; j <= lb; j++)
		last[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *oldest = before;

		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			now[j] = least(least(last[j], now[j - 1]) + 1,
				       last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = oldest;
	}
	return last[lb];
}

void opt_guess_add(struct opt_guess *guess, const char *candidate)
{
	size_t d = distance(guess->word, candidate);

	/* Half of a short word changed is another word. */
	if (d < guess->distance && d * 2 <= strlen(candidate)) {
		guess->distance = d;
		guess->best = candidate;
	}
}

static int unknown(const struct opt_set *set, const char *name, size_t len, struct err *err)
{
	CLEAN(free) char *word = xstrndup(name, len);
	struct opt_guess guess = { .word = word, .distance = 4 };

	for (const struct opt_row *r = opt_next(set, NULL); r; r = opt_next(set, r))
		if (r->name && !r->hidden)
			opt_guess_add(&guess, r->name);
	/* What begins like that is a better guess than what looks like that. */
	for (const struct opt_row *r = opt_next(set, NULL); r && guess.distance > 1;
	     r = opt_next(set, r))
		if (r->name && !r->hidden && len >= 3 && str_starts(r->name, word))
			guess = (struct opt_guess){ word, r->name, 1 };
	if (guess.best)
		return err_set(err, EINVAL, "unknown flag --%s; did you mean --%s?", word,
			       guess.best);
	return err_set(err, EINVAL, "unknown flag --%s", word);
}

/* ---- values ------------------------------------------------------------------------ */

static int put_bool(const struct opt_row *row, const char *value, bool *ret, struct err *err)
{
	static const char *const yes[] = { "true", "1", "yes", "on" };
	static const char *const no[] = { "false", "0", "no", "off" };
	bool off = row->kind == OPT_OFF;

	if (!value) {
		*ret = !off;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (str_eq(value, yes[i]) || str_eq(value, no[i])) {
			*ret = str_eq(value, yes[i]) != off;
			return 0;
		}
	}
	return err_set(err, EINVAL, "--%s: \"%s\" is neither true nor false", row->name, value);
}

static int put_bytes(const struct opt_row *row, const char *value, struct opt_i64 *ret,
		     struct err *err)
{
	uint64_t bytes;
	int r;

	if (row->min == -1 && str_eq(value, "-1")) {
		*ret = (struct opt_i64){ true, -1 };
		return 0;
	}
	r = str_to_bytes(value, &bytes);
	if (r < 0 || bytes > INT64_MAX)
		return err_set(
			err, r == -EINVAL ? EINVAL : ERANGE,
			"--%s: \"%s\" is no size; write bytes, or a number with k, m, g or t",
			row->name, value);
	*ret = (struct opt_i64){ true, (int64_t)bytes };
	return 0;
}

static int put_int(const struct opt_row *row, const char *value, struct opt_i64 *ret,
		   struct err *err)
{
	int r = str_to_i64(value, row->min, row->max, &ret->value);

	if (r < 0)
		return err_set(err, -r, "--%s: \"%s\" is not a whole number from %lld to %lld",
			       row->name, value, (long long)row->min, (long long)row->max);
	ret->set = true;
	return 0;
}

/* Where no word is given, or a "yes", it is the first one. */
static int put_choice(const struct opt_row *row, const char *value, int *ret, struct err *err)
{
	CLEAN(strv) struct strv words = { 0 };
	struct err ignored;
	bool wanted = false;

	strv_split(&words, row->words, ' ');
	for (size_t i = 0; value && i < words.count; i++) {
		if (str_eq(value, words.items[i])) {
			*ret = (int)i + 1;
			return 0;
		}
	}
	if (put_bool(row, value, &wanted, &ignored) < 0)
		return err_set(err, EINVAL, "--%s: \"%s\" is none of %s", row->name, value,
			       row->words);
	*ret = wanted;
	return 0;
}

static int put(const struct opt_row *row, const char *value, void *dest, struct err *err)
{
	void *to = (char *)dest + row->offset;

	switch ((enum opt_kind)row->kind) {
	case OPT_FLAG:
	case OPT_OFF:
		return put_bool(row, value, to, err);
	case OPT_STRING:
		*(const char **)to = value;
		return 0;
	case OPT_LIST:
		strv_add(to, value);
		return 0;
	case OPT_BYTES:
		return put_bytes(row, value, to, err);
	case OPT_INT:
		return put_int(row, value, to, err);
	case OPT_CHOICE:
		return put_choice(row, value, to, err);
	case OPT_END:
	case OPT_HEADING:
		break;
	}
	return err_set(err, EINVAL, "--%s: not a flag", row->name);
}

/* ---- the command line -------------------------------------------------------------- */

/* "--name", "--name=value", "--name" "value". Moves *next on when it takes the next word. */
static int parse_long(const struct opt_set *set, const char *word, char ***next, void *dest,
		      struct err *err)
{
	const char *value = strchr(word, '=');
	size_t len = value ? (size_t)(value - word) : strlen(word);
	const struct opt_row *row = opt_find(set, word, len);

	if (!row)
		return str_eq(word, "help") ? OPT_HELP : unknown(set, word, len, err);
	if (value)
		value++;
	else if (row->arg && !(value = *(*next)++)) {
		(*next)--;
		return err_set(err, EINVAL, "--%s needs a value: --%s %s", row->name, row->name,
			       row->arg);
	}
	return put(row, value, dest, err);
}

/* "-a", "-abc", "-xvalue", "-x=value", "-x" "value". */
static int parse_letters(const struct opt_set *set, const char *word, char ***next, void *dest,
			 struct err *err)
{
	for (; *word; word++) {
		const struct opt_row *row = find_letter(set, *word);
		const char *value;
		int r;

		if (!row && *word == 'h')
			return OPT_HELP;
		if (!row)
			return err_set(err, EINVAL, "unknown flag -%c", *word);
		if (!row->arg) {
			r = put(row, NULL, dest, err);
			if (r < 0)
				return r;
			continue;
		}
		value = word + 1;
		if (*value == '=')
			value++;
		else if (!*value && !(value = *(*next)++)) {
			(*next)--;
			return err_set(err, EINVAL, "-%c needs a value: -%c %s", *word, *word,
				       row->arg);
		}
		return put(row, value, dest, err);
	}
	return 0;
}

int opt_parse(const struct opt_set *set, char **args, bool stop, void *dest, struct err *err)
{
	char **next = args, **operand = args;
	int r = 0;

	while (*next && r == 0) {
		char *word = *next++;

		if (word[0] != '-' || !word[1]) {
			*operand++ = word;
			if (stop)
				break;
		} else if (str_eq(word, "--")) {
			break;
		} else if (word[1] == '-') {
			r = parse_long(set, word + 2, &next, dest, err);
		} else {
			r = parse_letters(set, word + 1, &next, dest, err);
		}
	}
	/* operand is never ahead of next: what was read makes room for what is kept. */
	while (r == 0 && *next)
		*operand++ = *next++;
	*operand = NULL;
	return r;
}

void opt_free(const struct opt_set *set, void *dest)
{
	for (const struct opt_row *r = opt_next(set, NULL); r; r = opt_next(set, r))
		if (r->kind == OPT_LIST)
			strv_free((struct strv *)((char *)dest + r->offset));
}
