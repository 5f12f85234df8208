/* A guest from its kernel to its end. */
#ifndef CTR_MICROVM_MACHINE_H
#define CTR_MICROVM_MACHINE_H

#include "base/err.h"
#include "base/str.h"
#include "microvm/devices.h"
#include "microvm/kernel.h"
#include "microvm/payload.h"
#include "microvm/talk.h"

#include <stdint.h>

struct machine_options {
	/* Paths, or "fd:N" (given.h); initrd and append may be NULL. */
	const char *kernel, *initrd, *append, *kvm;
	const char *emulator; /* the folder of an emulator (emulated.h); NULL: on KVM */
	enum kernel_boot boot;
	uint64_t memory; /* bytes */
	unsigned int cpus;
	bool nested; /* they may have virtual machines of their own */
	enum talk_kind talk;
	int console, input; /* where the guest's console goes, and where from; -1 */
	int stop; /* readable: it is to end, and signals are the caller's; -1: signals end it */
	/* Tell the user something while the guest runs; NULL: nobody listens. */
	void (*note)(const char *text);
	const char *restore; /* DIR[,unchecked]: the snapshot to go on from; NULL: from a kernel */
	const char *control; /* the socket's path, or "fd:N"; NULL: none */
	struct payload *payload; /* what a snapshot has, too; borrowed; NULL: none */
	/* Called when the machine is made and has not yet begun; NULL: nobody waits for that. */
	int (*begin)(void *arg, struct err *err);
	void *arg;
	struct devices_options devices;
};

#define MACHINE_EXIT_DIED 1

/* How it ended. */
struct machine_result {
	struct str tail; /* the last lines of its console, where it died */
	int signal;      /* which one of ours ended it: SIGTERM and the like; 0 */
};

void machine_result_free(struct machine_result *r);
CLEAN_DEFINE(machine_result, struct machine_result, machine_result_free)

/*
 * Start it and wait until it powers off or resets, ctrl-a x is typed, or a signal ends it: 0. -errno with words otherwise; where
 * the guest had begun, err.exit_status is MACHINE_EXIT_DIED and ret->tail is set. The signals that end it
 * have their old mask again on return.
 */
int machine_run(const struct machine_options *opt, struct machine_result *ret,
		struct err *err) MUST_CHECK;

#endif
