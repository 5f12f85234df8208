/* What the probe's guest runs: instructions that an unmodified kernel can't do without. */
#ifndef CTR_MICROVM_PROBE_GUEST_H
#define CTR_MICROVM_PROBE_GUEST_H

#include <stdint.h>

#define PROBE_GPA \
	0x1000 /* where it is put, and entered as by PVH, with the check's number in ebx */

#define PROBE_PORT_ASK 0xf5 /* reads as PROBE_ANSWER */
#define PROBE_PORT_SAY 0xf4 /* the check's last word: one of the following */
#define PROBE_ANSWER 0x5a
#define PROBE_GOOD 1
#define PROBE_BAD 2

#define PROBE_MMIO_GPA 0xd0000000U /* no memory: reads as PROBE_MMIO_ANSWER */
#define PROBE_MMIO_ANSWER 0x12345678U

/* The numbers are known to the guest. */
enum probe_check {
	PROBE_PORT = 1,
	PROBE_LONG_MODE,
	PROBE_CPUID,
	PROBE_MSR,
	PROBE_PAGE_FAULT,
	PROBE_PAGE_TABLE,
	PROBE_SYSCALL,
	PROBE_MMIO,
	PROBE_TIMER,
	PROBE_HALT,
};

extern const uint8_t probe_guest[], probe_guest_end[];

#endif
