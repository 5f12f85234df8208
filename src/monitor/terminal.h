/*
 * A process in the foreground: signals passed on to it, and, where it has a terminal of its own, the
 * bytes and the window size between that terminal and ours, until it has ended and all that it
 * wrote is through.
 */
#ifndef CTR_MONITOR_TERMINAL_H
#define CTR_MONITOR_TERMINAL_H

#include "base/err.h"
#include "monitor/sdnotify.h"

#include <stdbool.h>

/* RELAY_INIT, then fill in. All fds stay the caller's, but for the master. */
struct relay {
	int pidfd;   /* the process */
	int signals; /* relay_signals(); -1: none are passed on */
	int master; /* the master side of its terminal, closed by relay_run(): so a line can be hung
		      * up before the end; -1: it has our own stdio */
	int tty;    /* our own terminal, asked for its size; -1: none */
	int in; /* what is read for its terminal; put into raw mode when it is one; -1: nothing */
	struct sdnotify *notify; /* what the container says to a service manager; borrowed; NULL */
	int out;                 /* where its terminal's output goes */
};

#define RELAY_INIT                                                                       \
	(struct relay)                                                                   \
	{                                                                                \
		.pidfd = -1, .signals = -1, .master = -1, .tty = -1, .in = -1, .out = -1 \
	}

/*
 * Serve until the process has ended and, with a terminal, its output is drained. Returns 0 also when
 * our side went away (closed output hangs up the process's terminal, as a lost line does); it does not
 * reap. Our terminal has its old settings again on every way out, death by a signal included.
 */
int relay_run(const struct relay *r, struct err *err) MUST_CHECK;

#endif
