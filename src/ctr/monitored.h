/* Containers that stay: made, started and attached to by way of their monitor. */
#ifndef CTR_CTR_MONITORED_H
#define CTR_CTR_MONITORED_H

#include "ctr/run_make.h"
#include "monitor/client.h"

/* Is this run one that has to outlive us, or that others are to get at? */
bool run_wants_monitor(const struct run_flags *f, const struct run_made *m);

/* `run` and `create` through a monitor: the exit status, words said. */
int run_monitored(struct call *call, int root, struct run_made *m);
int create_monitored(struct call *call, int root, struct run_made *m);

/* How one is attached: what run, start and attach have in common. */
struct attach_how {
	bool input, proxy;
	const char *detach_keys; /* NULL: the usual ones */
	bool start;              /* and have it started */
};

/*
 * Attach to container `name` of `root`, over a connection that is taken over (-1: one is made). Returns
 * what to exit with, words said: the exit code of the container, or 0 where the user left it.
 */
int attach_to(struct call *call, int root, const char *name, int sock, bool starts,
	      const struct attach_how *how);

/* The fds of --preserve-fds and LISTEN_FDS that a container was made with. */
struct given {
	int fds[MONITOR_FDS_MAX];
	size_t count;
};

/* Take them from its monitor before it goes: to be freed. */
void given_take(const struct container *c, struct given *ret);
void given_free(struct given *g);
CLEAN_DEFINE(given, struct given, given_free)

/*
 * Start a container that has stopped once more, by the order that is kept in its folder, with what was taken
 * from the monitor of its last life (NULL: nothing) or the sockets that we were started with. Returns the
 * connection to its monitor, the caller's.
 */
int start_again(const struct container *c, const struct given *given, bool attached,
		struct err *err) MUST_CHECK;

/* Are there sockets for one that is created already? It has those of its own. */
int start_sockets_check(const struct container *c, struct err *err) MUST_CHECK;

/* Stop it for good, and see that its monitor has written down how it ended, and is gone. */
int stop_monitored(struct container *c, int signal, int timeout_ms, struct err *err) MUST_CHECK;

/* How long a monitor may take to go once its container has ended. */
#define MONITOR_GONE_MS 5000

#endif
