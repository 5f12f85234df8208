/*
 * What passes between the two walkers of a stage table, over the sync and the start socket (both
 * SOCK_SEQPACKET). Both ends are the same program; but the child that we hear of stands among a
 * container's processes, or is about to: what it says is looked at before it is believed.
 */
#ifndef CTR_RUNTIME_REPORT_H
#define CTR_RUNTIME_REPORT_H

#include "base/err.h"
#include "runtime/stages.h"

#include <stdint.h>
#include <sys/types.h>

enum report_kind {
	REPORT_OPENED,   /* a gate */
	REPORT_TERMINAL, /* a pty master comes along */
	REPORT_FAILED,   /* with err; the only one that has it */
	REPORT_LISTENER, /* the notify fd of the filter comes along */
	REPORT_START, /* parent to child, over the start socket, maybe with a micro-VM's network; and
			  * after LISTENER: go on */
	REPORT_NETWORK, /* parent to child, over the start socket: of which namespace are you? And the
			  * answer, with a socket of it, since who has no rights outside can't look that up */
	REPORT_KINDS,
};

struct report {
	enum report_kind kind;
	enum gate gate;
	int stage; /* the failed row of the table; what the sender's is */
	uint64_t stage_ns[STATE_STAGE_MAX];
	struct err err;
};

/* With an fd, or -1. 0 or -errno. A failure's err has to be filled. */
int report_send(int sock, const struct report *r, int fd) MUST_CHECK;

/*
 * 1; 0 at the end of the stream; or -errno, -EPROTO when it is nothing that the other side could say. A
 * failure's words have an end and its code is positive. *ret_fd, -1 or the caller's, comes with TERMINAL
 * and LISTENER, and may with START and NETWORK; NULL: it is refused. rows: of the table that `stage` counts in.
 */
int report_receive(int sock, size_t rows, struct report *ret, int *ret_fd) MUST_CHECK;

/*
 * The child's failure, to whoever said start: not knowing the table that was walked, he can't name the
 * row, so the text does.
 */
void report_failure(const struct making *m, int conn, const struct err *err);

#endif
