# vm: --kvm
# limit: 600
# What a guest of ctr-vm's, Debian's stock kernel with its own drivers, finds and does with its devices.

load guest

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
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet
	assert_success
	assert_equal "$stderr" ''
	[[ $output =~ device:\ 0000:00:01\.0\ 0x1af4\ 0x1044\ 0xff0000 ]]
	[[ $output =~ device:\ 0000:00:00\.0\ 0x8086\ 0x0d57\ 0x060000 ]]
	[[ $output =~ c0000000-febfffff\ :\ PCI\ Bus\ 0000:00 ]]
}

@test "vm: random bytes come from the host, also after the driver was away" {
	initramfs virtio_pci virtio-rng <<-'END'
		busybox mount -t proc proc /proc
		busybox mount -t sysfs sysfs /sys
		busybox mount -t devtmpfs dev /dev
		rng=/sys/class/misc/hw_random
		. /modules/load
		for round in 1 2 3; do
			[ -e /sys/module/virtio_rng ] || busybox insmod /modules/virtio-rng.ko
			echo "current: $(busybox cat $rng/rng_current)"
			busybox dd if=/dev/hwrng of=/bytes.$round bs=4096 count=32 iflag=fullblock 2>/dev/null
			echo "bytes: $(busybox stat -c %s /bytes.$round)"
			busybox rmmod virtio_rng
		done
		echo "different: $(busybox sha256sum /bytes.* | busybox cut -c 1-64 | busybox sort -u | busybox wc -l)"
		# Random bytes can't be made smaller.
		echo "packed: $(busybox gzip -c /bytes.1 | busybox wc -c)"
		busybox insmod /modules/virtio-rng.ko
		busybox grep virtio /proc/interrupts
		busybox poweroff -f
	END
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet
	assert_success
	assert_equal "$(grep -c 'current: virtio_rng.0' <<<"$output")" 3
	assert_equal "$(grep -c 'bytes: 131072' <<<"$output")" 3
	[[ $output =~ different:\ 3 ]]
	[[ $output =~ packed:\ 131[1-9] ]]
	[[ $output =~ PCI-MSI.*virtio0-input ]]
}

@test "vm: disks are read and written, also by many at once, and by a driver that came back" {
	local a=$BATS_TEST_TMPDIR/a b=$BATS_TEST_TMPDIR/b
	head -c 16M /dev/urandom >"$a"
	truncate -s 32M "$b"
	initramfs virtio_pci virtio_blk <<-'END'
		busybox mount -t proc proc /proc
		busybox mount -t sysfs sysfs /sys
		busybox mount -t devtmpfs dev /dev
		. /modules/load
		for d in vda vdb; do
			echo "$d: $(busybox cat /sys/block/$d/size) ro=$(busybox cat /sys/block/$d/ro) serial=$(busybox cat /sys/block/$d/serial)"
		done
		echo "a: $(busybox sha256sum /dev/vda | busybox cut -c 1-64)"
		# Four write at once, each to a quarter of its own, while another reads.
		for i in 0 1 2 3; do
			busybox dd if=/dev/vda of=/dev/vdb bs=64k count=128 skip=$((i * 64)) seek=$((i * 128)) conv=notrunc 2>/dev/null &
		done
		busybox cat /dev/vda >/dev/null &
		wait
		busybox sync
		echo "b: $(busybox sha256sum /dev/vdb | busybox cut -c 1-64)"
		busybox rmmod virtio_blk
		busybox insmod /modules/virtio_blk.ko
		echo "b again: $(busybox sha256sum /dev/vdb | busybox cut -c 1-64)"
		busybox dd if=/dev/zero of=/dev/vda bs=4096 count=1 2>&1
		busybox poweroff -f
	END
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet --cpus 2 \
		--disk "$a,readonly,id=first" --disk "$b,id=second"
	assert_success
	[[ $output =~ vda:\ 32768\ ro=1\ serial=first ]]
	[[ $output =~ vdb:\ 65536\ ro=0\ serial=second ]]
	[[ $output =~ a:\ $(sha256sum <"$a" | cut -c 1-64) ]]
	[[ $output =~ dd:\ .*/dev/vda ]]
	local wanted i
	wanted=$(for i in 0 1 2 3; do
		dd if="$a" bs=64k count=128 skip=$((i * 64)) 2>/dev/null | head -c 8M
		[ "$i" != 3 ] || head -c 4M /dev/zero
	done | sha256sum | cut -c 1-64)
	[[ $output =~ b:\ $wanted ]]
	[[ $output =~ b\ again:\ $wanted ]]
	assert_equal "$(sha256sum <"$b" | cut -c 1-64)" "$wanted"
	assert_nothing_left
}

