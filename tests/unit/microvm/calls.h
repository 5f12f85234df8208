/* What devices ask of KVM, written down instead: which message an interrupt has, which doorbells there are. */
#ifndef TESTS_UNIT_MICROVM_CALLS_H
#define TESTS_UNIT_MICROVM_CALLS_H

#include "microvm/wires.h"

struct calls {
	struct wires wires;
	int refuse; /* errno for what comes next; 0: it works */
	int routings, interrupts;
	struct {
		int fd;
		uint32_t address, data;
	} messages[64];
	struct {
		uint64_t gpa;
		int fd;
	} bells[64];
	unsigned int bell_count;
};

void calls_init(struct calls *c);

/* How often was this interrupt raised since the last time? */
unsigned int calls_raised(struct calls *c, unsigned int number);

#endif
