#include "microvm/machine.h"

#include "base/file.h"
#include "microvm/boot.h"
#include "microvm/console.h"
#include "microvm/kernel.h"
#include "microvm/kvm.h"
#include "microvm/layout.h"
#include "microvm/memory.h"
#include "microvm/vcpu.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#define CPUS 1
#define TAIL_LINES 50
#define CPUINFO_BYTES (4U << 20)

/* What the machine's devices reach. */
struct machine {
	struct kvm kvm;
	struct memory memory;
	struct vcpu vcpu;
	struct ports ports;
	struct console console;
	uint32_t entry;
};

static void machine_free(struct machine *m)
{
	vcpu_free(&m->vcpu);
	kvm_free(&m->kvm);
	memory_free(&m->memory);
}
CLEAN_DEFINE(machine, struct machine, machine_free)

static void serial_send(void *arg, uint8_t byte)
{
	struct machine *m = arg;

	console_put(&m->console, byte);
}

static void serial_irq(void *arg, bool up)
{
	struct machine *m = arg;
	struct kvm_irq_level level = { .irq = SERIAL_IRQ, .level = up };

	/* It fails for a number that isn't there only. */
	(void)ioctl(m->kvm.vm, KVM_IRQ_LINE, &level);
}

/* All that is refused for what the user said comes before KVM is asked for anything. */
static int fill_memory(struct machine *m, const struct machine_options *opt, struct err *err)
{
	CLEAN(kernel) struct kernel kernel = { 0 };
	struct boot boot = {
		.kernel = &kernel, .initrd = opt->initrd, .append = opt->append, .cpus = CPUS
	};
	int rc = kernel_read(opt->kernel, &kernel, err);

	if (rc == 0)
		rc = memory_make(opt->memory, &m->memory, err);
	if (rc == 0)
		rc = boot_write(&boot, &m->memory, err);
	m->entry = kernel.entry;
	return rc;
}

static int make(struct machine *m, const struct machine_options *opt, struct err *err)
{
	int rc = fill_memory(m, opt, err);

	if (rc == 0)
		rc = kvm_make("/dev/kvm", &m->kvm, err);
	if (rc == 0)
		rc = memory_plug(&m->memory, m->kvm.vm, err);
	if (rc == 0)
		rc = vcpu_make(&m->kvm, 0, CPUS, &m->vcpu, err);
	if (rc == 0)
		rc = vcpu_enter_pvh(&m->vcpu, m->entry, LAYOUT_START_GPA, err);
	return rc;
}

/*
 * A guest that ends before its first word, on a processor without VT-x and AMD-V: /dev/kvm there is of the
 * kind that runs kernels made for it.
 */
static void hint_at_host(const struct machine *m, struct err *err)
{
	CLEAN(free) char *cpuinfo = NULL;
	struct err ignored;
	size_t len = strlen(err->text);

	if (m->console.total ||
	    file_read(AT_FDCWD, "/proc/cpuinfo", CPUINFO_BYTES, &cpuinfo, NULL, &ignored) < 0 ||
	    kvm_cpu_has_hardware(cpuinfo))
		return;
	snprintf(
		err->text + len, sizeof(err->text) - len,
		". It hadn't said a word, and this host's processor shows neither VT-x nor AMD-V "
		"(vmx, svm in /proc/cpuinfo): its KVM is of a kind that runs no unmodified kernels");
}

static int judge(struct machine *m, int rc, struct err *err)
{
	if (rc < 0) {
		hint_at_host(m, err);
		return rc;
	}
	/* With panic=-1 a kernel that gives up resets, as one does that was told to reboot. */
	if (m->ports.end == END_RESET && console_panicked(&m->console))
		return err_set(err, ECANCELED, "the guest's kernel has panicked");
	if (m->console.closed)
		return err_set(err, m->console.error,
			       "write the guest's console to standard output: %s",
			       strerror(m->console.error));
	return 0;
}

int machine_run(const struct machine_options *opt, struct str *tail, struct err *err)
{
	CLEAN(machine)
	struct machine m = { .kvm = KVM_NONE,
			     .memory = MEMORY_NONE,
			     .vcpu = VCPU_NONE,
			     .console.fd = opt->console };
	int rc;

	m.ports.serial = (struct serial){ .send = serial_send, .irq = serial_irq, .arg = &m };
	rc = make(&m, opt, err);
	if (rc < 0)
		return rc;
	rc = judge(&m, vcpu_run(&m.vcpu, &m.ports, err), err);
	if (rc < 0) {
		err->exit_status = MACHINE_EXIT_DIED;
		console_tail(&m.console, TAIL_LINES, tail);
	}
	return rc;
}
