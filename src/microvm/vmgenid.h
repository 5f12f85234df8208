/*
 * The number of a guest's generation: 16 random bytes that are others whenever it goes on from a snapshot, by which its
 * kernel (CONFIG_VMGENID) knows that somebody else may have all that it has, and takes new random numbers first of all.
 * Microsoft's "Virtual Machine Generation ID"; the row of the DSDT says where it is.
 */
#ifndef CTR_MICROVM_VMGENID_H
#define CTR_MICROVM_VMGENID_H

#include "microvm/memory.h"

#define VMGENID_BYTES 16
#define VMGENID_IRQ 5

/* A new one. */
int vmgenid_write(const struct memory *m, struct err *err) MUST_CHECK;

/* The guest hears of it as soon as it runs. `vm` is KVM's fd. */
int vmgenid_tell(int vm, struct err *err) MUST_CHECK;

#endif
