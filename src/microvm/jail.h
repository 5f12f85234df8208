/*
 * What a launcher gives up before its guest begins: the process as a whole, then each of its threads as far as it can do
 * its job without. A container's launcher is in a container of its own besides, whose namespaces, group and root were
 * made by who started us (runtime/vm.h).
 */
#ifndef CTR_MICROVM_JAIL_H
#define CTR_MICROVM_JAIL_H

#include "base/err.h"

#include <stdbool.h>

/*
 * All that is needed is open, and more rights are never had. In a container of our own its root and /proc
 * go out of sight: ours is empty from then on, but for what is shared (jail_root.h). Of the rights only those to files
 * are left, for the threads that serve shares, which are made by this one. -errno with words: it is not so.
 */
int jail_enter(bool own_container, struct err *err) MUST_CHECK;

/* What a thread is for, and so what it may do. */
enum jail_thread {
	JAIL_NONE,    /* there is no jail */
	JAIL_CPU,     /* runs a processor, and answers for the bus */
	JAIL_DEVICE,  /* moves bytes of devices */
	JAIL_CALLER,  /* the same, and connects to sockets by name */
	JAIL_SHARE,   /* serves files: alone in that it opens some */
	JAIL_CONSOLE, /* writes what the guest says */
	JAIL_CONTROL, /* holds the processors and lets them go on, as it is asked to */
	JAIL_OWNER,   /* starts and ends the others, and moves a process' bytes */
	JAIL_RELAY,   /* moves the bytes of one more process, alone in its program */
	JAIL_HEARER,  /* hears what an emulator says of its devices, and ends it */
};

/*
 * From here on this thread can make no other system call: the kernel kills all of us then, which is what a guest
 * comes to that makes us do what we never do. It has no capabilities, nor have those that it makes, and by Landlock,
 * where the kernel has that, it reaches no file by name. But for JAIL_SHARE, which keeps its rights to files and
 * reaches what is below `root`, an fd; and JAIL_CALLER, which keeps them. Behind jail_enter().
 */
int jail_thread(enum jail_thread what, int root, struct err *err) MUST_CHECK;

/* No rights at all, and none by the next program either. */
int jail_bare(struct err *err) MUST_CHECK;

#endif
