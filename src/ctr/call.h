/* One call of a verb: what it was given, and how it speaks to the person who typed it. */
#ifndef CTR_CTR_CALL_H
#define CTR_CTR_CALL_H

#include "base/err.h"
#include "base/str.h"
#include "ctr/options.h"
#include "runtime/container.h"

#include <stdbool.h>
#include <stddef.h>

/* ctr itself failed; docker and podman use the same. A payload that can't become one is 126 or 127,
 * which err.exit_status then says. */
#define EXIT_CTR 125

#define DEFAULT_ROOT "/run/ctr"

struct call {
	const struct command *command;
	const char *root; /* path of the state root */
	void *flags;      /* the verb's own struct, filled from its options table */
	char **args;      /* operands, NULL-terminated */
	int count;
	struct strv warnings;
	struct strv names; /* what call_names() put into args */
	int missing;       /* exit status where no container has that name; 0: EXIT_CTR */
};

#define CALL_MISSING_FINE (-1)

/*
 * One row per verb. `run` gets a whole call and returns the exit status. A name of two words
 * ("pool create") is a verb below another.
 */
struct command {
	const char *name, *synopsis, *help;
	const char *about; /* more for `ctr help VERB`; NULL: nothing */
	int (*run)(struct call *call);
	struct opt_set options;
	size_t flags_size;
	const char *operands; /* what completion offers: see opt_row.words */
	int min, max;         /* operands; max -1: any number */
	bool stop;            /* flags end at the first operand: the rest is a payload's */
	bool hidden;
	bool enters; /* a process of ours will stand in a container: runtime/guard.h */
};

/* "ctr: VERB: text" on stderr. Returns the exit status: err.exit_status, or else EXIT_CTR. */
int call_fail(const struct call *call, const struct err *err) __attribute__((nonnull(2)));

/* "ctr: warning: text" for each, and forget them. */
void call_warn(struct call *call);

/* The state root as an fd, the caller's; an existing or new folder. */
int call_root(const struct call *call, struct err *err) MUST_CHECK;

/*
 * Do one thing to each container that is named. Every failure is said; the others are still done.
 * With `print`, the name is written when it went well. The gravest status when any failed.
 */
typedef int (*call_each_fn)(struct call *call, struct container *c, struct err *err);
int call_each(struct call *call, call_each_fn fn, bool print);

/* Make all containers the operands (--all), or see to it that there is at least one. 0 or the status
 * to exit with, words said. */
int call_names(struct call *call, bool all);

/* Write text to stdout, whole; returns 0 or EXIT_CTR with words. */
int call_print(const struct call *call, const char *text, size_t len);

#endif
