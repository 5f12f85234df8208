/* Another program, run to its end: its words collected, its time limited, nothing of it left. */
#ifndef CTR_BASE_SPAWN_H
#define CTR_BASE_SPAWN_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct spawn {
	const char *path;
	char *const *argv, *const *env; /* NULL-terminated; env NULL: an empty one */
	int in;                         /* its standard input; borrowed */
	bool catch_output;              /* standard output is collected as well as standard error */
	int64_t timeout_ms;             /* -1: none */
};

/*
 * Run it and wait. It gets no fd but 0, 1, 2, no blocked signal, a process group of its own, and dies
 * with us. *ret_words (NULL: not kept) gets the first SPAWN_WORDS_MAX bytes of what it said, the last
 * newline cut. 0 with a wait status in *ret_status (127 << 8 when it can't be executed, which the words
 * say); -ETIMEDOUT: it and its group were killed; -errno. Needs a caller with one thread.
 */
#define SPAWN_WORDS_MAX 400
int spawn_wait(const struct spawn *s, struct str *ret_words, int *ret_status) MUST_CHECK;

#endif