@test "vm: disks that are file systems: EROFS, which nobody writes to, and ext4 as the guest leaves it" {
	local tree=$BATS_TEST_TMPDIR/files erofs=$BATS_TEST_TMPDIR/erofs ext4=$BATS_TEST_TMPDIR/ext4 before i
	mkdir -p "$tree/deep/er"
	for i in $(seq 200); do
		head -c $((i * 300)) /dev/urandom >"$tree/deep/er/$i"
	done
	ln -s deep/er/7 "$tree/link"
	install -m 4750 -o 1234 -g 99 /dev/null "$tree/deep/own"
	mkfs.erofs -zlz4 "$erofs" "$tree" >/dev/null
	before=$(sha256sum <"$erofs")
	truncate -s 32M "$ext4"
	mke2fs -q -t ext4 -d "$tree" "$ext4"
	initramfs virtio_pci virtio_blk erofs ext4 <<-'END'
		busybox mount -t proc proc /proc
		busybox mount -t devtmpfs dev /dev
		. /modules/load
		busybox mkdir /a /b
		busybox mount -t erofs -o ro /dev/vda /a
		busybox mount -t ext4 /dev/vdb /b
		for d in /a /b; do
			cd $d
			echo "$d: $(busybox cat deep/er/* link | busybox sha256sum | busybox cut -c 1-64) $(busybox stat -c %a:%u:%g deep/own)"
		done
		cd /
		busybox touch /a/new 2>&1
		busybox dd if=/dev/zero of=/dev/vda bs=512 count=1 2>&1
		busybox rm /b/deep/er/1
		echo of the guest >/b/new
		busybox umount /b
		busybox poweroff -f
	END
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet \
		--disk "$erofs,readonly" --disk "$ext4"
	assert_success
	local sum
	sum=$(cat "$tree"/deep/er/* "$tree/link" | sha256sum | cut -c 1-64)
	[[ $output == *"/a: $sum 4750:1234:99"* ]]
	[[ $output == *"/b: $sum 4750:1234:99"* ]]
	[[ $output == *'touch: /a/new: Read-only file system'* ]]
	[[ $output =~ dd:\ .*/dev/vda ]]
	assert_equal "$(sha256sum <"$erofs")" "$before"
	e2fsck -fn "$ext4" >"$BATS_TEST_TMPDIR/fsck" 2>&1 || fail "$(cat "$BATS_TEST_TMPDIR/fsck")"
	assert_equal "$(debugfs -R 'cat /new' "$ext4" 2>/dev/null)" 'of the guest'
	run debugfs -R 'stat /deep/er/1' "$ext4"
	assert_output --partial 'File not found'
	assert_nothing_left
}

@test "vm: what is no disk, or another's, is refused in words" {
	local disk=$BATS_TEST_TMPDIR/disk
	head -c 1000 /dev/zero >"$disk"
	run "$VM" --kernel "$KERNEL" --disk "$disk"
	assert_failure 125
	assert_output "ctr-vm: --disk $disk: its size, 1000 bytes, is not a multiple of 512: is it an image of a disk, raw, and whole?"
	run "$VM" --kernel "$KERNEL" --disk "$disk,rw"
	assert_failure 125
	[[ $output =~ '"rw" is neither readonly nor id=NAME' ]]
	run "$VM" --kernel "$KERNEL" --disk /nowhere
	assert_failure 125
	assert_output 'ctr-vm: open the disk /nowhere: No such file or directory'
	truncate -s 1M "$disk"
	run flock "$disk" "$VM" --kernel "$KERNEL" --disk "$disk"
	assert_failure 125
	[[ $output == *"--disk $disk: somebody else has it locked"* ]]
	local many=() i
	for i in $(seq 31); do
		many+=(--disk "$disk,readonly")
	done
	run "$VM" --kernel "$KERNEL" "${many[@]}"
	assert_failure 125
	assert_output 'ctr-vm: a machine has at most 31 devices'
}
