/*
 * The order is KVM's: what is read first may change what is read later (the state of a processor that waits for its
 * start), and what is set first is needed by what follows (CPUID by all, the APIC by its timer).
 */
#include "microvm/cpu_state.h"

#include "base/str.h"
#include "microvm/cpuid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define MSRS_MAX 1024
#define XSAVE_MAX 65536
#define MSR_TSC 0x10
#define MSR_TSC_DEADLINE 0x6e0

struct cpu_state {
	struct kvm_mp_state mp;
	uint32_t tsc_khz;
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debug;
	struct kvm_lapic_state lapic;
	struct kvm_vcpu_events events;
};

/* What one ioctl moves, between KVM and a place in struct cpu_state. */
struct part {
	unsigned long get, set;
	size_t at;
	const char *name;
};

#define PART(what, field)                                                                         \
	{                                                                                         \
		KVM_GET_##what, KVM_SET_##what, offsetof(struct cpu_state, field), "KVM_*_" #what \
	}

/* In both directions in this order; XSAVE, CPUID and MSRs are between them, and events are last. */
static const struct part parts[] = {
	PART(MP_STATE, mp), PART(REGS, regs),       PART(SREGS, sregs),
	PART(XCRS, xcrs),   PART(DEBUGREGS, debug), PART(LAPIC, lapic),
};
static const struct part events = PART(VCPU_EVENTS, events);

static int get(const struct vcpu *v, const struct part *p, struct cpu_state *s, struct err *err)
{
	return ioctl(v->fd, p->get, (char *)s + p->at) < 0 ?
		       err_sys(err, "read a processor's state (%s)", p->name) :
		       0;
}

static int set(const struct vcpu *v, const struct part *p, struct cpu_state *s, struct err *err)
{
	return ioctl(v->fd, p->set, (char *)s + p->at) < 0 ?
		       err_sys(err, "set a processor's state (%s)", p->name) :
		       0;
}

/* ---- registers of the floating-point unit and beyond ------------------------------------------ */

static size_t xsave_bytes(const struct kvm *kvm)
{
	int bytes = ioctl(kvm->vm, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);

	if (bytes < (int)sizeof(struct kvm_xsave))
		return sizeof(struct kvm_xsave);
	return bytes > XSAVE_MAX ? XSAVE_MAX : (size_t)bytes;
}

static int save_xsave(const struct vcpu *v, const struct kvm *kvm, uint32_t id, struct str *out,
		      struct err *err)
{
	size_t bytes = xsave_bytes(kvm);
	CLEAN(free) void *data = xcalloc(1, bytes);
	bool plain = bytes == sizeof(struct kvm_xsave);

	if (ioctl(v->fd, plain ? KVM_GET_XSAVE : KVM_GET_XSAVE2, data) < 0)
		return err_sys(err, "read a processor's state (KVM_GET_XSAVE)");
	snapshot_add(out, SNAPSHOT_CPU_XSAVE, id, data, bytes);
	return 0;
}

static int load_xsave(const struct vcpu *v, const struct kvm *kvm, uint32_t id,
		      const struct snapshot *s, struct err *err)
{
	size_t bytes = xsave_bytes(kvm);
	CLEAN(free) void *data = xcalloc(1, bytes);
	int rc = snapshot_get(s, SNAPSHOT_CPU_XSAVE, id, data, bytes, err);

	if (rc == 0 && ioctl(v->fd, KVM_SET_XSAVE, data) < 0)
		rc = err_sys(err, "set a processor's state (KVM_SET_XSAVE)");
	return rc;
}

/* ---- CPUID -------------------------------------------------------------------------------------- */

/*
 * What a guest's kernel has seen once, and goes by: nothing of it may be missing now. The bits that count, of eax to edx;
 * those that say what the kernel itself has switched on (OSXSAVE, OSPKE) don't.
 */
