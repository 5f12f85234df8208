#include "microvm/cpuid.h"

#include "base/str.h"

#include <stddef.h>
#include <sys/ioctl.h>

_Static_assert(offsetof(struct cpuid, entries) == sizeof(struct kvm_cpuid2), "entries follow");

enum reg { EAX, EBX, ECX, EDX };

/* Bits that are taken away. All nested virtualization is: a guest's own guests are not ours to hold. */
static const struct {
	uint32_t leaf;
	enum reg reg;
	uint32_t mask;
} off[] = {
	{ 0x1, ECX, 1U << 5 },  /* VMX */
	{ 0x1, ECX, 1U << 15 }, /* PDCM: capabilities of the counters below */
	{ 0x7, ECX, 1U << 5 },  /* WAITPKG: a guest could sit on a processor */
	{ 0xa, EAX, ~0U },      /* performance counters */
	{ 0xa, EBX, ~0U },        { 0xa, ECX, ~0U },
	{ 0xa, EDX, ~0U },        { 0x80000001, ECX, 1U << 2 }, /* SVM, and its own leaf */
	{ 0x8000000a, EAX, ~0U }, { 0x8000000a, EBX, ~0U },
	{ 0x8000000a, ECX, ~0U }, { 0x8000000a, EDX, ~0U },
};

#define HYPERVISOR (1U << 31)
#define TSC_DEADLINE (1U << 24)

static __u32 *reg_of(struct kvm_cpuid_entry2 *e, enum reg reg)
{
	__u32 *const regs[] = { &e->eax, &e->ebx, &e->ecx, &e->edx };

	return regs[reg];
}

int cpuid_supported(int dev, struct cpuid *ret, struct err *err)
{
	ret->head.nent = CPUID_MAX;
	ret->head.padding = 0;
	if (ioctl(dev, KVM_GET_SUPPORTED_CPUID, &ret->head) < 0)
		return err_sys(err,
			       "ask what processors a guest can have (KVM_GET_SUPPORTED_CPUID)");
	return 0;
}

static void adapt_entry(struct kvm_cpuid_entry2 *e, unsigned int id, unsigned int count,
			int deadline_timer)
{
	for (size_t i = 0; i < ARRAY_LEN(off); i++)
		if (off[i].leaf == e->function && (e->function != 7 || e->index == 0))
			*reg_of(e, off[i].reg) &= ~off[i].mask;
	switch (e->function) {
	case 0x1:
		e->ecx |= HYPERVISOR | (deadline_timer ? TSC_DEADLINE : 0);
		e->ebx = (e->ebx & 0xffff) | count << 16 | id << 24;
		break;
	case 0xb:
	case 0x1f:
		e->edx = id;
		break;
	case 0x8000001e:
		e->eax = id;
		break;
	default:
		break;
	}
}

void cpuid_adapt(struct cpuid *c, unsigned int id, unsigned int count, int deadline_timer)
{
	for (size_t i = 0; i < c->head.nent && i < CPUID_MAX; i++)
		adapt_entry(&c->entries[i], id, count, deadline_timer);
}
