/* What run and exec share: a process in the foreground, with our stdio or a terminal of its own. */
#ifndef CTR_CTR_FOREGROUND_H
#define CTR_CTR_FOREGROUND_H

#include "base/cleanup.h"
#include "base/err.h"
#include "ctr/run_flags.h"

#include <stdbool.h>
#include <unistd.h>

struct foreground {
	int signals; /* those that are passed on */
	int null;    /* standard input of who is not interactive */
};

#define FOREGROUND_INIT                   \
	(struct foreground)               \
	{                                 \
		.signals = -1, .null = -1 \
	}

static inline void foreground_close(struct foreground *f)
{
	clean_fd(&f->signals);
	clean_fd(&f->null);
}
CLEAN_DEFINE(foreground, struct foreground, foreground_close)

/* Before the process is made: what becomes its standard input. */
int foreground_stdio(struct foreground *fg, const struct env_flags *f, int stdio[3],
		     struct err *err) MUST_CHECK;

/*
 * Take the signals that are passed on. Once the process is made, which would inherit what is blocked
 * here, and before it is started.
 */
int foreground_signals(struct foreground *fg, const struct env_flags *f,
		       struct err *err) MUST_CHECK;

/* Once there is a terminal and before anybody looks at it: our window's size. */
void foreground_resize(int master);

/* Until it has ended. `master` is taken over; -1: no terminal. */
int foreground_serve(const struct foreground *fg, const struct env_flags *f, int pidfd, int master,
		     struct err *err) MUST_CHECK;

#endif
