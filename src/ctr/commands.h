/* The program: its table of verbs, and completion made of it. */
#ifndef CTR_CTR_COMMANDS_H
#define CTR_CTR_COMMANDS_H

#include "base/str.h"
#include "cli/program.h"

extern const struct program ctr_program;

/* Completion for a shell: "bash", "zsh", "fish". completion.c. -EINVAL for another. */
int completion_script(const char *shell, struct str *out) MUST_CHECK;

#endif
