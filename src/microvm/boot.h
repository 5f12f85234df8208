/* What is in a guest's memory when its first processor starts: Xen's PVH, as Linux speaks it, or Linux' own. */
#ifndef CTR_MICROVM_BOOT_H
#define CTR_MICROVM_BOOT_H

#include "base/err.h"
#include "microvm/kernel.h"
#include "microvm/memory.h"

/* What is to be started. The strings and the kernel are borrowed. */
struct boot {
	const struct kernel *kernel;
	const char *console; /* words about it; NULL: none */
	const char *initrd;  /* path; NULL: none */
	const char *append;  /* NULL: nothing */
	unsigned int cpus;
};

/* What stands before `append`, behind `console`; that may say otherwise: the last word counts for Linux. */
#define BOOT_WORDS "panic=-1 pci=noearly"

int boot_write(const struct boot *b, const struct memory *m, struct err *err) MUST_CHECK;

#endif
