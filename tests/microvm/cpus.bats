# vm: --kvm -m 5120
# limit: 400
# Several processors in a guest of ctr-vm's, and more memory than fits below the gap; and its end by a signal.
# The test VM has one processor for all of them: with two, QEMU loses a timer or an interrupt of a guest's now and
# then, and that guest sleeps for ever.

load guest

@test "vm: four processors start, are cores of one package, and all work" {
	initramfs <<-'END'
		busybox mount -t proc proc /proc
		busybox mount -t sysfs sysfs /sys
		cd /sys/devices/system/cpu
		echo "online: $(busybox cat online)"
		echo "cores: $(busybox cat cpu*/topology/core_cpus_list | busybox xargs)"
		echo "package: $(busybox cat cpu*/topology/package_cpus_list | busybox sort -u)"
		echo "ids: $(busybox awk '/^apicid/ { print $3 }' /proc/cpuinfo | busybox xargs)"
		for n in 0 1 2 3; do
			busybox taskset -c $n busybox sh -c 'busybox awk "{ print \"ran on\", \$39 }" /proc/self/stat'
		done
		busybox poweroff -f
	END
	run --separate-stderr "$VM" --cpus 4 --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet
	assert_success
	assert_equal "$stderr" ''
	assert_equal "$(tr -d '\r' <<<"$output" | grep -E '^(online|cores|package|ids|ran)')" "online: 0-3
cores: 0 1 2 3
package: 0-3
ids: 0 1 2 3
ran on 0
ran on 1
ran on 2
ran on 3"
	assert_nothing_left
}

# bats test_tags=long
@test "vm: any processor resets the machine, and any may die" {
	initramfs <<-'END'
		busybox mount -t proc proc /proc
		echo begins
		[ -z "$busy" ] || for n in 0 1 2; do busybox sh -c 'while :; do :; done' & done
		busybox taskset -c 2 busybox reboot -f
	END
	run --separate-stderr "$VM" --cpus 3 --kernel "$KERNEL" --initrd "$INITRD" --kernel-args 'quiet busy=1'
	assert_success
	[[ $output =~ begins ]]
	run --separate-stderr "$VM" --cpus 2 --kernel "$KERNEL" --initrd "$INITRD" --kernel-args 'quiet reboot=t,s1'
	assert_failure 1
	[[ $stderr == *'shut down (triple fault), at 0x'* ]]
	assert_nothing_left
}

@test "vm: a signal ends it at once, whatever its processors do and whoever reads" {
	initramfs <<-'END'
		echo waiting
		[ "$how" = sleep ] || busybox sh -c 'while :; do :; done' &
		[ "$how" = write ] && busybox yes
		busybox sleep 1000
	END
	local how pid
	for how in sleep spin write; do
		mkfifo "$BATS_TEST_TMPDIR/out.$how"
		"$VM" --cpus 2 --kernel "$KERNEL" --initrd "$INITRD" --kernel-args "quiet how=$how" \
			>"$BATS_TEST_TMPDIR/out.$how" 3>&- &
		pid=$!
		BACKGROUND+=("$pid")
		# Who reads has heard enough, and keeps the pipe open.
		exec {reader}<"$BATS_TEST_TMPDIR/out.$how"
		python3 -c 'import fcntl, sys; fcntl.fcntl(int(sys.argv[1]), fcntl.F_SETPIPE_SZ, 4096)' "$reader"
		grep -q -m 1 waiting <&"$reader"
		[ "$how" != write ] || wait_until 20 full "$pid"
		kill -TERM "$pid"
		status=0
		wait "$pid" || status=$?
		assert_equal "$status" 143
		exec {reader}<&-
	done
	assert_nothing_left
}

# full PID: one of its threads waits for a pipe's reader.
full() {
	grep -q pipe_write /proc/"$1"/task/*/wchan || grep -q pipe_write /proc/"$1"/task/*/stack
}

# bats test_tags=long
@test "vm: 32 processors start, the most that there are" {
	initramfs <<-'END'
		busybox mount -t proc proc /proc
		echo "processors: $(busybox nproc)"
		busybox poweroff -f
	END
	run --separate-stderr "$VM" --cpus 32 --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet
	assert_success
	assert_equal "$stderr" ''
	[[ $output =~ processors:\ 32 ]]
	assert_nothing_left
}

@test "vm: memory above 4 GiB is the guest's" {
	initramfs <<-'END'
		busybox mount -t proc proc /proc
		echo "memory: $(busybox awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo)"
		busybox grep 'System RAM' /proc/iomem
		busybox poweroff -f
	END
	run --separate-stderr "$VM" --memory 4g --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet
	assert_success
	[[ $output =~ memory:\ 3[89][0-9][0-9] ]]
	[[ $output =~ 100000000-13fffffff\ :\ System\ RAM ]]
	run "$VM" --memory 40g --kernel "$KERNEL"
	assert_failure 125
	[[ $output =~ "from 32m to all of this host's memory" ]]
}
