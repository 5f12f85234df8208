/* What a guest's processor says of itself: what the host's can, less what isn't to be passed on. */
#ifndef CTR_MICROVM_CPUID_H
#define CTR_MICROVM_CPUID_H

#include "base/err.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#define CPUID_MAX 256

/* KVM's form, struct kvm_cpuid2, with room for the entries. */
struct cpuid {
	struct {
		uint32_t nent, padding;
	} head;
	struct kvm_cpuid_entry2 entries[CPUID_MAX];
};

/* Ask KVM what it can pass on. */
int cpuid_supported(int dev, struct cpuid *ret, struct err *err) MUST_CHECK;

/* Is VMX or SVM among it? -ENOTSUP with words: the host's modules keep it from guests. */
int cpuid_check_nested(const struct cpuid *supported, struct err *err) MUST_CHECK;

/*
 * Make of that what processor `id` of `count` says: they are the cores of one package, a thread each, and
 * the number is the APIC id. VMX and SVM are hidden unless `nested`. Nothing is asked.
 */
void cpuid_adapt(struct cpuid *c, unsigned int id, unsigned int count, int deadline_timer,
		 bool nested);

#endif
