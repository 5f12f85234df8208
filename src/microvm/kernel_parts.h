/* Between the files that read a kernel: one per format. */
#ifndef CTR_MICROVM_KERNEL_PARTS_H
#define CTR_MICROVM_KERNEL_PARTS_H

#include "microvm/kernel.h"

#include <stdbool.h>

/* By the first bytes alone. */
bool kernel_is_elf(const char *data, size_t len);
bool kernel_is_bzimage(const char *data, size_t len);

/* Fill parts, entry and end_gpa from the ELF file in k->data. */
int kernel_read_elf(struct kernel *k, const char *name, struct err *err) MUST_CHECK;

/* Fill all but data from the bzImage there, to be entered as such. */
int kernel_read_bzimage(struct kernel *k, const char *name, struct err *err) MUST_CHECK;

/* The vmlinux that a bzImage carries: *ret is the caller's. */
int kernel_unpack(const char *data, size_t len, const char *name, char **ret, size_t *ret_len,
		  struct err *err) MUST_CHECK;

#endif
