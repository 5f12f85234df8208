/*
 * SCMP_ACT_NOTIFY: the notify fd of a container's filter goes to an agent that listens at
 * linux.seccomp.listenerPath, before the payload begins (runtime spec, config-linux.md, "The Container
 * Process State").
 *
 * The kernel gives the fd to the thread that loads the filter, and from that moment on each system
 * call of that thread may be one that waits for an answer of the agent, which has no fd yet: so whoever
 * loads it must not have to call anything. A second thread of the child, which has the same fds and
 * not the filter, hands the fd to the parent (who says start; in exec who made the child) and waits
 * for its answer, while the first one waits for the end of the second in shared memory. So any system
 * call can be notified, write and sendmsg and execve too.
 *
 * The parent, because the agent's socket is out of the child's reach by then. And a thread rather than
 * pidfd_getfd(2) by the parent: an ordinary user has no right to that while the child's memory is
 * nobody's to look at, as it has to be.
 */
#ifndef CTR_RUNTIME_NOTIFY_H
#define CTR_RUNTIME_NOTIFY_H

#include "base/err.h"
#include "runtime/stages.h"
#include "runtime/state.h"
#include "spec/spec.h"

#include <sys/types.h>

/* Whose filter it is. All borrowed. */
struct notify {
	const struct state *state;
	const struct spec *spec; /* NULL: dir has it */
	int dir;                 /* the container's folder */
	pid_t pid;               /* of the process, in our pid namespace */
};

/* While planning: is there a path, and a socket at it? Both are looked for only if wanted. */
int notify_check(const struct spec_seccomp *s, bool wanted, struct err *err) MUST_CHECK;

/* The parent: connect to the agent, and send it the fd with the container process state. */
int notify_deliver(const struct notify *to, int listener, struct err *err) MUST_CHECK;

/* The child: load the plan's filter, and return when the agent has its fd. Ends the child when it can't
 * be had, which the parent tells. */
int notify_load(struct making *m, struct err *err) MUST_CHECK;

#endif
