/* Volumes as ctr's verbs use them: where the store is, and what a container does to it. */
#ifndef CTR_CTR_VOLUMES_H
#define CTR_CTR_VOLUMES_H

#include "ctr/call.h"
#include "ctr/run_make.h"
#include "volume/volume.h"

/* --data-root, $CTR_DATA_ROOT, or the default of who we are: *ret is the caller's to free. */
int volumes_data_root(const char *flag, char **ret, struct err *err) MUST_CHECK;

/* The store, made where it is missing. */
int volumes_open(const struct call *call, struct volume_store *ret, struct err *err) MUST_CHECK;

/*
 * The volumes of a container that is about to be made: made where they are missing, filled with what its
 * root has at that place where they are empty and nobody else's, and in use. After a failure of what
 * follows, and when the container is gone, volumes_release().
 */
int volumes_begin(const struct call *call, struct run_made *m, struct err *err) MUST_CHECK;

/* A container is gone. Anonymous volumes of its own go with it, if asked. Failures are said. */
int volumes_release(struct call *call, const char *id, bool remove_anonymous);

#endif
