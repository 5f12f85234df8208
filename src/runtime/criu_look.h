/* Inside this room only: the processes of a container, as criu will find them. */
#ifndef CTR_RUNTIME_CRIU_LOOK_H
#define CTR_RUNTIME_CRIU_LOOK_H

#include "base/err.h"
#include "base/str.h"
#include "runtime/checkpoint.h"

/*
 * What they have open or are, and what can't be dumped with these options: appended to *ret, one text
 * each. `external` are the files that are outside and provided for.
 */
int criu_look(struct container *c, const struct checkpoint_options *opt,
	      const struct strv *external, struct strv *ret, struct err *err) MUST_CHECK;

#endif
