/*
 * A container that was renamed keeps the cgroup that it was made with, which goes by its first name:
 *
 *   ROOT/.renamed/GROUP   a group of that name isn't free, though the container's name is
 *
 * Written before the name is given away, and taken away with the container.
 */
#ifndef CTR_RUNTIME_RENAME_H
#define CTR_RUNTIME_RENAME_H

#include "runtime/container.h"

/* Does the group of that path bear the name of a container that was renamed? root_path: of the state root. */
bool rename_took(const char *root_path, const char *cgroup);

/* Its group is gone. */
void rename_forget(const struct container *c);

/*
 * Is the container's folder still in the state root? 1 or 0; under its lock the answer stays true. When somebody
 * renamed it, c->state.name is the new one then.
 */
int rename_find(struct container *c, struct err *err) MUST_CHECK;

#endif
