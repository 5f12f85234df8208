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

/* In a thread that serves no files: no rights at all, nor in those that it makes from here on. */
int jail_drop(struct err *err) MUST_CHECK;

#endif
