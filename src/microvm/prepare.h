/*
 * What a guest needs of the host before it can be started in a jail: its kernel unpacked and an initramfs with
 * ctr-guest, in a cache (prepare_cache.h), made once for each pair of kernel and ctr-guest. A kernel for another kind
 * of processor needs a ctr-guest for that: ctr-guest-MACHINE.
 */
#ifndef CTR_MICROVM_PREPARE_H
#define CTR_MICROVM_PREPARE_H

#include "base/err.h"

#include <stdbool.h>

#define PREPARE_KERNEL "vmlinux"
#define PREPARE_INITRD "initramfs"

/* By what the guest is to be run: that is looked for before. */
enum prepare_for { PREPARE_FOR_ANY, PREPARE_FOR_KVM, PREPARE_FOR_EMULATOR };

struct prepare {
	enum prepare_for what;
	bool nested;        /* the guest is to have machines of its own */
	const char *cache;  /* a folder, made where it is missing */
	const char *kernel; /* NULL: the newest of /boot */
	const char *
		modules; /* NULL: that of its version beside a kernel's boot/, or below /lib/modules */
	const char *module; /* one that the guest needs beside the usual; NULL: none */
};

/* *ret: the folder in the cache with both files, a path, the caller's. */
int prepare_guest(const struct prepare *p, char **ret, struct err *err) MUST_CHECK;

#endif
