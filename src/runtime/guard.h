/*
 * Our own executable, out of reach of containers. A process of ours that enters a container can be
 * found there as /proc/PID/exe, and a payload that is a script for /proc/self/exe is our own program
 * run again: either way leads root in the container to the file of the host's `ctr`, to overwrite it
 * as soon as it no longer runs (CVE-2019-5736).
 */
#ifndef CTR_RUNTIME_GUARD_H
#define CTR_RUNTIME_GUARD_H

#include "base/err.h"

#include <stdbool.h>

/*
 * Make sure that this process runs from a read-only mount, by executing itself again from a detached
 * read-only clone of the mount where that is not so. Call it first thing in a program that will enter
 * a container, before it has done or read anything; it returns only when there is nothing to do or on
 * failure. The arguments, the environment and open fds go on as they are.
 */
int guard_self(struct err *err) MUST_CHECK;

/* That was done before the C library had started (guard_entry.c). */
extern bool guard_done __attribute__((visibility("hidden")));

#endif
