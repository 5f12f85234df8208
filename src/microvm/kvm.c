#include "microvm/kvm.h"

#include "base/str.h"
#include "microvm/given.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

/* Where Intel's processors want three pages and one of their own, below the firmware's usual place. */
#define TSS_GPA 0xfffbd000UL
#define IDENTITY_GPA 0xfffbc000ULL

/* All that we can't do without. */
static const struct {
	int number;
	const char *name, *what;
} needed[] = {
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY", "memory of ours as the guest's" },
	{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP", "interrupt controllers in the kernel" },
	{ KVM_CAP_PIT2, "KVM_CAP_PIT2", "a timer in the kernel" },
	{ KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR", "a place for the task state" },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, "KVM_CAP_SET_IDENTITY_MAP_ADDR", "a place for a page" },
	{ KVM_CAP_IRQFD, "KVM_CAP_IRQFD", "interrupts by eventfds" },
	{ KVM_CAP_IRQ_ROUTING, "KVM_CAP_IRQ_ROUTING", "interrupts that are messages" },
	{ KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD", "doorbells by eventfds" },
	{ KVM_CAP_IOEVENTFD_ANY_LENGTH, "KVM_CAP_IOEVENTFD_ANY_LENGTH", "the same, of any length" },
	{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID", "a choice of what CPUID says" },
};

static int open_device(const char *path, struct err *err)
{
	int fd = given_open(path, O_RDWR | O_NONBLOCK);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
		return err_set(
			err, ENOENT,
			"there is no %s: load kvm_intel or kvm_amd (modprobe), and see that "
			"virtualization is enabled in the firmware, or, in a virtual machine, "
			"that its host passes it on",
			path);
	case EACCES:
	case EPERM:
		return err_set(
			err, errno,
			"%s may not be opened by you: be root or a member of its group, which "
			"is kvm on Debian",
			path);
	case ENODEV:
	case ENXIO:
		return err_set(
			err, ENODEV,
			"%s is only a name: no kernel driver is behind it; load kvm_intel or "
			"kvm_amd",
			path);
	default:
		return err_sys(err, "open %s", path);
	}
}

static int check_device(int dev, const char *path, struct err *err)
{
	int version = ioctl(dev, KVM_GET_API_VERSION, 0);

	if (version < 0)
		return err_sys(err, "%s does not answer as KVM does", path);
	if (version != KVM_API_VERSION)
		return err_set(err, ENOTSUP, "%s speaks version %d of KVM's language, not %d", path,
			       version, KVM_API_VERSION);
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (ioctl(dev, KVM_CHECK_EXTENSION, needed[i].number) <= 0)
			return err_set(
				err, ENOTSUP,
				"%s lacks %s (%s): a kernel that isn't made for this kind of "
				"KVM can't run here",
				path, needed[i].name, needed[i].what);
	return 0;
}

static int make_machine(struct kvm *k, struct err *err)
{
	/* The speaker's port is the timer's gate, which Linux polls while it calibrates. */
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	__u64 identity = IDENTITY_GPA;
	int size;

	/* A signal while it waits for other processors ends it with EINTR. */
	do
		k->vm = ioctl(k->dev, KVM_CREATE_VM, 0);
	while (k->vm < 0 && errno == EINTR);
	if (k->vm < 0)
		return err_sys(err, "make a virtual machine (KVM_CREATE_VM)");
	if (ioctl(k->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0)
		return err_sys(err, "place a page for the processor (KVM_SET_IDENTITY_MAP_ADDR)");
	if (ioctl(k->vm, KVM_SET_TSS_ADDR, TSS_GPA) < 0)
		return err_sys(err, "place the task state (KVM_SET_TSS_ADDR)");
	if (ioctl(k->vm, KVM_CREATE_IRQCHIP, 0) < 0)
		return err_sys(err, "make the interrupt controllers (KVM_CREATE_IRQCHIP)");
	if (ioctl(k->vm, KVM_CREATE_PIT2, &pit) < 0)
		return err_sys(err, "make the timer (KVM_CREATE_PIT2)");
	size = ioctl(k->dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(struct kvm_run))
		return err_set(err, ENOTSUP, "KVM shares %d bytes of a vCPU, fewer than it has",
			       size);
	k->run_size = (size_t)size;
	return 0;
}

int kvm_make(const char *path, struct kvm *ret, struct err *err)
{
	CLEAN(kvm) struct kvm k = KVM_NONE;
	int rc;

	k.dev = open_device(path, err);
	if (k.dev < 0)
		return k.dev;
	rc = check_device(k.dev, path, err);
	if (rc == 0)
		rc = make_machine(&k, err);
	if (rc < 0)
		return rc;
	*ret = k;
	k = (struct kvm)KVM_NONE;
	return 0;
}

void kvm_free(struct kvm *kvm)
{
	if (kvm->vm >= 0)
		close(kvm->vm);
	if (kvm->dev >= 0)
		close(kvm->dev);
	*kvm = (struct kvm)KVM_NONE;
}

bool kvm_has_hardware(void)
{
	unsigned int a, b, c, d;

	return (__get_cpuid(1, &a, &b, &c, &d) && (c & 1U << 5)) ||
	       (__get_cpuid(0x80000001, &a, &b, &c, &d) && (c & 1U << 2));
}

bool kvm_cpu_has_hardware(const char *cpuinfo)
{
	const char *line = strstr(cpuinfo, "\nflags");
	CLEAN(free) char *flags = line ? xstrndup(line + 1, strcspn(line + 1, "\n")) : NULL;
	CLEAN(strv) struct strv words = { 0 };

	if (!flags)
		return false;
	strv_split(&words, flags, ' ');
	return strv_has(&words, "vmx") || strv_has(&words, "svm");
}
