# vm: --kvm -m 3000
# limit: 900
# long: make check-guest-kernel
# The small kernel (configs/guest-kernel.config) in guests of ctr-vm's: all it needs is built in.

load guest

setup() {
	ctr_setup
	guest_setup
	KERNEL=$CTR_BUILD/guest-kernel/vmlinux
	VM_FLAGS=(--isolation vm --kernel "$KERNEL")
	[ -e "$KERNEL" ] || fail 'it was not built: make check-guest-kernel'
}

@test "own kernel: it is what the fragment says, has no modules, and powers off" {
	initramfs <<-'END'
		busybox mount -t proc proc /proc
		echo "version: $(busybox uname -r)"
		busybox test -e /proc/modules && echo 'has modules'
		echo "config: $(busybox base64 -w 0 /proc/config.gz)"
		busybox poweroff -f
	END
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet
	assert_success
	assert_equal "$stderr" ''
	output=$(tr -d '\r' <<<"$output")
	[[ $output =~ version:\ 6\.12\.[0-9]+-ctr ]]
	refute_output --partial 'has modules'
	sed -n 's/^config: //p' <<<"$output" | base64 -d | zcat >"$BATS_TEST_TMPDIR/config"
	run "$REPO/mk/guest-kernel" --check "$BATS_TEST_TMPDIR/config"
	assert_success
	# And the look itself can fail.
	printf 'CONFIG_FUSE_FS=m\n' >"$BATS_TEST_TMPDIR/fragment"
	printf '# CONFIG_VIRTIO_FS is not set\n' >>"$BATS_TEST_TMPDIR/fragment"
	printf 'CONFIG_NO_SUCH=y\n' >>"$BATS_TEST_TMPDIR/fragment"
	run "$REPO/mk/guest-kernel" --check "$BATS_TEST_TMPDIR/config" "$BATS_TEST_TMPDIR/fragment"
	assert_failure
	assert_line '  CONFIG_FUSE_FS=m: CONFIG_FUSE_FS=y'
	assert_line '  # CONFIG_VIRTIO_FS is not set: CONFIG_VIRTIO_FS=y'
	assert_line '  CONFIG_NO_SUCH=y: there is no such'
	assert_nothing_left
}

@test "own kernel: its bzImage boots, too, moved by chance, and a reset ends it" {
	initramfs <<-'END'
		busybox mount -t proc proc /proc
		echo "text: $(busybox grep -m 1 ' _text$' /proc/kallsyms)"
		busybox reboot -f
	END
	run --separate-stderr "$VM" --boot bzimage --kernel "${KERNEL%vmlinux}bzImage" --initrd "$INITRD" \
		--kernel-args quiet --memory 512m
	assert_success
	assert_equal "$stderr" ''
	[[ $output =~ text:\ ffffffff[89ab][0-9a-f]{7}\  ]]
	run --separate-stderr "$VM" --kernel "${KERNEL%vmlinux}bzImage" --initrd "$INITRD" --kernel-args quiet
	assert_success
	[[ $output =~ text:\ ffffffff81000000\  ]]
}

@test "own kernel: its root is an image, EROFS, on a disk of the machine's, and no initramfs" {
	local tree=$BATS_TEST_TMPDIR/files
	mkdir -p "$tree"/{bin,dev,proc}
	cp "$(command -v busybox)" "$tree/bin/busybox"
	cat >"$tree/bin/init" <<-'END'
		#!/bin/busybox sh
		busybox mount -t proc proc /proc
		echo "root: $(busybox grep ' / ' /proc/mounts)"
		busybox touch /new 2>&1
		busybox poweroff -f
	END
	chmod 755 "$tree/bin/init"
	mkfs.erofs -zlz4hc "$BATS_TEST_TMPDIR/image" "$tree" >/dev/null
	run --separate-stderr "$VM" --kernel "$KERNEL" --disk "$BATS_TEST_TMPDIR/image,readonly" \
		--kernel-args 'quiet root=/dev/vda rootfstype=erofs ro init=/bin/init'
	assert_success
	assert_equal "$stderr" ''
	[[ $output =~ root:\ /dev/root\ /\ erofs\ ro ]]
	[[ $output =~ touch:\ /new:\ Read-only ]]
	assert_nothing_left
}