static const struct {
	uint32_t function, index, bits[4];
} features[] = {
	{ 1, 0, { 0, 0, ~(1U << 27), ~0U } },  { 7, 0, { 0, ~0U, ~(1U << 4), ~0U } },
	{ 7, 1, { ~0U, 0, 0, ~0U } },          { 0xd, 1, { ~0U, 0, 0, 0 } },
	{ 0x80000001, 0, { 0, 0, ~0U, ~0U } }, { 0x80000008, 0, { 0, ~0U, 0, 0 } },
};

static const struct kvm_cpuid_entry2 *entry(const struct cpuid *c, uint32_t function,
					    uint32_t index)
{
	static const struct kvm_cpuid_entry2 none;

	for (uint32_t i = 0; i < c->head.nent; i++)
		if (c->entries[i].function == function && c->entries[i].index == index)
			return &c->entries[i];
	return &none;
}

static bool lacks(const struct cpuid *wanted, const struct cpuid *here)
{
	for (size_t i = 0; i < ARRAY_LEN(features); i++) {
		const struct kvm_cpuid_entry2 *w = entry(wanted, features[i].function,
							 features[i].index),
					      *h = entry(here, features[i].function,
							 features[i].index);
		const uint32_t missing[] = { w->eax & ~h->eax, w->ebx & ~h->ebx, w->ecx & ~h->ecx,
					     w->edx & ~h->edx };

		for (size_t r = 0; r < ARRAY_LEN(missing); r++)
			if (missing[r] & features[i].bits[r])
				return true;
	}
	return false;
}

static int get_cpuid(const struct vcpu *v, struct cpuid *ret, struct err *err)
{
	memset(ret, 0, sizeof(*ret));
	ret->head.nent = CPUID_MAX;
	return ioctl(v->fd, KVM_GET_CPUID2, ret) < 0 ?
		       err_sys(err, "read a processor's CPUID (KVM_GET_CPUID2)") :
		       0;
}

static int save_cpuid(const struct vcpu *v, uint32_t id, struct str *out, struct err *err)
{
	CLEAN(free) struct cpuid *c = xcalloc(1, sizeof(*c));
	int rc = get_cpuid(v, c, err);

	if (rc == 0)
		snapshot_add(out, SNAPSHOT_CPU_CPUID, id, c->entries,
			     c->head.nent * sizeof(c->entries[0]));
	return rc;
}

static int load_cpuid(const struct vcpu *v, uint32_t id, const struct snapshot *s, struct err *err)
{
	CLEAN(free) struct cpuid *c = xcalloc(1, sizeof(*c));
	CLEAN(free) struct cpuid *here = xcalloc(1, sizeof(*here));
	size_t len = 0;
	const char *bytes = snapshot_find(s, SNAPSHOT_CPU_CPUID, id, &len);
	/* As it was made, for this number of processors, which some bits tell. */
	int rc = get_cpuid(v, here, err);

	if (rc < 0)
		return rc;
	if (!bytes || !len || len % sizeof(c->entries[0]) || len > sizeof(c->entries))
		return err_set(err, EINVAL, "section %u.%u is no CPUID", SNAPSHOT_CPU_CPUID, id);
	c->head.nent = (uint32_t)(len / sizeof(c->entries[0]));
	memcpy(c->entries, bytes, len);
	if (lacks(c, here))
		return err_set(err, ENOTSUP,
			       "this host's processors lack features that the guest's had (CPUID): "
			       "it can go on on a host of the same kind");
	return ioctl(v->fd, KVM_SET_CPUID2, c) < 0 ?
		       err_sys(err, "say what processor %u can (KVM_SET_CPUID2)", id) :
		       0;
}

/* ---- MSRs ----------------------------------------------------------------------------------------- */

/* KVM's form, struct kvm_msrs, with one entry. */
struct one_msr {
	uint32_t count, padding;
	struct kvm_msr_entry entry;
};

_Static_assert(offsetof(struct one_msr, entry) == sizeof(struct kvm_msrs), "the entry follows");

