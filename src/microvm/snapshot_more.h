/*
 * What devices say of themselves in a snapshot beside their registers and queues, of any length: virtio.h, save_more()
 * and save_held().
 */
#ifndef CTR_MICROVM_SNAPSHOT_MORE_H
#define CTR_MICROVM_SNAPSHOT_MORE_H

#include "microvm/devices.h"
#include "microvm/snapshot_file.h"

struct snapshot_more {
	const struct devices *devices;
	struct str of[PCI_SLOTS]; /* in the order of the bus */
};

/*
 * Ask them, while none of their locks is held and the processors are: each that has something to say serves nothing from
 * then on. In any case they go on when it is freed.
 */
int snapshot_more_take(const struct devices *d, struct snapshot_more *ret,
		       struct err *err) MUST_CHECK;
/* Put it there, with all locks held: those that say it only then are asked now. */
void snapshot_more_add(struct snapshot_more *more, struct str *out);
void snapshot_more_free(struct snapshot_more *more);
CLEAN_DEFINE(snapshot_more, struct snapshot_more, snapshot_more_free)

/* Into devices that have all else, and whose threads run. */
int snapshot_more_load(const struct devices *d, const struct snapshot *s,
		       struct err *err) MUST_CHECK;

#endif
