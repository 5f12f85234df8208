/* A guest whose processors are emulated: what machine.h is for one on KVM. */
#ifndef CTR_MICROVM_EMULATED_H
#define CTR_MICROVM_EMULATED_H

#include "microvm/machine.h"

/*
 * As machine_run(), with an emulator in the place of KVM, for a container's payload: opt->emulator is a folder with
 * its root (emulator.h), where kernel and initramfs are, too; of the devices there are one share, the sockets and networks.
 * We are in a container of our own.
 */
int emulated_run(const struct machine_options *opt, struct machine_result *ret,
		 struct err *err) MUST_CHECK;

#endif
