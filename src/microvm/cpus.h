/* All processors of a guest, a thread each: begun together, held together, ended together. */
#ifndef CTR_MICROVM_CPUS_H
#define CTR_MICROVM_CPUS_H

#include "base/cleanup.h"
#include "base/err.h"
#include "microvm/jail.h"
#include "microvm/kvm.h"
#include "microvm/layout.h"
#include "microvm/ports.h"
#include "microvm/vcpu.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum cpus_want { CPUS_RUN, CPUS_HOLD, CPUS_END };

struct cpu {
	struct cpus *all;
	struct vcpu vcpu;
	pthread_t thread;
};

struct cpus {
	struct cpu cpu[CPUS_MAX];
	unsigned int count, started;
	struct ports *ports;   /* borrowed */
	enum jail_thread jail; /* of their threads */
	int wake; /* borrowed: an eventfd that is written to when the first of them has ended */
	_Atomic enum cpus_want want;
	pthread_mutex_t lock;   /* of what follows */
	pthread_cond_t changed; /* running or want */
	unsigned int running;   /* threads that are neither held nor at their end */
	struct err err;         /* why the guest can't go on: the first one's */
};

/* No processors. It must not be moved once it has some. */
void cpus_init(struct cpus *c, struct ports *ports, int wake);

/* `count` of them, 1 to CPUS_MAX; the first is the one that begins. */
int cpus_make(struct cpus *c, const struct kvm *kvm, unsigned int count,
	      struct err *err) MUST_CHECK;

/* Let them run. The caller has blocked the signals that are its own: the threads inherit that. */
int cpus_start(struct cpus *c, struct err *err) MUST_CHECK;

/*
 * Hold all at the border of two instructions, with nothing of a device half done; and let them go on. Both
 * wait until it is so. One call at a time, and none beside cpus_end().
 */
void cpus_hold(struct cpus *c);
void cpus_go_on(struct cpus *c);

/* True once one of them has ended the machine, or can't go on. */
bool cpus_ended(const struct cpus *c);

/* End all threads, wherever they are, and wait for that. 0, or what a processor died of. */
int cpus_end(struct cpus *c, struct err *err) MUST_CHECK;

void cpus_free(struct cpus *c);

#endif
