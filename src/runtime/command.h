/* The payload's working directory and file, as seen inside the container. */
#ifndef CTR_RUNTIME_COMMAND_H
#define CTR_RUNTIME_COMMAND_H

#include "base/err.h"
#include "base/str.h"

/*
 * chdir, and make sure that we are still inside: a folder fd that leaked in from the host can be a
 * working directory that lies outside of the root (CVE-2024-21626).
 */
int command_enter(const char *cwd, struct err *err) MUST_CHECK;

/*
 * The file that execve is to be given for a command: itself when it has a slash, else the first in
 * the PATH of env that can be run. *ret is the caller's. err->exit_status is 127 when there is none
 * and 126 when it can't be run; the words are those that engines look for.
 */
int command_find(const char *command, const struct strv *env, char **ret,
		 struct err *err) MUST_CHECK;

/* The same words for what failed with this errno: always returns -code. */
int command_failed(const char *command, int code, struct err *err) MUST_CHECK;

/*
 * The same for an execve of `path` that failed, with words for a program of another processor's: only now, for with
 * binfmt_misc(5) a kernel runs those as well. Opens the file, where the container's own filter is in force already.
 */
int command_not_executed(const char *command, const char *path, int code,
			 struct err *err) MUST_CHECK;

#endif
