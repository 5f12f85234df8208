/* Completion scripts, one function per shell, from the tables of commands.h. */
#ifndef CTR_CTR_COMPLETION_H
#define CTR_CTR_COMPLETION_H

#include "base/str.h"

void completion_bash(struct str *out);
void completion_zsh(struct str *out);
void completion_fish(struct str *out);

/* The command that lists what a "@..." of the tables stands for; NULL where the shell knows it
 * itself (@file, @dir, @signal) or for plain words. */
const char *completion_lister(const char *words);

/* The words that have such a command, without their @, by number; NULL: no more. */
const char *completion_listed(size_t i);

/* "ALL", "CAP_CHOWN", ... with spaces between. */
void completion_caps(struct str *out);

/* Verbs that have verbs below them: "pool ls". The last row has no name. */
struct completion_family {
	const char *name, *help;
};
extern const struct completion_family completion_families[];

/* All verbs' first words, each once, with spaces between. */
void completion_verbs(struct str *out);

#endif
