/* All of a processor, and of what KVM has beside processors, into a snapshot and out of it. */
#ifndef CTR_MICROVM_CPU_STATE_H
#define CTR_MICROVM_CPU_STATE_H

#include "microvm/kvm.h"
#include "microvm/snapshot_file.h"
#include "microvm/vcpu.h"

/* Processor `id`, which is held: sections CPU*. */
int cpu_state_save(const struct vcpu *v, const struct kvm *kvm, uint32_t id, struct str *out,
		   struct err *err) MUST_CHECK;

/* Of a fresh one, whose CPUID is set: -ENOTSUP: this host's processors can't go on with it. */
int cpu_state_load(const struct vcpu *v, const struct kvm *kvm, uint32_t id,
		   const struct snapshot *s, struct err *err) MUST_CHECK;

/* Interrupt controllers, timer and clock: section MACHINE. Loaded behind the processors. */
int vm_state_save(const struct kvm *kvm, struct str *out, struct err *err) MUST_CHECK;
int vm_state_load(const struct kvm *kvm, const struct snapshot *s, struct err *err) MUST_CHECK;

#endif
