/* One processor of a guest: how it starts, and what is done each time it stops. */
#ifndef CTR_MICROVM_VCPU_H
#define CTR_MICROVM_VCPU_H

#include "base/cleanup.h"
#include "base/err.h"
#include "microvm/kvm.h"
#include "microvm/ports.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>

struct vcpu {
	int fd;
	struct kvm_run *run; /* shared with the kernel */
	size_t run_size;
};

#define VCPU_NONE        \
	{                \
		.fd = -1 \
	}

/* Processor `id` of `count`, with its CPUID. */
int vcpu_make(const struct kvm *kvm, unsigned int id, unsigned int count, struct vcpu *ret,
	      struct err *err) MUST_CHECK;

/* Let it begin at a kernel's PVH entry: 32-bit protected mode, flat segments, no paging. */
int vcpu_enter_pvh(const struct vcpu *v, uint32_t entry, uint32_t start_gpa,
		   struct err *err) MUST_CHECK;

/* Or at a bzImage's 64-bit entry, with its zero page, descriptors and page tables. */
int vcpu_enter_long(const struct vcpu *v, uint64_t entry, uint64_t zero_gpa, uint64_t gdt_gpa,
		    uint64_t tables_gpa, struct err *err) MUST_CHECK;

/*
 * Run it until the guest ends its machine (ports->end says how) or vcpu_kick(). What the guest had begun
 * with a device is complete then. -errno with words: the guest can't go on, and why.
 */
int vcpu_run(struct vcpu *v, struct ports *ports, struct err *err) MUST_CHECK;

/*
 * Let vcpu_run() come back, or not begin, in the thread that runs it. VCPU_SIGNAL needs a handler that does
 * nothing, without SA_RESTART: it also ends a wait for the console's reader.
 */
#define VCPU_SIGNAL (SIGRTMIN + 1) /* musl keeps the first for itself, and refuses a handler */
void vcpu_kick(const struct vcpu *v, pthread_t thread);
int vcpu_take_signal(struct err *err) MUST_CHECK; /* such a handler */

/* The end of who was kicked is waited for with such a condition, until then at most: then the kick was lost. */
void vcpu_kick_init(pthread_cond_t *ended);
struct timespec vcpu_kick_again(void);

/* Before it goes on: its kernel, which may have a clock of KVM's, needn't think that it hung. From any thread. */
void vcpu_was_held(const struct vcpu *v);

void vcpu_free(struct vcpu *v);
CLEAN_DEFINE(vcpu, struct vcpu, vcpu_free)

#endif
