/*
 * What a launcher in a container of its own gives up before its guest begins. The container's namespaces, group and
 * root were made by who started us (runtime/vm.h).
 */
#ifndef CTR_MICROVM_JAIL_H
#define CTR_MICROVM_JAIL_H

#include "base/err.h"

/*
 * All that is needed by name is open: /proc goes out of sight, so that no share leads there, and of the rights
 * only those to files are left, for the threads that serve shares. -errno with words: /proc is still there.
 */
int jail_enter(struct err *err) MUST_CHECK;

/* What a thread is for, and so which system calls it may make. */
enum jail_thread {
	JAIL_NONE,    /* there is no jail */
	JAIL_CPU,     /* runs a processor, and answers for the bus */
	JAIL_DEVICE,  /* moves bytes of devices */
	JAIL_SHARE,   /* serves files: alone in that it opens some */
	JAIL_CONTROL, /* holds the processors and lets them go on, as it is asked to */
	JAIL_OWNER,   /* starts and ends the others, and moves a process' bytes */
};

/*
 * From here on this thread can make no other system call: the kernel kills all of us then, which is what a guest
 * comes to that makes us do what we never do. Behind jail_enter().
 */
int jail_thread(enum jail_thread what, struct err *err) MUST_CHECK;

/* In a thread that serves no files: no rights at all, nor in those that it makes from here on. */
int jail_drop(struct err *err) MUST_CHECK;

#endif
