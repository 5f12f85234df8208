/*
 * A process in a guest as if it were this one: its streams, its terminal's size, its signals, how it ended. The
 * first is the container's, which the launcher plays; for each further one there is a ctr-vm of its own.
 */
#ifndef CTR_MICROVM_PAYLOAD_H
#define CTR_MICROVM_PAYLOAD_H

#include "base/err.h"
#include "wire/report.h"

#include <signal.h>
#include <stddef.h>

struct payload {
	int link;         /* the stream to the guest's init; borrowed */
	const char *text; /* what is to be run, a JSON document: man/ctr-wire.7 */
	size_t len;
	const char *network; /* what the guest's interfaces are, once more as ctr-wire.7 has it */
	size_t network_len;  /* 0: they are not ours to tell */
	struct wire_report *report; /* where it's said what becomes of the guest; NULL */
	int signals;                /* from payload_signals(); borrowed */
	int stop; /* readable: there is no guest any more; -1: the link's end says so */
};

/*
 * Take all signals that can be passed on by an fd, the caller's; they are blocked from here on, in this thread
 * and those that it makes. What isn't to be is said: 0.
 */
int payload_signals(int but, struct err *err) MUST_CHECK;

/*
 * Until it has ended, and all that it said is written: 0, with its exit status as a shell says it. -errno with
 * words, and err.exit_status where the guest knows one (127: no such command). -ESHUTDOWN: the guest is gone.
 */
int payload_run(const struct payload *p, int *ret_status, struct err *err) MUST_CHECK;

#endif