/* All that KVM knows of, and that this processor has. */
static int save_msrs(const struct vcpu *v, const struct kvm *kvm, uint32_t id, struct str *out,
		     struct err *err)
{
	CLEAN(free) struct kvm_msr_entry *all = xcalloc(MSRS_MAX, sizeof(*all));
	size_t count = 0;
	CLEAN(free) struct {
		uint32_t count, indices[MSRS_MAX];
	} *list = xcalloc(1, sizeof(*list));

	list->count = MSRS_MAX;
	if (ioctl(kvm->dev, KVM_GET_MSR_INDEX_LIST, list) < 0)
		return err_sys(err, "list a processor's MSRs (KVM_GET_MSR_INDEX_LIST)");
	for (uint32_t i = 0; i < list->count; i++) {
		struct one_msr one = { .count = 1, .entry.index = list->indices[i] };

		if (ioctl(v->fd, KVM_GET_MSRS, &one) == 1)
			all[count++] = one.entry;
	}
	snapshot_add(out, SNAPSHOT_CPU_MSRS, id, all, count * sizeof(*all));
	return 0;
}

static int set_msr(const struct vcpu *v, const struct kvm_msr_entry *e, struct err *err)
{
	struct one_msr one = { .count = 1, .entry = *e };

	if (ioctl(v->fd, KVM_SET_MSRS, &one) == 1)
		return 0;
	/* Some can only be read; as they are is what is wanted. */
	if (ioctl(v->fd, KVM_GET_MSRS, &one) == 1 && one.entry.data == e->data)
		return 0;
	return err_set(err, ENOTSUP, "KVM here refuses a value that the guest had (MSR %#x: %#llx)",
		       e->index, (unsigned long long)e->data);
}

/*
 * The moment of the APIC's timer comes last, for it is meant by the TSC. A timer that had just gone off reads as 0,
 * and its interrupt may have been on its way: one too many doesn't hurt.
 */
static int load_msrs(const struct vcpu *v, uint32_t id, const struct snapshot *s, struct err *err)
{
	size_t len = 0;
	const char *bytes = snapshot_find(s, SNAPSHOT_CPU_MSRS, id, &len);
	struct kvm_msr_entry e, deadline = { 0 };
	uint64_t tsc = 0;
	int rc = 0;

	if (!bytes || len % sizeof(e) || len / sizeof(e) > MSRS_MAX)
		return err_set(err, EINVAL, "section %u.%u is no list of MSRs", SNAPSHOT_CPU_MSRS,
			       id);
	for (size_t at = 0; rc == 0 && at < len; at += sizeof(e)) {
		memcpy(&e, bytes + at, sizeof(e));
		if (e.index == MSR_TSC)
			tsc = e.data;
		if (e.index == MSR_TSC_DEADLINE)
			deadline = e;
		else
			rc = set_msr(v, &e, err);
	}
	if (rc < 0 || !deadline.index)
		return rc;
	if (!deadline.data)
		deadline.data = tsc;
	return set_msr(v, &deadline, err);
}

/* ---- a processor ----------------------------------------------------------------------------------- */

int cpu_state_save(const struct vcpu *v, const struct kvm *kvm, uint32_t id, struct str *out,
		   struct err *err)
{
	CLEAN(free) struct cpu_state *s = xcalloc(1, sizeof(*s));
	int rc = 0, khz;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(parts); i++)
		rc = get(v, &parts[i], s, err);
	if (rc < 0)
		return rc;
	khz = ioctl(v->fd, KVM_GET_TSC_KHZ, 0);
	s->tsc_khz = khz > 0 ? (uint32_t)khz : 0;
	rc = save_xsave(v, kvm, id, out, err);
	if (rc == 0)
		rc = save_cpuid(v, id, out, err);
	if (rc == 0)
		rc = save_msrs(v, kvm, id, out, err);
	if (rc == 0)
		rc = get(v, &events, s, err);
	if (rc == 0)
		snapshot_add(out, SNAPSHOT_CPU, id, s, sizeof(*s));
	return rc;
}

