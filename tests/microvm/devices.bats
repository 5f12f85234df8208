# vm: --kvm
# limit: 600
# What a guest of ctr-vm's, Debian's stock kernel with its own drivers, finds and does with its devices.

bats_require_minimum_version 1.5.0
load ../integration/lib
load guest

setup() {
	ctr_setup
	guest_setup
}

@test "vm: the PCI bus has a host bridge, and the kernel its window" {
	initramfs <<-'END'
		busybox mount -t proc proc /proc
		busybox mount -t sysfs sysfs /sys
		for d in /sys/bus/pci/devices/*; do
			echo "device: ${d##*/} $(busybox cat $d/vendor $d/device $d/class | busybox xargs)"
		done
		busybox grep -m 1 'PCI Bus' /proc/iomem
		busybox poweroff -f
	END
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --append quiet
	assert_success
	assert_equal "$stderr" ''
	assert_equal "$(grep -c '^device: ' <<<"$output")" 1
	[[ $output =~ device:\ 0000:00:00\.0\ 0x8086\ 0x0d57\ 0x060000 ]]
	[[ $output =~ c0000000-febfffff\ :\ PCI\ Bus\ 0000:00 ]]
}
