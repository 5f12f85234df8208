/* What the files of a machine share with each other only. */
#ifndef CTR_MICROVM_MACHINE_PARTS_H
#define CTR_MICROVM_MACHINE_PARTS_H

#include "microvm/control.h"
#include "microvm/cpus.h"
#include "microvm/devices.h"
#include "microvm/kvm.h"
#include "microvm/memory.h"
#include "microvm/payload.h"
#include "microvm/ports.h"
#include "microvm/talk.h"

/* What the machine's devices reach. */
struct machine {
	struct kvm kvm;
	struct memory memory;
	struct cpus cpus;
	struct pci pci;
	struct devices devices;
	struct ports ports;
	struct talk talk;
	int wake; /* an eventfd: a processor has ended, the guest takes input again, or its watchdog bites */
	uint32_t entry;
	unsigned int cpu_count;
	struct control control;
	struct payload *payload; /* borrowed; NULL: none */
	pthread_mutex_t hold; /* of what follows, and for who holds processors or lets them go on */
	bool paused;
};

/* What the control socket asks for. */
extern const struct control_ops machine_control_ops;

/* Hold the guest where it is, until it is resumed by the control socket. From any thread. */
void machine_hold(struct machine *m);

#endif
