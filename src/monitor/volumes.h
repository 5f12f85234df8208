/* The store of volumes, for containers of ours: what it has to ask is answered. */
#ifndef CTR_MONITOR_VOLUMES_H
#define CTR_MONITOR_VOLUMES_H

#include "volume/volume.h"

/* volume_store_open() of DATA, with the functions that it wants filled in. */
int volumes_store_open(const char *data, struct volume_store *ret, struct err *err) MUST_CHECK;

/* A container that removes itself is gone: it uses no volume any more, and its anonymous ones go too. */
int volumes_of_gone(const char *data, const char *id, struct err *err) MUST_CHECK;

#endif
