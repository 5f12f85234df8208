/* A clone made from inside of namespaces from which there is no way back. */
#ifndef CTR_RUNTIME_STONE_H
#define CTR_RUNTIME_STONE_H

#include "runtime/stages.h"

/*
 * What is made in a user namespace belongs to it, so it has to be entered before the clone, and nobody
 * comes back from it; nor does the root of a user namespace from any other that belongs to it, into his
 * own, which belong to who was before him. A stepping stone goes in by `enter`, clones a sibling of its own with
 * CLONE_PARENT (which is our child then), tells us its pid, and ends. The sibling runs `child`, which
 * never returns. Fills m->pid and m->pidfd.
 */
int stone_clone(struct making *m, int (*enter)(struct making *m, struct err *err), uint64_t flags,
		void (*child)(struct making *m), struct err *err) MUST_CHECK;

/* A clone failed with this errno: says so, and what to look at. Returns -error. */
int clone_failed(int error, struct err *err);

#endif
