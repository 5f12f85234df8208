/* Inside this room only: what rootfs_sources_open() left to the child. */
#ifndef CTR_ROOTFS_SOURCES_H
#define CTR_ROOTFS_SOURCES_H

#include "rootfs/rootfs.h"

/* Open the trees that are not open yet, in the caller's mount namespace. */
int sources_open_missing(struct rootfs_plan *plan, struct err *err) MUST_CHECK;

#endif
