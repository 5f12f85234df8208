/* The root of a container's launcher. */
#ifndef CTR_MICROVM_JAIL_ROOT_H
#define CTR_MICROVM_JAIL_ROOT_H

#include "base/err.h"

/*
 * Leave the container's root, which is the guest's to share, and its /proc for a root of our own that can't be written
 * to and has nothing in it but the folder WIRE_LAUNCHER_FILES, where the container's root is from now on: for who looks at
 * it from outside. We use it by the fd that is open. Needs CAP_SYS_ADMIN, of one thread.
 */
int jail_root(struct err *err) MUST_CHECK;

#endif
