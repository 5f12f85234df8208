/* A machine whose guest is ctr-guest and runs one process for us, as if it were this one. */
#ifndef CTR_MICROVM_LAUNCH_H
#define CTR_MICROVM_LAUNCH_H

#include "microvm/machine.h"

/*
 * The process' document is read from `text`, a path or "fd:N". 0: it has ended, or couldn't begin in the guest:
 * *ret_status is how, as a shell says it, and err has words where it couldn't. -errno with words: the machine
 * died or wasn't started; as machine_run() has it.
 */
int launch_payload(struct machine_options *opt, const char *text, int *ret_status,
		   struct machine_result *ret, struct err *err) MUST_CHECK;

/* One more process in a guest that runs: `link` is a connection to its launcher's socket, "fd:N". */
int launch_exec(const char *link, const char *text, int *ret_status, struct err *err) MUST_CHECK;

#endif
