/* Inside this room only: the processes of a container that has no cgroup of its own. */
#ifndef CTR_RUNTIME_PIDS_H
#define CTR_RUNTIME_PIDS_H

#include "runtime/container.h"

/* Signal every process in the container's own pid namespace. -ENOTSUP: it has none. */
int pids_signal(const struct container *c, int signal, struct err *err) MUST_CHECK;

#endif
