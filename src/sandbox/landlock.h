/*
 * Landlock: which files a thread may reach by name, whatever other rights it has. landlock(7). On top of all else, and
 * never taken back.
 */
#ifndef CTR_SANDBOX_LANDLOCK_H
#define CTR_SANDBOX_LANDLOCK_H

#include "base/err.h"

#include <stdbool.h>

/* The version of the kernel's; 0: it has none. */
int landlock_version(void) MUST_CHECK;

/*
 * From here on this thread, and those that it makes, open, make, remove and move nothing but what is below the folder
 * `root`, an fd; -1: nothing at all. Nor do they bind or connect TCP, or connect to abstract sockets of others, where
 * the kernel knows that. What is open stays so. Wants no_new_privs. 1: it is so. 0: this kernel can't: it has no
 * Landlock, or (`root`, before 5.19) one that would forbid to move files between folders.
 */
int landlock_confine(int root, struct err *err) MUST_CHECK;

#endif
