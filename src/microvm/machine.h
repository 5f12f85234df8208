/* A guest from its kernel to its end. */
#ifndef CTR_MICROVM_MACHINE_H
#define CTR_MICROVM_MACHINE_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct machine_options {
	const char *kernel, *initrd, *append; /* paths; initrd and append may be NULL */
	uint64_t memory;                      /* bytes */
	int console;                          /* where the guest's serial port goes */
};

#define MACHINE_EXIT_DIED 1

/*
 * Start it and wait until it powers off or resets: 0. -errno with words otherwise; where the guest had
 * begun, err.exit_status is MACHINE_EXIT_DIED and `tail` has the last lines of its console.
 */
int machine_run(const struct machine_options *opt, struct str *tail, struct err *err) MUST_CHECK;

#endif
