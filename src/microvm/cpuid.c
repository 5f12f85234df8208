#include "microvm/cpuid.h"

#include "base/str.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>

_Static_assert(offsetof(struct cpuid, entries) == sizeof(struct kvm_cpuid2), "entries follow");

enum reg { EAX, EBX, ECX, EDX };

#define VMX (1U << 5) /* of leaf 1's ECX */
#define SVM (1U << 2) /* of leaf 80000001h's */

/* Bits that are taken away. Nested virtualization is, unless it's asked for: KVM's code for it is large. */
static const struct {
	uint32_t leaf;
	enum reg reg;
	uint32_t mask;
	bool nested;
} off[] = {
	{ 0x1, ECX, VMX, true },
	{ 0x1, ECX, 1U << 15, false }, /* PDCM: capabilities of the counters below */
	{ 0x7, ECX, 1U << 5, false },  /* WAITPKG: a guest could sit on a processor */
	{ 0xa, EAX, ~0U, false },      /* performance counters */
	{ 0xa, EBX, ~0U, false },
	{ 0xa, ECX, ~0U, false },
	{ 0xa, EDX, ~0U, false },
	{ 0x80000001, ECX, SVM, true },
	{ 0x8000000a, EAX, ~0U, true }, /* SVM's own leaf */
	{ 0x8000000a, EBX, ~0U, true },
	{ 0x8000000a, ECX, ~0U, true },
	{ 0x8000000a, EDX, ~0U, true },
};

#define INTEL 0x756e6547 /* "Genu", in leaf 0's EBX */
#define HTT (1U << 28)   /* of leaf 1's EDX: the count of ids in EBX is of a package with several */
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

int cpuid_check_nested(const struct cpuid *supported, struct err *err)
{
	for (uint32_t i = 0; i < supported->head.nent && i < CPUID_MAX; i++) {
		const struct kvm_cpuid_entry2 *e = &supported->entries[i];

		if ((e->function == 0x1 && e->ecx & VMX) ||
		    (e->function == 0x80000001 && e->ecx & SVM))
			return 0;
	}
	return err_set(
		err, ENOTSUP,
		"--nested (vm.hwConfig.nested): this host's KVM passes neither VT-x nor AMD-V on "
		"to a guest: load kvm_intel or kvm_amd with nested=1");
}

/* How many bits of an APIC id it takes to tell `count` processors apart. */
static unsigned int bits_for(unsigned int count)
{
	unsigned int bits = 0;

	while (1U << bits < count)
		bits++;
	return bits;
}

/*
 * Leaves 4 (Intel) and 8000001Dh (AMD): who shares a cache. The last level's are all, of the others nobody:
 * each processor is a core with one thread.
 */
static void adapt_cache(struct kvm_cpuid_entry2 *e, unsigned int count)
{
	unsigned int type = e->eax & 0x1f, level = e->eax >> 5 & 7;
	unsigned int ids = 1U << bits_for(count);

	if (!type)
		return;
	e->eax &= 0x3fff;
	if (level >= 3)
		e->eax |= (ids - 1) << 14;
	if (e->function == 0x4)
		e->eax |= (ids - 1) << 26;
}

static void take_away(struct kvm_cpuid_entry2 *e, bool nested)
{
	for (size_t i = 0; i < ARRAY_LEN(off); i++)
		if (off[i].leaf == e->function && (e->function != 7 || e->index == 0) &&
		    !(nested && off[i].nested))
			*reg_of(e, off[i].reg) &= ~off[i].mask;
}

static void adapt_entry(struct kvm_cpuid_entry2 *e, unsigned int id, unsigned int count, bool intel,
			int deadline_timer)
{
	switch (e->function) {
	case 0x1:
		e->ecx |= HYPERVISOR | (deadline_timer ? TSC_DEADLINE : 0);
		e->ebx = (e->ebx & 0xffff) | count << 16 | id << 24;
		e->edx = count > 1 ? e->edx | HTT : e->edx & ~HTT;
		break;
	case 0x4:
	case 0x8000001d:
		adapt_cache(e, count);
		break;
	case 0x80000008: /* AMD: the number of cores, less one, and the bits for it */
		if (!intel)
			e->ecx = (e->ecx & ~0xf0ffU) | (count - 1) | bits_for(count) << 12;
		break;
	case 0x8000001e: /* AMD: our id; which core; one node, and in it */
		e->eax = id;
		e->ebx = id;
		e->ecx = 0;
		break;
	default:
		break;
	}
}

/* 8000_0026h is AMD's newer word for what Bh says; without it, that counts. */
static bool is_topology(const struct kvm_cpuid_entry2 *e)
{
	return e->function == 0xb || e->function == 0x1f || e->function == 0x80000026;
}

/* One level of leaf Bh or 1Fh: threads of a core (type 1), cores of the package (type 2), no more (0). */
static void add_topology(struct cpuid *c, uint32_t leaf, unsigned int id, unsigned int count)
{
	const struct {
		uint32_t shift, count, type;
	} levels[] = { { 0, 1, 1 }, { bits_for(count), count, 2 }, { 0, 0, 0 } };

	for (uint32_t i = 0; i < ARRAY_LEN(levels) && c->head.nent < CPUID_MAX; i++)
		c->entries[c->head.nent++] =
			(struct kvm_cpuid_entry2){ .function = leaf,
						   .index = i,
						   .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
						   .eax = levels[i].shift,
						   .ebx = levels[i].count,
						   .ecx = levels[i].type << 8 | i,
						   .edx = id };
}

void cpuid_adapt(struct cpuid *c, unsigned int id, unsigned int count, int deadline_timer,
		 bool nested)
{
	uint32_t kept = 0, last = 0;
	bool intel = false;

	for (uint32_t i = 0; i < c->head.nent && i < CPUID_MAX; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == 0) {
			last = e->eax;
			intel = e->ebx == INTEL;
		}
		if (is_topology(e))
			continue;
		take_away(e, nested);
		adapt_entry(e, id, count, intel, deadline_timer);
		c->entries[kept++] = *e;
	}
	c->head.nent = kept;
	if (last >= 0xb)
		add_topology(c, 0xb, id, count);
	if (last >= 0x1f)
		add_topology(c, 0x1f, id, count);
}
