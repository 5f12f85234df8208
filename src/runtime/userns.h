/* A user namespace that stands for a container's: for who works on its files from outside. */
#ifndef CTR_RUNTIME_USERNS_H
#define CTR_RUNTIME_USERNS_H

#include "base/err.h"
#include "spec/spec.h"

/* A user namespace with these maps, as an fd, the caller's: the kernel reads only the maps. */
int userns_make(const spec_id_maps *uids, const spec_id_maps *gids, struct err *err) MUST_CHECK;

/*
 * The ids that we have, mapped to themselves: all, but in a user namespace those that it has. For a namespace that takes
 * away rights, and nothing else. Emptied before.
 */
int userns_same_ids(spec_id_maps *ret_uids, spec_id_maps *ret_gids, struct err *err) MUST_CHECK;

#endif
