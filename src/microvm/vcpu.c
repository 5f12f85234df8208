#include "microvm/vcpu.h"

#include "microvm/cpuid.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define CR0_PE_ET 0x11
#define CR0_PG (1UL << 31)
#define CR4_PAE 0x20
#define EFER_LME_LMA 0x500
#define KICK_AGAIN_NS 20000000L
#define RFLAGS_ONE 0x2 /* a bit that is always set */

int vcpu_make(const struct kvm *kvm, unsigned int id, unsigned int count, struct vcpu *ret,
	      struct err *err)
{
	CLEAN(vcpu) struct vcpu v = VCPU_NONE;
	struct cpuid cpuid;
	int deadline = ioctl(kvm->dev, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	int rc;

	v.fd = ioctl(kvm->vm, KVM_CREATE_VCPU, id);
	if (v.fd < 0)
		return err_sys(err, "make processor %u (KVM_CREATE_VCPU)", id);
	v.run_size = kvm->run_size;
	v.run = mmap(NULL, v.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v.fd, 0);
	if (v.run == MAP_FAILED) {
		v.run = NULL;
		return err_sys(err, "map what is shared of processor %u", id);
	}
	rc = cpuid_supported(kvm->dev, &cpuid, err);
	if (rc == 0 && kvm->nested)
		rc = cpuid_check_nested(&cpuid, err);
	if (rc < 0)
		return rc;
	cpuid_adapt(&cpuid, id, count, deadline, kvm->nested);
	if (ioctl(v.fd, KVM_SET_CPUID2, &cpuid.head) < 0)
		return err_sys(err, "say what processor %u can (KVM_SET_CPUID2)", id);
	*ret = v;
	v = (struct vcpu)VCPU_NONE;
	return 0;
}

void vcpu_free(struct vcpu *v)
{
	if (v->run)
		munmap(v->run, v->run_size);
	if (v->fd >= 0)
		close(v->fd);
	*v = (struct vcpu)VCPU_NONE;
}

static const struct kvm_segment flat_data = { .limit = 0xffffffff,
					      .selector = 0x18,
					      .type = 3, /* read, write, accessed */
					      .present = 1,
					      .db = 1,
					      .s = 1,
					      .g = 1 };

static int set_state(const struct vcpu *v, const struct kvm_sregs *s, const struct kvm_regs *regs,
		     struct err *err)
{
	if (ioctl(v->fd, KVM_SET_SREGS, s) < 0)
		return err_sys(err, "set a processor's state (KVM_SET_SREGS)");
	if (ioctl(v->fd, KVM_SET_REGS, regs) < 0)
		return err_sys(err, "set a processor's registers (KVM_SET_REGS)");
	return 0;
}

/* Protected mode with flat segments; `s` has what the processor begins with. */
static int get_flat(const struct vcpu *v, struct kvm_sregs *s, struct err *err)
{
	if (ioctl(v->fd, KVM_GET_SREGS, s) < 0)
		return err_sys(err, "read a processor's state (KVM_GET_SREGS)");
	s->ds = s->es = s->fs = s->gs = s->ss = s->cs = flat_data;
	s->cs.selector = 0x10;
	s->cs.type = 11; /* execute, read, accessed */
	s->tr = (struct kvm_segment){ .limit = 0x67, .type = 11, .present = 1 };
	s->cr0 = CR0_PE_ET;
	s->cr4 = 0;
	s->efer = 0;
	return 0;
}

int vcpu_enter_pvh(const struct vcpu *v, uint32_t entry, uint32_t start_gpa, struct err *err)
{
	const struct kvm_regs regs = { .rip = entry, .rbx = start_gpa, .rflags = RFLAGS_ONE };
	struct kvm_sregs s;
	int rc = get_flat(v, &s, err);

	return rc < 0 ? rc : set_state(v, &s, &regs, err);
}

int vcpu_enter_long(const struct vcpu *v, uint64_t entry, uint64_t zero_gpa, uint64_t gdt_gpa,
		    uint64_t tables_gpa, struct err *err)
{
	const struct kvm_regs regs = { .rip = entry, .rsi = zero_gpa, .rflags = RFLAGS_ONE };
	struct kvm_sregs s;
	int rc = get_flat(v, &s, err);

	if (rc < 0)
		return rc;
	s.cs.db = 0;
	s.cs.l = 1;
	s.gdt = (struct kvm_dtable){ .base = gdt_gpa, .limit = 31 };
	s.cr3 = tables_gpa;
	s.cr4 = CR4_PAE;
	s.efer = EFER_LME_LMA;
	s.cr0 |= CR0_PG;
	return set_state(v, &s, &regs, err);
}

static void do_io(struct vcpu *v, struct ports *ports)
{
	const struct kvm_run *run = v->run;
	char *data = (char *)v->run + run->io.data_offset;

	/* A string instruction (rep outsb) comes as many accesses at once. */
	for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size) {
		if (run->io.direction == KVM_EXIT_IO_OUT)
			ports_write(ports, run->io.port, data, run->io.size);
		else
			ports_read(ports, run->io.port, data, run->io.size);
	}
}

