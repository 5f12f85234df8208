/*
 * A program of verbs as tables: one row per verb, one per flag. What the program does with its command
 * line, its help, its man page's option lists and its shell completion all come from these rows.
 */
#ifndef CTR_CLI_PROGRAM_H
#define CTR_CLI_PROGRAM_H

#include "base/err.h"
#include "base/str.h"
#include "cli/options.h"

#include <stdbool.h>
#include <stddef.h>

/* One call of a verb: what it was given, and how it speaks to the one who called. */
struct call {
	const struct program *program;
	const struct command *command; /* NULL while it is not known yet */
	const char *root;              /* path of the state root */
	const char *data_root;         /* --data-root; NULL: not said */
	char *root_text;               /* what `root` points to when it was made up; owned */
	void *globals; /* the program's own struct, filled from the flags before the verb */
	void *flags;   /* the verb's own struct, filled from its options table */
	char **args;   /* operands, NULL-terminated */
	int count;
	struct strv warnings;
	struct strv names; /* operands that a verb made up itself (--all) */
	int missing;       /* exit status where no container has that name; 0: as any failure */
};

/*
 * One row per verb. `run` gets a whole call and returns the exit status. A name of two words
 * ("pool create") is a verb below another.
 */
struct command {
	const char *name, *synopsis, *help;
	const char *about; /* more for `help VERB`; NULL: nothing */
	int (*run)(struct call *call);
	struct opt_set options;
	size_t flags_size;
	const char *operands; /* what completion offers: see opt_row.words */
	int min, max;         /* operands; max -1: any number */
	bool stop;            /* flags end at the first operand: the rest is a payload's */
	bool hidden;
	bool enters; /* a process of ours will stand in a container */
};

#define FLAGS(type, table) .options = { .rows = (table) }, .flags_size = sizeof(struct type)

struct program {
	const char *name, *about, *hint; /* "ctr", "Run containers.", the last lines of its help */
	const struct command *commands;  /* in the order of `help`; the last row has no name */
	struct opt_set options;          /* in front of the verb */
	size_t globals_size;
	int exit_failed; /* where err.exit_status doesn't say */

	/* The flags before the verb are read. 0: go on; 1: all is done; -errno with words. */
	int (*begin)(struct call *call, struct err *err);
	/* Before a verb that `enters`: runtime/guard.h. */
	int (*guard)(struct err *err);
	/* Say it; level "error" or "warning". NULL: "NAME: VERB: text" on stderr. */
	void (*say)(const struct call *call, const char *level, const char *text);
	/* Sections behind the flags of one verb, as text or as roff. May be NULL. */
	void (*more_help)(const struct command *cmd, bool roff, struct str *out);
};

/* The whole program but for main(): args as argv, without the program's name. */
int program_main(const struct program *program, char **args);

/*
 * The row that the first words of args name; *ret_words is how many of them (1, or 2 for "pool ls").
 * NULL: none, and err says what was probably meant.
 */
const struct command *program_verb(const struct program *program, char *const *args, int *ret_words,
				   struct err *err) MUST_CHECK;

/* ---- how a verb speaks ------------------------------------------------------------- */

/* Says it. Returns the exit status: err.exit_status, or else the program's. */
int call_fail(const struct call *call, const struct err *err) __attribute__((nonnull(2)));

/* Says each warning, and forgets them. */
void call_warn(struct call *call);

/* Write text to stdout, whole; returns 0 or the exit status with words. */
int call_print(const struct call *call, const char *text, size_t len);

/* The same, a line each; and 1 where there are any: what is in somebody's way. */
int call_findings(const struct call *call, const struct strv *found);

/* ---- help (help.c) ----------------------------------------------------------------- */

/* Texts: all verbs; one verb; its flags (NULL: the program's own) as roff. */
void help_all(const struct program *program, struct str *out);
void help_command(const struct program *program, const struct command *cmd, struct str *out);
void help_man(const struct program *program, const struct command *cmd, struct str *out);

/* For more_help: a term and what it means, as `help` and as a man page have it. */
void help_entry(struct str *out, bool roff, const char *term, const char *meaning);

/* The verb `help`, and its flags. */
int verb_help(struct call *call);
extern const struct opt_row help_rows[];
struct help_flags {
	bool man;
};

#endif
