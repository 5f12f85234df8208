#include "microvm/probe.h"

#include "base/fd.h"
#include "base/json.h"
#include "base/process.h"
#include "microvm/memory.h"
#include "microvm/ports.h"
#include "microvm/probe_guest.h"
#include "microvm/probe_host.h"
#include "microvm/vcpu.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

#define DEADLINE_MS 100
#define MAKE_MS 5000 /* to make the machine: a busy kernel waits there for others */
#define KILL_MS 1000
#define TRIES 3

/* In the order in which a kernel meets them. */
static const struct {
	enum probe_check number;
	const char *name;
} checks[] = {
	{ PROBE_PORT, "a port is written and read" },
	{ PROBE_LONG_MODE, "64-bit mode begins, with page tables of the guest's" },
	{ PROBE_CPUID, "CPUID tells of the processor" },
	{ PROBE_MSR, "a model-specific register keeps what is written" },
	{ PROBE_PAGE_FAULT, "a page fault reaches the guest's handler" },
	{ PROBE_PAGE_TABLE, "a changed page table counts" },
	{ PROBE_SYSCALL, "a user's program runs, and makes a system call" },
	{ PROBE_MMIO, "a device's memory is read" },
	{ PROBE_TIMER, "the local APIC's timer interrupts" },
	{ PROBE_HALT, "a halted processor is woken by the timer" },
};

/* What the child says by its pipe: first that it begins to run (code 0, no text), then how it ended. */
struct word {
	bool good;
	struct err err;
};

/* ---- in the child ------------------------------------------------------------------------ */

static int serve(struct kvm_run *run, bool *ret_good)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	const uint32_t answer = PROBE_MMIO_ANSWER;

	if (run->exit_reason == KVM_EXIT_MMIO && run->mmio.phys_addr == PROBE_MMIO_GPA &&
	    !run->mmio.is_write && run->mmio.len == sizeof(answer)) {
		memcpy(run->mmio.data, &answer, sizeof(answer));
		return 0;
	}
	if (run->exit_reason != KVM_EXIT_IO || run->io.size != 1)
		return -EIO;
	if (run->io.direction == KVM_EXIT_IO_IN && run->io.port == PROBE_PORT_ASK) {
		*data = PROBE_ANSWER;
		return 0;
	}
	if (run->io.direction != KVM_EXIT_IO_OUT || run->io.port != PROBE_PORT_SAY)
		return -EIO;
	*ret_good = *data == PROBE_GOOD;
	return 1;
}

static int run_guest(const struct vcpu *v, bool *ret_good, struct err *err)
{
	for (;;) {
		int rc;

		if (ioctl(v->fd, KVM_RUN, 0) < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			return err_sys(err, "KVM_RUN");
		}
		rc = serve(v->run, ret_good);
		if (rc < 0)
			return err_set(err, EIO, "KVM stopped it for reason %u instead",
				       v->run->exit_reason);
		if (rc == 0)
			continue;
		return *ret_good ? 0 : err_set(err, EIO, "it went another way than on a processor");
	}
}

static void check_in_child(const char *device, enum probe_check number, int to)
{
	CLEAN(kvm) struct kvm kvm = KVM_NONE;
	CLEAN(memory) struct memory memory = MEMORY_NONE;
	CLEAN(vcpu) struct vcpu vcpu = VCPU_NONE;
	struct word word = { 0 };
	void *code = NULL;
	int rc = memory_make(MEMORY_MIN_BYTES, &memory, &word.err);

	if (rc == 0)
		rc = kvm_make(device, &kvm, &word.err);
	if (rc == 0)
		rc = memory_plug(&memory, kvm.vm, &word.err);
	if (rc == 0)
		rc = vcpu_make(&kvm, 0, 1, &vcpu, &word.err);
	if (rc == 0)
		rc = vcpu_enter_pvh(&vcpu, PROBE_GPA, number, &word.err);
	if (rc == 0) {
		size_t len = (size_t)(probe_guest_end - probe_guest);

		code = memory_at(&memory, PROBE_GPA, len);
		if (!code)
			return;
		memcpy(code, probe_guest, len);
		if (fd_write_all(to, &word, sizeof(word)) < 0)
			return;
		(void)!run_guest(&vcpu, &word.good, &word.err);
	}
	(void)!fd_write_all(to, &word, sizeof(word));
}

