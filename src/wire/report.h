/*
 * What a launcher writes down for the host of its guest, while it runs and behind its end: one page that both have
 * mapped, which the guest's kernel, were it to break out, could fill with what it likes and not make larger.
 */
#ifndef CTR_WIRE_REPORT_H
#define CTR_WIRE_REPORT_H

#include <stdint.h>

#define WIRE_REPORT_BYTES 4096
#define WIRE_NAME_MAX 64

struct wire_report {
	uint64_t began_ns;  /* CLOCK_MONOTONIC: the process began, or went on; 0: not yet */
	uint32_t oom_kills; /* processes that the guest's kernel ended for want of memory */
	uint32_t oom_pid;   /* the last one's, there */
	char oom_name[WIRE_NAME_MAX]; /* its name, as the kernel's log has it */
};

_Static_assert(sizeof(struct wire_report) <= WIRE_REPORT_BYTES, "it is one page");

#endif
