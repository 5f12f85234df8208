/*
 * Sockets that a service manager opened before it started us (sd_listen_fds(3)): fds 3 .. 3+count-1, with
 * LISTEN_PID in the environment, which is our pid. We have no use for any: they are for the payload.
 */
#ifndef CTR_MONITOR_ACTIVATION_H
#define CTR_MONITOR_ACTIVATION_H

#include "base/err.h"
#include "base/str.h"
#include "runtime/container.h"

/* More than we can hand on to a monitor in one message is more than anybody has. */
#define ACTIVATION_MAX 200

struct activation {
	unsigned int count; /* 0: there are none, or they are meant for another process */
	const char *names; /* LISTEN_FDNAMES, with colons between; borrowed; NULL: they have none */
};

/* Read the environment. Opens and closes nothing. */
int activation_read(struct activation *ret, struct err *err) MUST_CHECK;

/* They are the container's: the first of the fds that it gets. */
void activation_pass(const struct activation *a, struct create_options *opt);

/* Is there something among them by which a container could leave its root? */
int activation_check(const struct activation *a, struct err *err) MUST_CHECK;

#endif
