/* From the kernel's first process to a system in which a container can be. */
#ifndef CTR_GUEST_BOOT_H
#define CTR_GUEST_BOOT_H

#include "base/err.h"

#include <stdbool.h>

/*
 * Load the modules that came with us, mount what a system has, go to a root of our own (an initramfs can't be
 * pivoted away from), bring up the loopback interface.
 */
int boot_system(struct err *err) MUST_CHECK;

/*
 * The container's files at WIRE_ROOTFS: as the host shares them; or, where `image` is a file system, those of WIRE_IMAGE,
 * and what the host shares besides at WIRE_VOLUMES. `readonly`: nobody writes to that disk.
 */
int boot_rootfs(const char *image, bool readonly, struct err *err) MUST_CHECK;

/* All that was written is the host's, and a disk can be taken away. Nobody writes any more. */
void boot_files_done(void);

/* Call the host: a stream. */
int boot_dial(struct err *err) MUST_CHECK;
/* Where the host calls, for each further process: a socket that listens. */
int boot_listen(struct err *err) MUST_CHECK;

/* The same; then the machine is off. */
void boot_off(void) __attribute__((noreturn));

#endif
