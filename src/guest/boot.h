/* From the kernel's first process to a system in which a container can be. */
#ifndef CTR_GUEST_BOOT_H
#define CTR_GUEST_BOOT_H

#include "base/err.h"

/*
 * Load the modules that came with us, mount what a system has, go to a root of our own (an initramfs can't be
 * pivoted away from), bring up the loopback interface.
 */
int boot_system(struct err *err) MUST_CHECK;

/* The container's files, as the host shares them, at WIRE_ROOTFS. */
int boot_rootfs(struct err *err) MUST_CHECK;

/* Call the host: a stream. */
int boot_dial(struct err *err) MUST_CHECK;
/* Where the host calls, for each further process: a socket that listens. */
int boot_listen(struct err *err) MUST_CHECK;

/* All that was written is the host's; then the machine is off. */
void boot_off(void) __attribute__((noreturn));

#endif
