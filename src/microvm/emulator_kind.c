/* Which program emulates which processor, and how it is told. */
#include "microvm/emulator.h"

#include "base/str.h"
#include "microvm/kernel.h"

#include <errno.h>
#include <string.h>

/* The first is what a kernel is taken for that says nothing else. */
static const struct emulator_kind kinds[] = {
	{ .machine = "x86_64",
	  .program = "/usr/bin/qemu-system-x86_64",
	  .package = "qemu-system-x86",
	  .board = "q35,sata=off,smbus=off,i8042=off,vmport=off",
	  .cpu = "max,svm=off",
	  .cpu_nested = "max",
	  .append = "console=ttyS0 panic=-1 pci=noearly 8250.nr_uarts=1 no_timer_check "
		    "cryptomgr.notests mitigations=off" },
	{ .machine = "aarch64",
	  .program = "/usr/bin/qemu-system-aarch64",
	  .package = "qemu-system-arm",
	  .board = "virt",
	  .cpu = "max,pauth-impdef=on",
	  .append = "console=ttyAMA0 panic=-1 cryptomgr.notests mitigations=off" },
};

const struct emulator_kind *emulator_kind_of(const void *kernel, size_t len)
{
	bool arm64 = len >= KERNEL_ARM64_MAGIC_AT + 4 &&
		     memcmp((const char *)kernel + KERNEL_ARM64_MAGIC_AT, KERNEL_ARM64_MAGIC, 4) ==
			     0;

	return &kinds[arm64];
}

int emulator_check(const struct emulator_kind *kind, bool nested, struct err *err)
{
	if (nested && !kind->cpu_nested)
		return err_set(
			err, ENOTSUP,
			"--nested (vm.hwConfig.nested): an emulated %s has no virtual machines "
			"of its own",
			kind->machine);
	if (access(kind->program, X_OK) == 0)
		return 0;
	return err_set(err, ENOENT,
		       "--isolation emulated needs %s, which isn't there or can't be run: %s; "
		       "Debian's package is %s (apt-get install %s)",
		       kind->program, strerror(errno), kind->package, kind->package);
}
