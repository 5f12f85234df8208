/* A machine whose guest is ctr-guest and runs one process for us, as if it were this one. */
#ifndef CTR_MICROVM_LAUNCH_H
#define CTR_MICROVM_LAUNCH_H

#include "microvm/machine.h"

struct launch_options {
	const char *text;          /* the process' document: a path or "fd:N" */
	const struct str *network; /* network.h */
	const char *copy;          /* a snapshot's guest is a copy, with this hostname; NULL */
	const char *report;        /* wire/report.h, "fd:N"; NULL: nobody asks */
};

/*
 * 0: the process has ended, or couldn't begin in the guest: *ret_status is how, as a shell says it, and err has words
 * where it couldn't. -errno with words: the machine died or wasn't started; as machine_run() has it.
 */
int launch_payload(struct machine_options *opt, const struct launch_options *launch,
		   int *ret_status, struct machine_result *ret, struct err *err) MUST_CHECK;

/* One more process in a guest that runs: `link` is a connection to its launcher's socket, "fd:N". */
int launch_exec(const char *link, const char *text, int *ret_status, struct err *err) MUST_CHECK;

#endif
