/* What the two sides of a walk say to each other (walk.c, await_start.c). */
#ifndef CTR_RUNTIME_REPORT_H
#define CTR_RUNTIME_REPORT_H

#include "runtime/stages.h"

enum report_kind {
	OPENED,   /* a gate */
	TERMINAL, /* a pty master comes along */
	FAILED,
	LISTENER, /* the notify fd of the filter comes along */
	START,    /* parent to child, over the start socket; and after LISTENER: go on */
};

/* What goes over the sockets; a short report ends before `err`. Both ends are the same program. */
struct report {
	enum report_kind kind;
	enum gate gate;
	int stage;
	uint64_t stage_ns[STATE_STAGE_MAX];
	struct err err;
};

#define SHORT_REPORT offsetof(struct report, err)

/*
 * The child's failure, to whoever said start: not knowing the table that was walked, he can't name the
 * row, so the text does.
 */
void report_failure(const struct making *m, int conn, const struct err *err);

#endif
