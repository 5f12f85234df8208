/* Which of a kernel's modules a container's guest needs, and their bytes. */
#ifndef CTR_MICROVM_MODULES_H
#define CTR_MICROVM_MODULES_H

#include "base/err.h"
#include "base/str.h"

/*
 * Put those that are not built in, each behind those that it needs, into `archive` as modules/NAME.ko, and their
 * names as a list into modules/load. `folder` is the kernel's below /lib/modules; one that isn't there means
 * that all is built in. `more`: one beside the usual, or NULL. -ENOENT with words: one that is needed can't be had.
 */
int modules_add(const char *folder, const char *more, struct str *archive,
		struct err *err) MUST_CHECK;

#endif
