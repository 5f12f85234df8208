# The small kernel of micro-VMs (configs/guest-kernel.config), of Debian's sources: minutes of all processors and 3 GB
# below $(B)/guest-kernel, and so no part of `all`. For `ctr run --isolation vm --kernel build/guest-kernel/vmlinux`.

GUEST_KERNEL := $(B)/guest-kernel/vmlinux

# The bzImage, which comes with it, is for other launchers.
$(GUEST_KERNEL): configs/guest-kernel.config mk/guest-kernel | $(DEPS_FIRST)
	$(call say,MAKE,$@)
	mk/guest-kernel $(@D)