static int set_khz(const struct vcpu *v, uint32_t khz, struct err *err)
{
	int here = ioctl(v->fd, KVM_GET_TSC_KHZ, 0);

	if (!khz || here == (int)khz || ioctl(v->fd, KVM_SET_TSC_KHZ, (unsigned long)khz) == 0)
		return 0;
	return err_set(err, ENOTSUP,
		       "the guest's clock ran at %u kHz (TSC), this host's runs at %d and can't be "
		       "scaled",
		       khz, here);
}

int cpu_state_load(const struct vcpu *v, const struct kvm *kvm, uint32_t id,
		   const struct snapshot *s, struct err *err)
{
	CLEAN(free) struct cpu_state *c = xcalloc(1, sizeof(*c));
	int rc = snapshot_get(s, SNAPSHOT_CPU, id, c, sizeof(*c), err);

	if (rc == 0)
		rc = load_cpuid(v, id, s, err);
	if (rc == 0)
		rc = set_khz(v, c->tsc_khz, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(parts); i++) {
		/* Before XCR0: it says which of its parts are there. */
		if (parts[i].set == KVM_SET_XCRS)
			rc = load_xsave(v, kvm, id, s, err);
		if (rc == 0)
			rc = set(v, &parts[i], c, err);
	}
	if (rc == 0)
		rc = load_msrs(v, id, s, err);
	return rc < 0 ? rc : set(v, &events, c, err);
}

/* ---- beside processors -------------------------------------------------------------------------------- */

struct vm_state {
	struct kvm_irqchip chips[3];
	struct kvm_pit_state2 pit;
	struct kvm_clock_data clock;
};

int vm_state_save(const struct kvm *kvm, struct str *out, struct err *err)
{
	CLEAN(free) struct vm_state *s = xcalloc(1, sizeof(*s));

	if (ioctl(kvm->vm, KVM_GET_CLOCK, &s->clock) < 0)
		return err_sys(err, "read the machine's clock (KVM_GET_CLOCK)");
	for (uint32_t i = 0; i < ARRAY_LEN(s->chips); i++) {
		s->chips[i].chip_id = i;
		if (ioctl(kvm->vm, KVM_GET_IRQCHIP, &s->chips[i]) < 0)
			return err_sys(err, "read an interrupt controller (KVM_GET_IRQCHIP)");
	}
	if (ioctl(kvm->vm, KVM_GET_PIT2, &s->pit) < 0)
		return err_sys(err, "read the timer (KVM_GET_PIT2)");
	snapshot_add(out, SNAPSHOT_MACHINE, 0, s, sizeof(*s));
	return 0;
}

int vm_state_load(const struct kvm *kvm, const struct snapshot *snapshot, struct err *err)
{
	CLEAN(free) struct vm_state *s = xcalloc(1, sizeof(*s));
	int rc = snapshot_get(snapshot, SNAPSHOT_MACHINE, 0, s, sizeof(*s), err);
	struct kvm_clock_data clock = { 0 };

	if (rc < 0)
		return rc;
	/* The time of day is not to be caught up with: the guest's clock would jump. */
	clock.clock = s->clock.clock;
	if (ioctl(kvm->vm, KVM_SET_CLOCK, &clock) < 0)
		return err_sys(err, "set the machine's clock (KVM_SET_CLOCK)");
	for (uint32_t i = 0; i < ARRAY_LEN(s->chips); i++) {
		s->chips[i].chip_id = i;
		if (ioctl(kvm->vm, KVM_SET_IRQCHIP, &s->chips[i]) < 0)
			return err_sys(err, "set an interrupt controller (KVM_SET_IRQCHIP)");
	}
	if (ioctl(kvm->vm, KVM_SET_PIT2, &s->pit) < 0)
		return err_sys(err, "set the timer (KVM_SET_PIT2)");
	return 0;
}