static unsigned long long where(const struct vcpu *v)
{
	struct kvm_regs regs;

	return ioctl(v->fd, KVM_GET_REGS, &regs) < 0 ? 0 : regs.rip;
}

/* What an exit was that no guest goes on after. */
static int died(const struct vcpu *v, struct err *err)
{
	const struct kvm_run *run = v->run;

	switch (run->exit_reason) {
	case KVM_EXIT_SHUTDOWN:
		return err_set(err, ECANCELED,
			       "the guest's processor has shut down (triple fault), at %#llx",
			       where(v));
	case KVM_EXIT_FAIL_ENTRY:
		return err_set(err, EIO,
			       "the host's processor refuses the guest's state (hardware reason "
			       "%#llx), at %#llx",
			       (unsigned long long)run->fail_entry.hardware_entry_failure_reason,
			       where(v));
	case KVM_EXIT_INTERNAL_ERROR:
		return err_set(err, EIO,
			       "KVM can't go on with the guest (internal error, suberror %u%s), at "
			       "%#llx",
			       run->internal.suberror,
			       run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION ?
				       ": an instruction that it can't emulate" :
				       "",
			       where(v));
	default:
		return err_set(
			err, EIO,
			"KVM stopped the guest for a reason that ctr-vm doesn't know, %u, at "
			"%#llx",
			run->exit_reason, where(v));
	}
}

static int one_exit(struct vcpu *v, struct ports *ports, struct err *err)
{
	struct kvm_run *run = v->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		do_io(v, ports);
		return 0;
	case KVM_EXIT_MMIO:
		if (run->mmio.is_write)
			pci_memory_write(ports->pci, run->mmio.phys_addr, run->mmio.data,
					 run->mmio.len);
		else
			pci_memory_read(ports->pci, run->mmio.phys_addr, run->mmio.data,
					run->mmio.len);
		return 0;
	case KVM_EXIT_INTR:
		return 0;
	case KVM_EXIT_SYSTEM_EVENT:
		if (run->system_event.type == KVM_SYSTEM_EVENT_SHUTDOWN)
			ports->end = END_OFF;
		else if (run->system_event.type == KVM_SYSTEM_EVENT_RESET)
			ports->end = END_RESET;
		else
			return died(v, err);
		return 0;
	default:
		return died(v, err);
	}
}

void vcpu_kick_init(pthread_cond_t *ended)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(ended, &attr);
	pthread_condattr_destroy(&attr);
}

struct timespec vcpu_kick_again(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += KICK_AGAIN_NS;
	t.tv_sec += t.tv_nsec / 1000000000L;
	t.tv_nsec %= 1000000000L;
	return t;
}

static void kicked(int signal)
{
	(void)signal;
}

int vcpu_take_signal(struct err *err)
{
	const struct sigaction action = { .sa_handler = kicked };

	return sigaction(VCPU_SIGNAL, &action, NULL) < 0 ?
		       err_sys(err, "handle signal %d", VCPU_SIGNAL) :
		       0;
}

void vcpu_kick(const struct vcpu *v, pthread_t thread)
{
	/* The signal alone is lost when it comes just before KVM_RUN; the word alone isn't seen in the guest. */
	__atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	(void)pthread_kill(thread, VCPU_SIGNAL);
}

void vcpu_was_held(const struct vcpu *v)
{
	/* It fails where the guest has no such clock. */
	(void)ioctl(v->fd, KVM_KVMCLOCK_CTRL, 0);
}

int vcpu_run(struct vcpu *v, struct ports *ports, struct err *err)
{
	while (ports->end == END_NOT) {
		int rc;

		if (ioctl(v->fd, KVM_RUN, 0) < 0) {
			if (errno == EINTR) {
				__atomic_store_n(&v->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
				return 0;
			}
			if (errno == EAGAIN)
				continue;
			return err_sys(err, "run the guest's processor (KVM_RUN), at %#llx",
				       where(v));
		}
		rc = one_exit(v, ports, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
