/* Files that a user names, or whoever starts us in a jail hands over: "fd:7" is its fd 7. */
#ifndef CTR_MICROVM_GIVEN_H
#define CTR_MICROVM_GIVEN_H

#include "base/err.h"

#include <stdbool.h>

/* As open(2) has it, the caller's; with "fd:N" a duplicate. -errno, which errno is then as well, no words. */
int given_open(const char *path, int flags) MUST_CHECK;

/* N of "fd:N"; -1: it is a path. */
int given_number(const char *path);

/* All that was wanted of it is done: "fd:N" is closed, and nothing happens to a path. NULL: neither. */
void given_close(const char *path);

#endif
