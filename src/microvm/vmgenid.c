#include "microvm/vmgenid.h"

#include "microvm/layout.h"

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/random.h>

int vmgenid_write(const struct memory *m, struct err *err)
{
	void *to = memory_at(m, LAYOUT_VMGENID_GPA, VMGENID_BYTES);

	if (!to)
		return err_set(err, ENOMEM, "no room for the number of the guest's generation");
	if (getrandom(to, VMGENID_BYTES, 0) != VMGENID_BYTES)
		return err_sys(err, "take a random number for the guest's generation");
	return 0;
}

int vmgenid_tell(int vm, struct err *err)
{
	struct kvm_irq_level level = { .irq = VMGENID_IRQ, .level = 1 };

	if (ioctl(vm, KVM_IRQ_LINE, &level) < 0)
		return err_sys(err, "interrupt the guest for its new generation (KVM_IRQ_LINE)");
	level.level = 0;
	return ioctl(vm, KVM_IRQ_LINE, &level) < 0 ? err_sys(err, "KVM_IRQ_LINE") : 0;
}
