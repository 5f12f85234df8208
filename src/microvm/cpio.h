/* An archive as Linux takes for its initramfs: cpio's "newc" (Documentation/driver-api/early-userspace). */
#ifndef CTR_MICROVM_CPIO_H
#define CTR_MICROVM_CPIO_H

#include "base/str.h"

#include <stddef.h>
#include <sys/types.h>

/* Append a file or (S_IFDIR) a folder of root's; folders before what is in them. */
void cpio_add(struct str *archive, const char *name, mode_t mode, const void *data, size_t len);
void cpio_end(struct str *archive);

#endif
