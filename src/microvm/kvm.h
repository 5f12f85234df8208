/* /dev/kvm: what it must be able to do, and why it can't be used where it can't. */
#ifndef CTR_MICROVM_KVM_H
#define CTR_MICROVM_KVM_H

#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* A virtual machine without memory and vCPUs; its interrupt controllers are the kernel's. */
struct kvm {
	int dev, vm;
	size_t run_size; /* bytes of a vCPU's shared page(s) */
	bool nested; /* the caller's to set: its processors may have virtual machines of their own */
};

#define KVM_NONE                    \
	{                           \
		.dev = -1, .vm = -1 \
	}

/*
 * Open it and make a machine. -ENOENT, -EACCES, -ENODEV: there is none for us here; -ENOTSUP: it lacks
 * a capability, which err names.
 */
int kvm_make(const char *path, struct kvm *ret, struct err *err) MUST_CHECK;

/* Has the processor what hardware virtualization takes (vmx or svm in this text of /proc/cpuinfo)? */
bool kvm_cpu_has_hardware(const char *cpuinfo);
/* The same by the instruction (CPUID): no file is opened. */
bool kvm_has_hardware(void);

void kvm_free(struct kvm *kvm);
CLEAN_DEFINE(kvm, struct kvm, kvm_free)

#endif