@test "own kernel: when it panics, the console's last lines have names" {
	initramfs <<-'END'
		exit 3
	END
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet
	assert_failure 1
	[[ $stderr =~ "the guest's kernel has panicked" ]]
	[[ $stderr =~ do_exit\+0x ]]
}

@test "own kernel: four processors, and a driver for each device of the machine" {
	truncate -s 16M "$BATS_TEST_TMPDIR/disk"
	mkdir "$BATS_TEST_TMPDIR/shared"
	echo 'of the host' >"$BATS_TEST_TMPDIR/shared/file"
	modprobe tun
	ip tuntap add name own0 mode tap
	initramfs <<-'END'
		busybox mount -t proc proc /proc
		busybox mount -t sysfs sysfs /sys
		busybox mount -t devtmpfs dev /dev
		echo "processors: $(busybox nproc)"
		echo "clock: $(busybox cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
		busybox mkdir /mnt
		busybox mount -t virtiofs share /mnt
		echo "share: $(busybox cat /mnt/file)"
		echo "disk: $(busybox cat /sys/block/vda/size)"
		echo "net: $(busybox cat /sys/class/net/eth0/address)"
		echo "random: $(busybox cat /sys/class/misc/hw_random/rng_current)"
		busybox test -c /dev/vsock && echo 'vsock: yes'
		echo "watchdog: $(busybox cat /sys/class/watchdog/watchdog0/identity)"
		for driver in /sys/bus/virtio/drivers/*; do
			for device in $driver/virtio*; do
				busybox test -e $device && echo "bound: ${driver##*/}"
			done
		done
		busybox poweroff -f
	END
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet --cpus 4 \
		--disk "$BATS_TEST_TMPDIR/disk" --share "share=$BATS_TEST_TMPDIR/shared" \
		--net tap=own0,mac=02:00:00:00:00:07 --vsock "$BATS_TEST_TMPDIR/vsock" --balloon 0 --watchdog reset
	ip link del own0
	output=$(tr -d '\r' <<<"$output")
	mapfile -t lines <<<"$output"
	assert_success
	assert_line 'processors: 4'
	assert_line 'clock: kvm-clock'
	assert_line 'share: of the host'
	assert_line 'disk: 32768'
	assert_line 'net: 02:00:00:00:00:07'
	assert_line --partial 'random: virtio_rng'
	assert_line 'vsock: yes'
	assert_line --regexp 'watchdog: i6300ESB'
	local driver
	for driver in virtio_balloon virtio_blk virtio_net virtio_rng virtiofs vmw_vsock_virtio_transport; do
		assert_line "bound: $driver"
	done
	assert_nothing_left
}

@test "own kernel: a container runs on it, with what containers want of a kernel" {
	run ctr run --rm "${VM_FLAGS[@]}" --privileged busybox sh -c 'uname -r; mount -t securityfs none /sys/kernel/security; cat /proc/filesystems
		ls /proc/self/ns; cat /sys/kernel/security/lsm; cat /sys/fs/cgroup/cgroup.controllers; exit 7'
	assert_equal "$status" 7
	local word
	for word in erofs squashfs ext4 overlay fuse virtiofs tmpfs cgroup2 bpf; do
		[[ $output =~ (^|[[:space:]])$word($|[[:space:]]) ]] || fail "no $word in: $output"
	done
	for word in cgroup ipc mnt net pid time user uts; do
		assert_line "$word"
	done
	assert_line --regexp '^6\.12\.[0-9]+-ctr$'
	assert_line --regexp 'landlock'
	assert_line --regexp 'cpu.*io.*memory.*pids'
	assert_nothing_left
}
