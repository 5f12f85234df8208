/* The system calls that a kind of thread may make: jail.h has the whole. */
#ifndef CTR_MICROVM_JAIL_CALLS_H
#define CTR_MICROVM_JAIL_CALLS_H

#include "base/err.h"
#include "microvm/jail.h"

/* Of this thread, from here on; any other kills all of us. */
int jail_calls(enum jail_thread what, struct err *err) MUST_CHECK;

#endif
