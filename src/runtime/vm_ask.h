/*
 * Ask the guest of a running micro-VM what is in it: man/ctr-wire.7, ASK. It may say what it likes: each number is in
 * its range, texts and lists have an end, and nothing but showing is to be done with them.
 */
#ifndef CTR_RUNTIME_VM_ASK_H
#define CTR_RUNTIME_VM_ASK_H

#include "runtime/processes.h"
#include "runtime/usage.h"

/*
 * -errno with words: it is paused (-EBUSY), doesn't answer in time (a second, -ETIMEDOUT; ten for the processes), or
 * what it says is none of that. For one that begins or ends that is the rule.
 */
int vm_usage(struct container *c, struct usage *ret, struct err *err) MUST_CHECK;
int vm_processes(struct container *c, struct procs *ret, struct err *err) MUST_CHECK;

#endif
