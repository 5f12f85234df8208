/* The way to a container's monitor: starting one, reaching it, being attached to the container. */
#ifndef CTR_MONITOR_CLIENT_H
#define CTR_MONITOR_CLIENT_H

#include "base/err.h"
#include "monitor/detach_keys.h"
#include "monitor/order.h"
#include "monitor/wire.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Start a monitor with this order, and with the fds that belong to it: as many as preserve_fds says, or NULL:
 * they are 3 and up. Returns our end of the connection, the caller's. Before anything was
 * said over it, nothing has happened. Needs a caller with one thread.
 */
int monitor_start(const struct order *o, const struct spec *spec, const int *fds,
		  struct err *err) MUST_CHECK;

/* Wait until the container runs (or is created). Warnings are appended. Errors are the monitor's own. */
int monitor_await_start(int sock, struct strv *warnings, struct err *err) MUST_CHECK;

/*
 * The monitor of the container whose folder is `dir`: a connection, the caller's. -ENOENT without words:
 * it has none (any more).
 */
int monitor_connect(int dir) MUST_CHECK;

/*
 * The fds that the container was given and that its monitor holds (MONITOR_FDS_MAX of room), the caller's:
 * how many. 0 also where nobody answers.
 */
size_t monitor_fds(int dir, int *ret) MUST_CHECK;

/* Say something that needs no answer. Nothing happens where there is no monitor. */
void monitor_tell(int dir, uint32_t type, uint64_t number);

/* Until the monitor on this connection, and its keeper, are gone; not for longer than that. */
void monitor_await_gone(int sock, int timeout_ms);

/* One message. False: the other side is gone. */
bool monitor_send(int sock, uint32_t type, uint32_t stream, uint64_t number, const void *data,
		  size_t len) MUST_CHECK;

struct attach {
	int root;         /* where a connection is made anew, and */
	const char *name; /* for which container; borrowed both */
	int sock;         /* the connection, or -1: one is made; taken over */
	bool start;       /* have the monitor start it */
	bool input;       /* standard input is passed on */
	bool starts;      /* it is about to start: there may be warnings and a failure before */
	bool proxy;       /* signals are passed on, and that our terminal has hung up */
	int signals;      /* relay_signals(); -1: none are passed on; borrowed */
	struct detach_keys keys;
	struct strv *warnings;

	/* The result. */
	bool detached; /* by the keys: it runs on */
	bool exit_known;
	int exit_code;
};

/*
 * Pass output, input, signals and window sizes between us and the container, until it ends or the user
 * leaves. Survives the death of any monitor. Our terminal has its old settings again on every way out.
 */
#define ATTACH_INIT                                   \
	(struct attach)                               \
	{                                             \
		.root = -1, .sock = -1, .signals = -1 \
	}
int attach_run(struct attach *a, struct err *err) MUST_CHECK;

/* Wait until it has ended for good, over all restarts. exit_known as in struct attach. */
int monitor_wait(struct container *c, bool *ret_known, int *ret_code, struct err *err) MUST_CHECK;

#endif
