/*
 * ctr-monitor: one per container that outlives the ctr that made it. It is two processes that watch each
 * other. The monitor does the work: it makes the container, is the parent of its init, keeps the log,
 * serves the clients. The keeper, its parent, does nothing but hold what must not go away with it: all
 * the container's pipes, its terminal, the socket of the clients, the shared memory, and (as a
 * subreaper) the right to wait for the init. When the monitor is killed its keeper forks the next one,
 * and when the keeper is killed the monitor forks a new keeper.
 *
 * For main.c, keeper.c and serve.c only; what others need of the monitor is in monitor/client.h.
 */
#ifndef CTR_MONITOR_MONITOR_H
#define CTR_MONITOR_MONITOR_H

#include "base/err.h"
#include "monitor/shared.h"

#include <stdbool.h>
#include <sys/types.h>

struct monitor {
	struct shared *shared;
	int order;     /* what is to be done (monitor/order.h), in memory */
	int preserved; /* fds from 3 on that are the container's */
	int first; /* the client that started us, which speaks to whoever is the monitor; -1: gone */
	int listen;                  /* not bound before there is a container */
	int pidfd, terminal, notify; /* of the container's present life; -1 */
	int in[2], out[2],
		err[2];       /* standard streams of the container: [0] is read, [1] is written */
	int feed[2], hold[2]; /* between them and us: monitor/shared.h */
	int link;             /* to the other of the two */
	int other;            /* pidfd of it */
	bool parent_of_init;  /* we have cloned it ourselves */
	bool resumed;         /* somebody before us was killed */
};

enum role {
	ROLE_KEEPER,
	ROLE_MONITOR,
	ROLE_END,
};

/*
 * Become two: the caller goes on as it is, the child is the other of the two and has `link` and `other`
 * to its parent. *ret_child says which of them one is. Nothing else is changed in the child.
 */
int monitor_split(struct monitor *m, bool *ret_child, struct err *err) MUST_CHECK;

/* The keeper's part, until there is nothing to keep (ROLE_END), or in a child that is to be the next
 * monitor (ROLE_MONITOR). */
enum role keeper_main(struct monitor *m) MUST_CHECK;

/* The monitor's part: ROLE_END, or in a child that is to be the next keeper ROLE_KEEPER. */
enum role serve_main(struct monitor *m) MUST_CHECK;

/* All is over: the keeper goes first, so that who sees us go knows that both are gone. */
void keeper_dismiss(struct monitor *m);

/* The monitor has its keeper hold the pidfd and the terminal of a new container. True when it does. */
bool keeper_hold(struct monitor *m, struct err *err);

/* And its notify socket. */
void keeper_hold_notify(struct monitor *m);

/* Standard input, where it is no terminal, has ended: nobody holds its end any more. */
void keeper_input_ended(struct monitor *m);

/* Nobody reads a stream of output any more: the container's next write is to fail. */
void keeper_output_gone(struct monitor *m, uint32_t stream);

/*
 * How the init ended, once its pidfd says that it has: from ourselves, from the keeper, from the kernel.
 * False: nobody knows.
 */
bool keeper_exit_status(struct monitor *m, int *ret_status);

#endif
