# vm: --kvm
# limit: 600
# A guest's watchdog by Debian's driver (i6300esb), and what its bite is for the machine.

load guest

@test "vm: a watchdog that is fed keeps quiet; one that isn't ends the guest, and that is an error" {
	watched_guest <<-'END'
		for i in 1 2 3 4 5 6 7 8 9 10; do
			echo >&3
			busybox sleep 1
		done
		echo 'fed for ten seconds'
		busybox sleep 1000
	END
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet --watchdog reset
	assert_equal "$status" 1
	[[ $output == *'fed for ten seconds'* ]]
	[[ $stderr == *"ctr-vm: the guest's watchdog has bitten: nobody in the guest has fed it in time"* ]]
	[[ $stderr == *'The last lines of its console:'*'fed for ten seconds'* ]]
	assert_nothing_left
}

@test "vm: by its policy a watchdog's bite powers the guest off, or pauses it until somebody ends it" {
	watched_guest <<-'END'
		# Words, for as long as it runs.
		while :; do
			echo running
			busybox sleep 0.2
		done
	END
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet \
		--watchdog poweroff
	assert_success
	assert_equal "$stderr" "ctr-vm: the guest's watchdog has bitten: it is off"

	local out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err pid size
	"$VM" --cpus 2 --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet --watchdog pause \
		>"$out" 2>"$err" 3>&- </dev/null &
	pid=$!
	BACKGROUND+=("$pid")
	wait_until 100 grep -qx "ctr-vm: the guest's watchdog has bitten: it is paused" "$err"
	grep -q running "$out"
	size=$(stat -c %s "$out")
	sleep 3
	assert_equal "$(stat -c %s "$out")" "$size"
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	assert_equal "$status" 143
	assert_nothing_left
}

# bats test_tags=long
@test "vm: without a policy a watchdog's bite is known to the guest alone" {
	watched_guest <<-'END'
		busybox sleep 8
		# The driver's word for "no more", so that it may go.
		echo V >&3
		exec 3>&-
		busybox rmmod i6300esb
		busybox insmod /modules/i6300esb.ko heartbeat=4
		echo "bootstatus: $(busybox cat /sys/class/watchdog/watchdog0/bootstatus)"
		busybox rmmod i6300esb
		busybox insmod /modules/i6300esb.ko heartbeat=4
		echo "then: $(busybox cat /sys/class/watchdog/watchdog0/bootstatus)"
		busybox poweroff -f
	END
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet --watchdog none
	assert_success
	assert_equal "$stderr" ''
	# WDIOF_CARDRESET
	[[ $output == *'bootstatus: 32'*'then: 0'* ]]
	run "$VM" --kernel "$KERNEL" --watchdog off
	assert_failure 125
	assert_output 'ctr-vm: --watchdog off: reset, poweroff, pause and none are there'
}
