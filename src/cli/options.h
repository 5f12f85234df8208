/*
 * Command line flags as tables. One row per flag; parsing, `ctr help`, the option lists of man pages
 * and shell completion all read the same rows.
 */
#ifndef CTR_CLI_OPTIONS_H
#define CTR_CLI_OPTIONS_H

#include "base/err.h"
#include "base/str.h"
#include "spec/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a row means and what its destination is. */
enum opt_kind {
	OPT_END,
	OPT_HEADING, /* no flag: a title, in `help` */
	OPT_FLAG,    /* bool: --name, --name=false */
	OPT_OFF,     /* bool that becomes true when a flag that is on by default is turned off */
	OPT_STRING,  /* const char *, borrowed from argv; the last one counts */
	OPT_LIST,    /* struct strv; may be repeated */
	OPT_BYTES,   /* struct opt_i64: 512m, 1.5g; min -1 takes -1, no limit */
	OPT_INT,     /* struct opt_i64 in min..max */
	OPT_CHOICE, /* int, the number of one of words, from 1: --name=WORD; 1: --name; 0: =false */
};

/*
 * arg is what the value is called ("DIR"), NULL for flags without one. words is what a shell offers
 * as its value: words with spaces between, or one of "@file", "@dir", "@container", "@pool",
 * "@signal", "@cap", or NULL. only: 0, or the one variant of the verb that has this row.
 */
struct opt_row {
	const char *name, *arg, *help, *words;
	int64_t min, max;
	uint16_t offset;
	char letter, only;
	uint8_t kind;
	bool hidden;
};

struct opt_set {
	const struct opt_row *rows; /* to OPT_END; NULL: no flags */
	char variant;
};

#define OPT_TO(type, field) .offset = offsetof(type, field)

/* The rows one after the other, those of other variants left out: NULL behind the last. Start with
 * NULL. */
const struct opt_row *opt_next(const struct opt_set *set, const struct opt_row *row);

struct opt_row const *opt_find(const struct opt_set *set, const char *name, size_t len) MUST_CHECK;

/*
 * Take the flags out of args (NULL-terminated), which is left with the operands alone, as GNU
 * programs do it: --name=value, --name value, -x value, -xvalue, -abc, and -- for "no more flags".
 * With `stop` the first operand ends the flags. Values are put into dest, which must be all zero
 * and is freed by opt_free(). Returns OPT_HELP when --help was met, -EINVAL for what isn't right.
 */
#define OPT_HELP 1
int opt_parse(const struct opt_set *set, char **args, bool stop, void *dest,
	      struct err *err) MUST_CHECK;

void opt_free(const struct opt_set *set, void *dest);

/* The candidate nearest to a word that somebody may have mistyped. */
struct opt_guess {
	const char *word, *best;
	size_t distance;
};

/* All of `word` set, best NULL, distance 3: what is further away is no help. */
void opt_guess_add(struct opt_guess *guess, const char *candidate);

#endif
