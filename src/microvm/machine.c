#include "microvm/machine.h"

#include "microvm/boot.h"
#include "microvm/given.h"
#include "microvm/jail.h"
#include "microvm/kernel.h"
#include "microvm/layout.h"
#include "microvm/machine_parts.h"
#include "microvm/snapshot.h"
#include "microvm/vmgenid.h"

#include <errno.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

#define TAIL_LINES 50
#define FEED_AGAIN_MS 10

/* The processors first: nothing may go on when what it reaches is taken away. */
static void machine_free(struct machine *m)
{
	control_free(&m->control);
	cpus_free(&m->cpus);
	talk_end(&m->talk);
	devices_free(&m->devices);
	kvm_free(&m->kvm);
	memory_free(&m->memory);
	if (m->wake >= 0)
		close(m->wake);
}
CLEAN_DEFINE(machine, struct machine, machine_free)

static int boot_memory(struct machine *m, const struct machine_options *opt, struct err *err)
{
	CLEAN(kernel) struct kernel kernel = { 0 };
	struct boot boot = { .kernel = &kernel,
			     .console = talk_words(opt->talk),
			     .initrd = opt->initrd,
			     .append = opt->append,
			     .cpus = opt->cpus };
	int rc = kernel_read(opt->kernel, opt->boot, &kernel, err);

	if (rc == 0)
		rc = memory_make(opt->memory, &m->memory, err);
	if (rc == 0)
		rc = boot_write(&boot, &m->memory, err);
	if (rc == 0)
		rc = vmgenid_write(&m->memory, err);
	m->entry = kernel.entry;
	return rc;
}

/* All that is refused for what the user said comes before KVM is asked for anything. */
static int fill_memory(struct machine *m, const struct machine_options *opt, struct snapshot *s,
		       struct err *err)
{
	if (opt->restore)
		return snapshot_open(m, opt->restore, s, err);
	m->cpu_count = opt->cpus;
	return boot_memory(m, opt, err);
}

static int enter(struct machine *m, enum kernel_boot boot, struct err *err)
{
	const struct vcpu *first = &m->cpus.cpu[0].vcpu;

	if (boot == KERNEL_PVH)
		return vcpu_enter_pvh(first, m->entry, LAYOUT_START_GPA, err);
	return vcpu_enter_long(first, m->entry, LAYOUT_START_GPA, LAYOUT_GDT_GPA, LAYOUT_TABLES_GPA,
			       err);
}

static int start_devices(struct machine *m, struct err *err)
{
	const struct virtio_console_end end = talk_connect(&m->talk);

	return devices_start(&m->devices, &m->pci, &m->memory, &m->kvm.vm,
			     m->talk.kind == TALK_VIRTIO ? &end : NULL, err);
}

static int make(struct machine *m, const struct machine_options *opt, struct err *err)
{
	CLEAN(snapshot) struct snapshot s = SNAPSHOT_NONE;
	int rc = fill_memory(m, opt, &s, err);

	if (rc == 0)
		rc = devices_open(&m->devices, &opt->devices, m->wake, err);
	if (rc == 0 && opt->control)
		rc = control_open(&m->control, opt->control, err);
	if (rc == 0)
		rc = kvm_make(opt->kvm, &m->kvm, err);
	m->kvm.nested = opt->nested;
	if (rc == 0)
		rc = memory_plug(&m->memory, m->kvm.vm, err);
	given_close(opt->kernel);
	given_close(opt->initrd);
	given_close(opt->kvm);
	if (rc == 0)
		rc = jail_enter(opt->devices.jailed, err);
	if (rc == 0)
		rc = start_devices(m, err);
	if (rc == 0)
		rc = cpus_make(&m->cpus, &m->kvm, m->cpu_count, err);
	if (rc == 0)
		rc = opt->restore ? snapshot_load(m, &s, err) : enter(m, opt->boot, err);
	if (rc == 0 && opt->control)
		rc = control_start(&m->control, opt->devices.jailed ? JAIL_CONTROL : JAIL_NONE,
				   err);
	if (rc == 0 && opt->begin)
		rc = opt->begin(opt->arg, err);
	m->cpus.jail = JAIL_CPU;
	m->talk.writer.jail = JAIL_CONSOLE;
	if (rc < 0)
		return rc;
	return jail_thread(opt->devices.jailed ? JAIL_OWNER : JAIL_NONE, -1, err);
}

/*
 * A guest that ends before its first word, on a processor without VT-x and AMD-V: /dev/kvm there is of the
 * kind that runs kernels made for it.
 */
static void hint_at_host(const struct machine *m, struct err *err)
{
	if (!m->talk.console.total && !kvm_has_hardware())
		err_append(err, ". It hadn't said a word, and this host's processor shows neither "
				"VT-x nor AMD-V: its KVM is of a kind that runs no unmodified "
				"kernels");
}

static int judge(struct machine *m, int rc, struct err *err)
{
	if (rc < 0) {
		hint_at_host(m, err);
		return rc;
	}
	/* With panic=-1 a kernel that gives up resets, as one does that was told to reboot. */
	if (m->ports.end == END_RESET && console_panicked(&m->talk.console))
		return err_set(err, ECANCELED, "the guest's kernel has panicked");
	if (m->ports.end == END_BITTEN)
		return err_set(err, ECANCELED,
			       "the guest's watchdog has bitten: nobody in the guest has fed it in "
			       "time");
	if (m->talk.console.closed)
		return err_set(err, m->talk.console.error,
			       "write the guest's console to standard output: %s",
			       strerror(m->talk.console.error));
	return 0;
}

