/* The table of verbs, and what is made of it. */
#ifndef CTR_CTR_COMMANDS_H
#define CTR_CTR_COMMANDS_H

#include "base/str.h"
#include "ctr/call.h"

/* In the order of `ctr help`; the last row has no name. */
extern const struct command commands[];

/* ctr's own flags, those in front of the verb. */
struct global_flags {
	const char *root;
	bool version;
};

extern const struct opt_set global_options;

/*
 * The row that the first words of args name; *ret_words is how many of them (1, or 2 for "pool ls").
 * NULL: none, and err says what was probably meant.
 */
const struct command *verb_find(char *const *args, int *ret_words, struct err *err) MUST_CHECK;

/* Texts: all verbs; one verb; its flags as roff. help.c */
void help_all(struct str *out);
void help_command(const struct command *cmd, struct str *out);
void help_man(const struct command *cmd, struct str *out);

/* Completion for a shell: "bash", "zsh", "fish". completion.c. -EINVAL for another. */
int completion_script(const char *shell, struct str *out) MUST_CHECK;

/* Parse and run: the whole program but for main(). args as argv, without the program's name. */
int ctr_main(char **args);

#endif
