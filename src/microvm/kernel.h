/*
 * A guest's kernel: what kind of file it is, and what of it goes where in the guest's memory. Every byte of
 * it is hostile until it was held against the file's end.
 */
#ifndef CTR_MICROVM_KERNEL_H
#define CTR_MICROVM_KERNEL_H

#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Documentation/arch/arm64/booting.rst */
#define KERNEL_ARM64_MAGIC_AT 56
#define KERNEL_ARM64_MAGIC "ARM\x64"

#define KERNEL_FILE_MAX (256U << 20)     /* bytes; Debian's largest is 70 MiB */
#define KERNEL_UNPACKED_MAX (512U << 20) /* bytes, of the vmlinux in a bzImage */
#define KERNEL_PARTS_MAX 16
#define KERNEL_LOW_GPA 0x100000ULL   /* what is below is the launcher's, to put tables there */
#define KERNEL_END_GPA 0xc0000000ULL /* what is above is no memory but devices */

/* One piece of the kernel: `file` bytes at data + offset go to gpa, zeros behind them up to `memory`. */
struct kernel_part {
	size_t offset, file;
	uint64_t gpa, memory;
};

/* All zero is none. The parts' offsets are into data, which is owned. */
struct kernel {
	char *data;
	size_t len;
	struct kernel_part parts[KERNEL_PARTS_MAX];
	size_t count;
	uint64_t end_gpa; /* the first byte that no part covers, nor any after it */
	uint32_t
		entry; /* PVH's: 32-bit protected mode without paging; or the bzImage's: 64-bit mode */
	bool setup;    /* it is a bzImage, whose setup header is told from KERNEL_SETUP_START */
	uint32_t setup_end;      /* to here, in data */
	uint64_t initrd_end_gpa; /* an initramfs may not reach further; 0: anywhere */
};

#define KERNEL_SETUP_START 0x1f1
#define KERNEL_SETUP_MAX 0x290 /* where the zero page has something else */

/* By which entry: that of the vmlinux, or that of the bzImage around it. */
enum kernel_boot { KERNEL_PVH, KERNEL_BZIMAGE };

/*
 * Read a kernel: an ELF vmlinux with a PVH entry, or a bzImage that carries one packed by xz or zstd.
 * `name` is what errors call the file. -ENOEXEC: it is none of these; -ENOTSUP: one that we can't
 * start, and err says what it lacks.
 */
int kernel_read(const char *path, enum kernel_boot boot, struct kernel *ret,
		struct err *err) MUST_CHECK;

/* The same for what is in memory already; take data over in any case. */
int kernel_parse_bzimage(char *data, size_t len, const char *name, struct kernel *ret,
			 struct err *err) MUST_CHECK;
int kernel_parse(char *data, size_t len, const char *name, struct kernel *ret,
		 struct err *err) MUST_CHECK;

void kernel_free(struct kernel *kernel);
CLEAN_DEFINE(kernel, struct kernel, kernel_free)

#endif
