/*
 * The notify protocol of a service manager (sd_notify(3)), between a container and the manager that
 * NOTIFY_SOCKET leads to. What the payload says on a socket of its own (runtime/sdnotify.h) is hostile: only
 * assignments of a short list pass, rebuilt by us and of bounded size; fds never do; and no more than some
 * in a second, for the manager is the host's process 1. Who sends is us: the kernel says so to the manager.
 */
#ifndef CTR_MONITOR_SDNOTIFY_H
#define CTR_MONITOR_SDNOTIFY_H

#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SDNOTIFY_MESSAGE_MAX 2048 /* a longer one is dropped; what passes is never longer */

/* --sdnotify, in podman's words. */
enum sdnotify_mode {
	SDNOTIFY_IGNORE,    /* nothing is said */
	SDNOTIFY_CONTAINER, /* the payload says it */
	SDNOTIFY_CONMON,    /* we say that it is ready once it runs; it has no socket */
	SDNOTIFY_HEALTHY,   /* once its health check says so, likewise */
};

struct sdnotify_choice {
	enum sdnotify_mode mode;
	const char *address;       /* of the manager; borrowed from the environment; NULL: none */
	const char *watchdog_usec; /* how often it wants to hear of us; likewise */
};

/*
 * From the flag and the environment. flag NULL: as "container" where a service manager has started this
 * very process (SYSTEMD_EXEC_PID), else "ignore": NOTIFY_SOCKET alone is also what a child of some service
 * has, which isn't to speak for it.
 */
int sdnotify_choose(const char *flag, struct sdnotify_choice *ret, struct err *err) MUST_CHECK;

/* Is this one that we can send to? "/path" or "@name". */
int sdnotify_address_check(const char *address, struct err *err) MUST_CHECK;

/* What may pass of a message: at most SDNOTIFY_MESSAGE_MAX bytes. Its length; *ret_ready: it says READY=1. */
size_t sdnotify_filter(const char *message, size_t len, bool ready_only, char *ret,
		       bool *ret_ready) MUST_CHECK;

/* The way from a container to the manager. SDNOTIFY_INIT: there is none. */
struct sdnotify {
	int from; /* the container's socket, borrowed; -1 */
	const char *address;
	bool ready_only;  /* nothing but READY=1 passes, as runc and crun have it */
	pid_t main_pid;   /* said together with READY=1; 0 */
	bool ready;       /* it was said */
	uint64_t next_ns; /* the socket is not looked at before; 0 */
};

#define SDNOTIFY_INIT       \
	(struct sdnotify)   \
	{                   \
		.from = -1, \
	}

/* For poll: the socket, or -1 where it is to rest until next_ns. */
int sdnotify_watch(const struct sdnotify *n);

/* Pass on what lies there, without waiting. */
void sdnotify_turn(struct sdnotify *n);

/* Say something ourselves; lines with \n between. */
void sdnotify_say(const struct sdnotify *n, const char *text);

/* Until READY=1 has been passed on, or the process has ended; then until the manager has read it. */
void sdnotify_await_ready(struct sdnotify *n, int pidfd);

#endif