/* Those that end us. Only from here to the guest's end are they ours to take. */
static int signals_take(sigset_t *ret_old, struct err *err)
{
	/* And one that doesn't: the terminal has another size. */
	static const int ours[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGWINCH };
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		sigaddset(&set, ours[i]);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_sys(err, "take signals by an fd (signalfd)");
	pthread_sigmask(SIG_BLOCK, &set, ret_old);
	return fd;
}

/* Does it end now? What the guest itself has wanted before counts. */
static bool bitten(struct machine *m, enum watchdog_policy policy, void (*note)(const char *text))
{
	enum machine_end not = END_NOT;

	if (!watchdog_has_bitten(&m->devices.watchdog) || policy == WATCHDOG_NONE)
		return false;
	if (policy == WATCHDOG_PAUSE)
		machine_hold(m);
	else
		atomic_compare_exchange_strong(&m->ports.end, &not,
					       policy == WATCHDOG_RESET ? END_BITTEN : END_OFF);
	if (policy != WATCHDOG_RESET && note)
		note(policy == WATCHDOG_PAUSE ? "the guest's watchdog has bitten: it is paused" :
						"the guest's watchdog has bitten: it is off");
	return policy != WATCHDOG_PAUSE;
}

/* Until a processor has ended the machine, the user wants it to end, or a signal has come: which. */
static int wait_for_end(struct machine *m, const struct machine_options *opt, int signals)
{
	struct input *in = &m->talk.input;

	while (!cpus_ended(&m->cpus) && m->ports.end != END_UNHEARD) {
		/* First: what the guest takes makes room for more. */
		bool again = talk_feed(&m->talk);
		struct pollfd fds[] = {
			{ .fd = signals, .events = POLLIN },
			{ .fd = m->wake, .events = POLLIN },
			{ .fd = input_wanted(in) ? in->fd : -1, .events = POLLIN },
			{ .fd = opt->stop, .events = POLLIN },
		};
		struct signalfd_siginfo info;
		uint64_t count;

		if (poll(fds, ARRAY_LEN(fds), again ? FEED_AGAIN_MS : -1) < 0)
			continue;
		if (fds[0].revents && read(signals, &info, sizeof(info)) == sizeof(info)) {
			if (info.ssi_signo != SIGWINCH)
				return (int)info.ssi_signo;
			talk_resized(&m->talk);
		}
		if (fds[1].revents)
			(void)!read(m->wake, &count, sizeof(count));
		if (bitten(m, opt->devices.watchdog, opt->note))
			return 0;
		if (fds[3].revents || (fds[2].revents && input_read(in)))
			return 0;
	}
	return 0;
}

static int run(struct machine *m, const struct machine_options *opt, int *ret_signal,
	       struct err *err)
{
	sigset_t old;
	CLEAN(fd) int signals = opt->stop < 0 ? signals_take(&old, err) : -1;
	int rc;

	if (signals < 0 && opt->stop < 0)
		return signals;
	rc = talk_begin(&m->talk, opt->input, err);
	if (rc == 0)
		rc = cpus_start(&m->cpus, err);
	if (rc == 0 && opt->control)
		rc = control_listen(&m->control, err);
	if (rc == 0) {
		*ret_signal = wait_for_end(m, opt, signals);
		/* What it is doing with the processors comes first. */
		control_free(&m->control);
		rc = cpus_end(&m->cpus, err);
	}
	talk_end(&m->talk);
	if (signals >= 0)
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

int machine_run(const struct machine_options *opt, struct machine_result *ret, struct err *err)
{
	CLEAN(machine)
	struct machine m = { .kvm = KVM_NONE,
			     .memory = MEMORY_NONE,
			     .devices = DEVICES_NONE,
			     .ports = PORTS_INIT,
			     .talk = TALK_INIT,
			     .hold = PTHREAD_MUTEX_INITIALIZER,
			     .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	int rc;

	cpus_init(&m.cpus, &m.ports, m.wake);
	control_init(&m.control, &machine_control_ops, &m);
	if (m.wake < 0)
		return err_sys(err, "make an eventfd");
	pci_init(&m.pci);
	m.ports.pci = &m.pci;
	m.payload = opt->payload;
	m.talk.kind = opt->talk;
	m.talk.console.fd = opt->console;
	m.talk.ports = &m.ports;
	m.talk.device = &m.devices.console;
	m.talk.vm = &m.kvm.vm;
	m.talk.wake = m.wake;
	rc = make(&m, opt, err);
	if (rc < 0)
		return rc;
	rc = run(&m, opt, &ret->signal, err);
	if (!ret->signal) {
		devices_hush(&m.devices);
		talk_finish(&m.talk);
	}
	if (m.ports.end == END_UNHEARD || (rc == 0 && talk_unheard(&m.talk)))
		ret->signal = SIGPIPE;
	if (ret->signal)
		return 0;
	rc = judge(&m, rc, err);
	if (rc < 0) {
		err->exit_status = MACHINE_EXIT_DIED;
		console_tail(&m.talk.console, TAIL_LINES, &ret->tail);
	}
	if (rc < 0 && m.talk.kind == TALK_NONE)
		err_append(err, ". What its kernel has said of that went nowhere: --console none");
	return rc;
}

void machine_result_free(struct machine_result *r)
{
	str_free(&r->tail);
}
