/* What run and exec share: a process in the foreground, with our stdio or a terminal of its own. */
#ifndef CTR_MONITOR_FOREGROUND_H
#define CTR_MONITOR_FOREGROUND_H

#include "base/cleanup.h"
#include "base/err.h"
#include "monitor/activation.h"
#include "monitor/sdnotify.h"
#include "runtime/container.h"

#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

/* tty, interactive and sig_proxy are the caller's to set. */
struct foreground {
	bool tty, interactive, sig_proxy; /* -t, -i, --sig-proxy */
	int signals;                      /* those that are passed on */
	struct sdnotify notify;           /* what passes to a service manager meanwhile */
	bool says_ready;                  /* and that it is ready we say ourselves */
	int null;                         /* standard input of who is not interactive */
};

#define FOREGROUND_INIT                                                               \
	(struct foreground)                                                           \
	{                                                                             \
		.sig_proxy = true, .signals = -1, .notify = SDNOTIFY_INIT, .null = -1 \
	}

static inline void foreground_close(struct foreground *f)
{
	clean_fd(&f->signals);
	clean_fd(&f->null);
	clean_fd(&f->notify.from);
}
CLEAN_DEFINE(foreground, struct foreground, foreground_close)

/*
 * What our caller left us that is not meant for a container: fds from 3 on are closed but for sockets of a
 * service manager's (monitor/activation.h; NULL: there are none) and preserve_fds behind them, which have
 * to be there; and ignored signals are not handed on (relay_inherited). Before anything is opened.
 */
int foreground_inherited(const struct activation *sockets, int64_t preserve_fds,
			 struct err *err) MUST_CHECK;

/* Before the process is made: what becomes its standard input. */
int foreground_stdio(struct foreground *fg, int stdio[3], struct err *err) MUST_CHECK;

/*
 * Take the signals that are passed on. Once the process is made, which would inherit what is blocked
 * here, and before it is started.
 */
int foreground_signals(struct foreground *fg, struct err *err) MUST_CHECK;

/* Once there is a terminal and before anybody looks at it: our window's size. */
void foreground_resize(int master);

/* Until it has ended. `master` is taken over; -1: no terminal. */
int foreground_serve(struct foreground *fg, int pidfd, int master, struct err *err) MUST_CHECK;

/* From a created container to its end: starts it, serves it; *ret_code as container_wait(). */
int foreground_container(struct foreground *fg, struct container *c, struct strv *warnings,
			 int *ret_code, struct err *err) MUST_CHECK;

#endif
