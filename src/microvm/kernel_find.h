/* Which kernel, where the user names none: the host's newest. */
#ifndef CTR_MICROVM_KERNEL_FIND_H
#define CTR_MICROVM_KERNEL_FIND_H

#include "base/err.h"

/*
 * The vmlinuz-VERSION with the highest version in the folder that can be read by us, as a path that is the
 * caller's. -ENOENT: there is none.
 */
int kernel_find(const char *folder, char **ret, struct err *err) MUST_CHECK;

#endif
