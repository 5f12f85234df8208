/*
 * Programs of ours that do one privileged job for us and end: what needs a library that only exists
 * as a shared object, or rights that nobody else should have at hand. A request and an answer of
 * fixed size are all that passes.
 */
#ifndef CTR_BASE_HELPER_H
#define CTR_BASE_HELPER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Open the helper `name`: the one beside our own executable (a build), else that of the installation
 * (PREFIX/libexec/ctr). Never by PATH. Returns an O_PATH fd, the caller's; -ENOENT with words.
 */
int helper_open(const char *name, struct err *err) MUST_CHECK;

/*
 * Where our executable was found, for a copy of us that is about to be executed from a place without a
 * name (runtime/guard.h): "CTR_EXE=/usr/bin/ctr" in the environment, or nothing. It is believed only
 * when it leads to the very file that we are.
 */
#define HELPER_EXE_VARIABLE "CTR_EXE"
void helper_keep_exe(void);

struct helper_call {
	int exe;          /* from helper_open() */
	const char *name; /* its argv[0], and in errors */
	const void *request;
	size_t request_len;
	const int *fds; /* go along with the request; at most FD_PASS_MAX */
	size_t fd_count;
	void *answer;
	size_t answer_len;
	size_t partial_len; /* a message of this length is none yet, but what it says on its way; 0 */
	bool *partial; /* NULL, or set to: there was no answer, and its last such is in `answer` */
	int timeout_ms;
};

/*
 * Start it with a socket as its standard input on which the request lies (SOCK_SEQPACKET), wait for its
 * end, take the answer. An answer of another length is none: the error then has what it wrote to its
 * standard error. Needs a caller with one thread.
 */
int helper_ask(const struct helper_call *call, struct err *err) MUST_CHECK;

#endif
