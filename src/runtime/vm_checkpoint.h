/*
 * Inside this room only: checkpoint and restore of a container in a micro-VM. Its launcher writes the machine
 * (ctr-vm(8), snapshot) into the image folder, and another launcher goes on from there.
 */
#ifndef CTR_RUNTIME_VM_CHECKPOINT_H
#define CTR_RUNTIME_VM_CHECKPOINT_H

#include "runtime/checkpoint.h"

/*
 * Can it be done, so, or a restore, as a copy or not: -ENOTSUP with words where not. `bundle`: the
 * container's, or NULL. Changes nothing.
 */
int vm_checkpoint_check(const struct spec *spec, const char *bundle, bool copy,
			const struct checkpoint_options *opt, struct err *err) MUST_CHECK;

/* container_checkpoint() by who holds the lock, of a container that runs or is paused. */
int vm_checkpoint(struct container *c, const struct checkpoint_options *opt,
		  struct err *err) MUST_CHECK;

struct images;
/* Is there such a checkpoint in the folder? -ENOENT with words. */
int vm_image_check(const struct images *images, struct err *err) MUST_CHECK;

/* container_restore() */
int vm_restore(int root, struct spec *spec, const struct create_options *opt,
	       const struct checkpoint_options *how, struct strv *warnings, struct container *ret,
	       struct err *err) MUST_CHECK;

#endif