/* ---- beside it --------------------------------------------------------------------------- */

/* A word within that time. -ETIMEDOUT; -EPIPE: the child ended without one. */
static int hear(int from, int timeout_ms, struct word *ret)
{
	struct pollfd fd = { .fd = from, .events = POLLIN };
	int rc;

	do
		rc = poll(&fd, 1, timeout_ms);
	while (rc < 0 && errno == EINTR);
	if (rc == 0)
		return -ETIMEDOUT;
	return fd_read_all(from, ret, sizeof(*ret)) == sizeof(*ret) ? 0 : -EPIPE;
}

static int check(const char *device, enum probe_check number, struct err *err)
{
	CLEAN(fd) int from = -1, to = -1, pidfd = -1;
	struct word word = { 0 };
	int ends[2], rc, status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	from = ends[0];
	to = ends[1];
	pid = process_clone(0, -1, &pidfd);
	if (pid < 0)
		return err_set(err, (int)-pid, "start a process: %s", strerror((int)-pid));
	if (pid == 0) {
		check_in_child(device, number, to);
		_exit(0);
	}
	close(take_fd(&to));
	rc = hear(from, MAKE_MS, &word);
	if (rc == 0 && !word.err.code)
		rc = hear(from, DEADLINE_MS, &word);
	(void)!process_signal(pidfd, SIGKILL);
	if (process_ended(pidfd, KILL_MS))
		(void)!process_wait(pidfd, &status);
	if (rc == -ETIMEDOUT)
		return err_set(err, ETIMEDOUT, "nothing came of it in %d ms", DEADLINE_MS);
	if (rc < 0)
		return err_set(err, EIO, "its process ended without a word");
	if (word.err.code)
		*err = word.err;
	return -word.err.code;
}

static void put_check(struct json_object *list, const char *name, const struct err *err)
{
	struct json_object *o = json_object_new_object();

	json_put_string(o, "name", name);
	json_put_bool(o, "ok", !err->code);
	json_put_string(o, "detail", err->text);
	json_object_array_add(list, o);
}

/* True when each could be run and went well; the rest isn't tried when the machine can't be made. */
static bool run_checks(const char *device, struct json_object *list, struct json_object *reasons)
{
	CLEAN(kvm) struct kvm kvm = KVM_NONE;
	CLEAN(str) struct str failed = { 0 };
	CLEAN(free) char *wrong = NULL;
	struct err err = { 0 };

	(void)!kvm_make(device, &kvm, &err);
	put_check(list, "KVM has what ctr-vm needs", &err);
	if (err.code) {
		json_object_array_add(reasons, json_object_new_string(err.text));
		return false;
	}
	kvm_free(&kvm);
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		int tries = TRIES, rc;

		/* A busy host may keep a guest waiting for so long; one that hangs does so each time. */
		do {
			err = (struct err){ 0 };
			rc = check(device, checks[i].number, &err);
		} while (rc == -ETIMEDOUT && --tries);
		if (rc < 0)
			str_printf(&failed, "%s%s", failed.len ? "; " : "", checks[i].name);
		put_check(list, checks[i].name, &err);
	}
	if (!failed.len)
		return true;
	wrong = xasprintf(
		"What fails in a guest: %s. An unmodified kernel can't do without: this KVM is of another kind, or damaged. Use a "
		"host with VT-x or AMD-V, or a virtual machine whose host passes them on (nested "
		"virtualization), or containers without a machine of their own",
		failed.text);
	json_object_array_add(reasons, json_object_new_string(wrong));
	return false;
}

struct json_object *probe_host(const char *device)
{
	struct json_object *doc = json_object_new_object(), *reasons = json_object_new_array(),
			   *list = json_object_new_array();
	bool usable = run_checks(device, list, reasons);

	json_put_bool(doc, "usable", usable);
	json_object_object_add(doc, "reasons", reasons);
	json_object_object_add(doc, "checks", list);
	json_object_object_add(doc, "host", probe_host_facts(device));
	return doc;
}
