/* Can a guest be run here as it's asked for? Asked before anything is begun, for nothing falls back to something else. */
#ifndef CTR_MICROVM_USABLE_H
#define CTR_MICROVM_USABLE_H

#include "base/err.h"

#include <stdbool.h>

/*
 * By KVM: -ENOENT and the like, with words that say exactly why not, and what there is instead. Where the processor
 * shows neither VT-x nor AMD-V the guests of probe.h are run. `nested`: can guests have guests, too? Of one thread only.
 */
int usable_kvm(const char *device, bool nested, struct err *err) MUST_CHECK;

#endif
