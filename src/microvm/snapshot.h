/*
 * A whole machine into two files, its state and its memory, and on from there: in a folder they are "state" and
 * "memory". What is connected to its devices on the host isn't in them, and is given anew.
 */
#ifndef CTR_MICROVM_SNAPSHOT_H
#define CTR_MICROVM_SNAPSHOT_H

#include "microvm/machine_parts.h"
#include "microvm/snapshot_file.h"

/*
 * Into empty files, borrowed. The processors are held, by the caller; the devices stand still meanwhile. -EOPNOTSUPP:
 * a device of it can't be carried over.
 */
int snapshot_save(struct machine *m, int state, int memory, struct err *err) MUST_CHECK;

/* The same into new files of a folder, made where it is missing. -EEXIST: one is there. */
int snapshot_save_at(struct machine *m, const char *path, struct err *err) MUST_CHECK;

/*
 * Open that of a folder, by its path or "fd:N", behind which ",unchecked" may be (memory_file.h): the machine gets its
 * memory, and the number of its processors. Nothing of it is used that isn't as it was written.
 */
int snapshot_open(struct machine *m, const char *text, struct snapshot *ret,
		  struct err *err) MUST_CHECK;

/* The rest of it, into a machine whose devices and processors are made, and don't run. -EINVAL: it is another machine. */
int snapshot_load(struct machine *m, const struct snapshot *s, struct err *err) MUST_CHECK;

#endif
