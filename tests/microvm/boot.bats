# vm: --kvm
# limit: 600
# Debian's stock kernel, the one that the test VM runs itself, in a guest of ctr-vm's.

load guest

@test "vm: a kernel boots, its init is heard, and it powers off" {
	initramfs <<-'END'
		busybox mount -t proc proc /proc
		echo "memory: $(busybox awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo)"
		echo "nested: $(busybox grep -cwE 'svm|vmx' /proc/cpuinfo)"
		echo "words: $(busybox cat /proc/cmdline)"
		busybox poweroff -f
	END
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args 'quiet x.y=z' --memory 192m
	assert_success
	assert_equal "$stderr" ''
	[[ $output =~ memory:\ 1[4-9][0-9] ]]
	[[ $output =~ nested:\ 0 ]]
	[[ $output =~ words:\ console=ttyS0\ .*\ quiet\ x\.y=z ]]
	assert_nothing_left
}

# bats test_tags=long
@test "vm: a bzImage's own code moves it by chance, PVH's entry doesn't" {
	initramfs <<-'END'
		busybox mount -t proc proc /proc
		echo "text: $(busybox grep -m 1 ' _text$' /proc/kallsyms)"
		busybox poweroff -f
	END
	local boot texts=()
	for boot in pvh bzimage bzimage; do
		run --separate-stderr "$VM" --boot "$boot" --kernel "${KERNEL%image}vmlinuz" --initrd "$INITRD" --kernel-args quiet --memory 512m
		assert_success
		assert_equal "$stderr" ''
		texts+=("$(tr -d '\r' <<<"$output" | sed -n 's/^text: \([0-9a-f]*\) .*/\1/p')")
	done
	assert_equal "${texts[0]}" ffffffff81000000
	[[ ${texts[1]} =~ ^ffffffff[89ab][0-9a-f]{7}$ ]]
	# One of 500 places each: so the first of them may be PVH's, but not all three are one.
	[[ ${texts[1]} != "${texts[2]}" ]]
	assert_nothing_left
}

# bats test_tags=long
@test "vm: a reset ends it, too" {
	initramfs <<-'END'
		echo resets
		busybox reboot -f
	END
	run "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet
	assert_success
	[[ $output =~ resets ]]
}

@test "vm: a guest that panics ends with its console's last lines" {
	initramfs <<-'END'
		echo "about to go"
		exit 3
	END
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet
	assert_failure 1
	[[ $stderr =~ "ctr-vm: the guest's kernel has panicked" ]]
	[[ $stderr == *'| about to go'* ]]
	[[ $stderr =~ 'Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000300' ]]
	assert_nothing_left
}

@test "vm: a triple fault is told" {
	initramfs <<-'END'
		busybox reboot -f
	END
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args 'quiet reboot=t'
	assert_failure 1
	[[ $stderr == *'shut down (triple fault), at 0x'* ]]
}

@test "vm: killed hard, it leaves nothing" {
	initramfs <<-'END'
		echo waiting
		busybox sleep 1000
	END
	"$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet >"$BATS_TEST_TMPDIR/out" 3>&- &
	local pid=$!
	BACKGROUND+=("$pid")
	wait_until 30 grep -q waiting "$BATS_TEST_TMPDIR/out"
	kill -KILL "$pid"
	wait "$pid" || true
	assert_nothing_left
}

@test "vm: a kernel that nobody names is the newest of /boot, with its modules" {
	local version
	version=$(uname -r)
	# shellcheck disable=SC2016
	run --separate-stderr unshare -m sh -c 'mount -t tmpfs none /boot; cp "$1" "/boot/vmlinuz-$2"; shift 2; exec "$@"' \
		sh "$KERNEL" "$version" "$CTR_BIN" "${CTR_FLAGS[@]}" run --rm --isolation vm busybox uname -r
	assert_success
	assert_output "$version"
	assert_nothing_left
}

@test "vm: what can't be started is refused in words, before anything is begun" {
	local bad=$BATS_TEST_TMPDIR/bad
	head -c 1M /dev/urandom >"$bad"
	run "$VM" --kernel "$bad"
	assert_failure 125
	assert_output "ctr-vm: $bad is not a kernel: neither an ELF file for x86-64 (vmlinux) nor a bzImage (vmlinuz) that carries one"
	run "$VM" --kernel /bin/busybox
	assert_failure 125
	[[ $output =~ 'has no PVH entry' ]]
	head -c 8M "$KERNEL" >"$bad"
	run "$VM" --kernel "$bad"
	assert_failure 125
	[[ $output =~ 'is it cut off?' ]]
	run "$VM" --kernel "$KERNEL" --memory 32m
	assert_failure 125
	[[ $output =~ 'give more by --memory' ]]
	run "$VM" --kernel "$KERNEL" --memory 1k
	assert_failure 125
	assert_output --partial "from 32m to all of this host's memory"
	run unshare -m sh -c 'mount -t tmpfs none /boot; exec "$@"' sh "$VM"
	assert_failure 125
	assert_output 'ctr-vm: which kernel? there is no vmlinuz-VERSION in /boot; --kernel FILE'
	run unshare -m sh -c 'mount -t tmpfs none /boot; cp /bin/busybox /boot/vmlinuz-6.1; exec "$@"' sh "$VM"
	assert_failure 125
	assert_output --partial '/boot/vmlinuz-6.1 has no PVH entry'
}

@test "vm: a machine without a usable /dev/kvm says why" {
	run unshare -m sh -c 'mount --bind /dev/null /dev/kvm; exec "$@"' sh "$VM" --kernel "$KERNEL"
	assert_failure 125
	[[ $output =~ ^'ctr-vm: /dev/kvm does not answer as KVM does: ' ]]
	run unshare -m sh -c 'mount -t tmpfs none /dev; exec "$@"' sh "$VM" --kernel "$KERNEL"
	assert_failure 125
	[[ $output =~ 'there is no /dev/kvm: load kvm_intel or kvm_amd' ]]
}
