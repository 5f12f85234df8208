/*
 * A process in a guest as if it were this one: its streams, its terminal's size, its signals, how it ended. The
 * first is the container's, which the launcher plays; for each further one there is a ctr-vm of its own.
 */
#ifndef CTR_MICROVM_PAYLOAD_H
#define CTR_MICROVM_PAYLOAD_H

#include "base/err.h"
#include "wire/channels.h"
#include "wire/report.h"

#include <pthread.h>
#include <stdbool.h>

struct payload {
	int link;         /* the stream to the guest's init; borrowed */
	const char *text; /* what is to be run, a JSON document: man/ctr-wire.7 */
	size_t len;
	const char *network; /* what the guest's interfaces are, once more as ctr-wire.7 has it */
	size_t network_len;  /* 0: they are not ours to tell */
	const char *
		copy; /* of a snapshot: the guest is a copy of another, and has this hostname; NULL */
	struct wire_report *report; /* where it's said what becomes of the guest; NULL */
	int signals;                /* from payload_signals(); borrowed */
	int stop; /* readable: there is no guest any more; -1: the link's end says so */

	/* While it runs; all zero before, but for the lock. */
	pthread_mutex_t held; /* for who looks at what follows from another thread */
	struct channels channels;
	bool terminal, greeted, over;
	bool loaded; /* the process began before a snapshot */
	int status;
	struct err *err; /* its code says whether it failed */
};

#define PAYLOAD_INIT                                           \
	{                                                      \
		.held = PTHREAD_MUTEX_INITIALIZER, .stop = -1, \
	}

/*
 * Take all signals that can be passed on by an fd, the caller's; they are blocked from here on, in this thread
 * and those that it makes. What isn't to be is said: 0.
 */
int payload_signals(int but, struct err *err) MUST_CHECK;

/*
 * Until it has ended, and all that it said is written: 0, with its exit status as a shell says it. -errno with
 * words, and err.exit_status where the guest knows one (127: no such command). -ESHUTDOWN: the guest is gone.
 */
int payload_run(struct payload *p, int *ret_status, struct err *err) MUST_CHECK;

/*
 * For a snapshot, from another thread: hold it between two of its steps, and let it go on. -ESRCH: it is at its end,
 * and isn't held. Meanwhile, its state without what the link has under way; and instead of a process' begin, before it
 * runs, to go on from there: -EINVAL with words.
 */
int payload_hold(struct payload *p, struct err *err) MUST_CHECK;
void payload_go_on(struct payload *p);
void payload_save(const struct payload *p, struct str *out);
int payload_load(struct payload *p, const char *bytes, size_t len, struct err *err) MUST_CHECK;

#endif
