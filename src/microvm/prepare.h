/*
 * What a guest needs of the host before it can be started in a jail: its kernel unpacked and an initramfs with
 * ctr-guest, in a cache (prepare_cache.h), made once for each pair of kernel and ctr-guest.
 */
#ifndef CTR_MICROVM_PREPARE_H
#define CTR_MICROVM_PREPARE_H

#include "base/err.h"

#define PREPARE_KERNEL "vmlinux"
#define PREPARE_INITRD "initramfs"

struct prepare {
	const char *cache;   /* a folder, made where it is missing */
	const char *kernel;  /* NULL: the newest of /boot */
	const char *modules; /* NULL: that of the kernel's version below /lib/modules */
};

/* *ret: the folder in the cache with both files, a path, the caller's. */
int prepare_guest(const struct prepare *p, char **ret, struct err *err) MUST_CHECK;

#endif
