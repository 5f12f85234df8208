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
	[[ $output =~ device:\ 0000:00:01\.0\ 0x1af4\ 0x1044\ 0xff0000 ]]
	[[ $output =~ device:\ 0000:00:00\.0\ 0x8086\ 0x0d57\ 0x060000 ]]
	[[ $output =~ c0000000-febfffff\ :\ PCI\ Bus\ 0000:00 ]]
}

@test "vm: random bytes come from the host, also after the driver was away" {
	initramfs virtio-rng <<-'END'
		busybox mount -t proc proc /proc
		busybox mount -t sysfs sysfs /sys
		busybox mount -t devtmpfs dev /dev
		rng=/sys/class/misc/hw_random
		for round in 1 2 3; do
			for m in rng-core virtio-rng; do
				[ ! -e /modules/$m.ko ] || busybox insmod /modules/$m.ko 2>/dev/null
			done
			echo "current: $(busybox cat $rng/rng_current)"
			busybox dd if=/dev/hwrng of=/bytes.$round bs=4096 count=32 iflag=fullblock 2>/dev/null
			echo "bytes: $(busybox stat -c %s /bytes.$round)"
			busybox rmmod virtio_rng
		done
		echo "different: $(busybox sha256sum /bytes.* | busybox cut -c 1-64 | busybox sort -u | busybox wc -l)"
		# Random bytes can't be made smaller.
		echo "packed: $(busybox gzip -c /bytes.1 | busybox wc -c)"
		busybox grep virtio /proc/interrupts
		busybox insmod /modules/virtio-rng.ko
		busybox grep virtio /proc/interrupts
		busybox poweroff -f
	END
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --append quiet
	assert_success
	assert_equal "$(grep -c 'current: virtio_rng.0' <<<"$output")" 3
	assert_equal "$(grep -c 'bytes: 131072' <<<"$output")" 3
	[[ $output =~ different:\ 3 ]]
	[[ $output =~ packed:\ 131[1-9] ]]
	[[ $output =~ PCI-MSIX-0000:00:01\.0.*virtio0-input ]]
}
