/* What the files of the life cycle (container.c, start.c, delete.c) share with each other only. */
#ifndef CTR_RUNTIME_LIFE_H
#define CTR_RUNTIME_LIFE_H

#include "runtime/container.h"

/* How long the kernel may take to end processes that were killed, before we say that it hangs. */
#define KILL_MS 10000

/* Kill every process in it and see that they end. A container without any is success. */
int container_kill_all(struct container *c, struct err *err) MUST_CHECK;

/*
 * A micro-VM's launcher, while its guest's processors are held: frozen it says nothing any more, thawed it answers again.
 * -errno: it can't be thawed.
 */
int launcher_freeze(struct container *c, bool frozen, struct err *err) MUST_CHECK;

/* An init that container_wait() left as a zombie. */
void container_reap(struct container *c);

/*
 * container_delete() by who holds its lock, whatever its state: processes, group and name, and after
 * them the poststop hooks, whose failures are appended to `warnings`.
 */
int container_destroy(struct container *c, struct strv *warnings, struct err *err) MUST_CHECK;

#endif
