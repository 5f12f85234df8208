/* Inside this room only: who tells of a container's end, and when. */
#ifndef CTR_RUNTIME_ENDS_H
#define CTR_RUNTIME_ENDS_H

#include "runtime/container.h"

/* By who holds its lock and is about to write down that it has ended: kills for want of memory are looked up
 * and told. While it has its cgroup. */
void end_look(struct container *c);

/* Likewise, once it is written down: tell of the end, if that wasn't done. */
void end_tell(struct container *c);

/*
 * Its init has ended: wait a moment for who waits for it to tell of that; tell, where nobody does. Without the
 * lock.
 */
void end_await(struct container *c);

/* Look at the folder again: by who holds the lock (container.c). */
int container_load(struct container *c, struct err *err) MUST_CHECK;

#endif
