# vm: --kvm
# limit: 900
# ctr-vm --console: a console of virtio's, and none.

load guest

# console_guest: the same as initramfs, but what it says and hears is hvc0, whose driver may be a module.
console_guest() {
	initramfs virtio_pci virtio_console < <(
		cat <<-'END'
			busybox mount -t devtmpfs dev /dev
			busybox mount -t proc proc /proc
			. /modules/load
			exec </dev/hvc0 >/dev/hvc0 2>&1
		END
		cat
	)
	FLAGS=(--console virtio --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet)
}

@test "vm: --console virtio: each byte both ways, none too early, and the very last ones" {
	console_guest <<-'END'
		busybox stty raw -echo
		read word
		echo "first: $word"
		echo "sum: $(busybox head -c 50000 | busybox md5sum)"
		busybox grep -c ttyS /proc/tty/driver/serial
		busybox cat /proc/cmdline
		busybox seq 4000
		busybox poweroff -f
	END
	# But ctrl-o, which Linux takes there for a prefix of SysRq.
	head -c 90000 /dev/urandom | tr -d '\017' | head -c 50000 >"$BATS_TEST_TMPDIR/bytes"
	mkfifo "$BATS_TEST_TMPDIR/in"
	"$VM" "${FLAGS[@]}" <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	local pid=$!
	BACKGROUND+=("$pid")
	exec {to}>"$BATS_TEST_TMPDIR/in"
	# From before the kernel has begun.
	echo 'a-line-that-waits' >&"$to"
	wait_until 30 grep -q first: "$BATS_TEST_TMPDIR/out"
	cat "$BATS_TEST_TMPDIR/bytes" >&"$to"
	wait "$pid"
	exec {to}>&-
	assert_equal "$(cat "$BATS_TEST_TMPDIR/err")" ''
	grep -q 'first: a-line-that-waits' "$BATS_TEST_TMPDIR/out"
	grep -q "sum: $(md5sum <"$BATS_TEST_TMPDIR/bytes")" "$BATS_TEST_TMPDIR/out"
	grep -q '^console=hvc0 8250.nr_uarts=0 ' "$BATS_TEST_TMPDIR/out"
	[ "$(tail -n 4000 "$BATS_TEST_TMPDIR/out" | tr -d '\r' | md5sum)" = "$(seq 4000 | md5sum)" ]
	assert_nothing_left
}

@test "vm: --console virtio: a terminal's size, when it begins and when it changes" {
	console_guest <<-'END'
		seen=
		while :; do
			size=$(busybox stty size)
			[ "$size" = "$seen" ] || echo "size: $size."
			seen=$size
			busybox sleep 0.2
		done
	END
	on_terminal "tty; stty rows 33 cols 91; '$VM' ${FLAGS[*]@Q}; echo \"status: \$?\""
	wait_until 60 shown 'size: 33 91\.'
	stty -F "$(tr -d '\r' <"$BATS_TEST_TMPDIR/shown" | grep -m 1 ^/dev/pts/)" rows 20 cols 70
	wait_until 20 shown 'size: 20 70\.'
	printf '\001x' >&"$to"
	wait_until 10 shown 'status: 0'
	wait "$terminal"
	exec {to}>&-
	assert_nothing_left
}

@test "vm: --console virtio: a reader that stalls holds the guest, costs no memory, and doesn't keep it from being ended" {
	console_guest <<-'END'
		echo begun
		busybox yes 'a line that nobody reads' &
		while :; do busybox sleep 1; done
	END
	mkfifo "$BATS_TEST_TMPDIR/out"
	exec {from}<>"$BATS_TEST_TMPDIR/out"
	"$VM" "${FLAGS[@]}" --memory 128m </dev/null >"$BATS_TEST_TMPDIR/out" 3>&- {from}<&- &
	local pid=$! line begin
	BACKGROUND+=("$pid")
	read -r -t 600 line <&"$from"
	assert_equal "$line" $'begun\r'
	read -r -t 600 line <&"$from"
	# The pipe is full by now.
	sleep 5
	# Beside the guest's memory, which is the mapping as large as that.
	(($(awk '/^Size:/ { mine = $2 < 128 * 1024 } /^Rss:/ && mine { sum += $2 } END { print sum }' "/proc/$pid/smaps") < 4096))
	begin=$SECONDS
	kill -TERM "$pid"
	run wait "$pid"
	((SECONDS - begin < 3)) || fail "it took $((SECONDS - begin)) s to end"
	exec {from}<&-
	assert_nothing_left
}

# bats test_tags=long
@test "vm: --console virtio: it ends as a writer does when nobody reads, and says when the disk is full" {
	console_guest <<-'END'
		echo one
		while :; do echo more; done
	END
	run bash -c '"$@" </dev/null | head -n 1 >/dev/null; echo "${PIPESTATUS[0]}"' bash "$VM" "${FLAGS[@]}"
	assert_output 141
	console_guest <<-'END'
		echo one
		busybox poweroff -f
	END
	run bash -c '"$@" </dev/null >/dev/full' bash "$VM" "${FLAGS[@]}"
	assert_failure 1
	assert_output --partial "write the guest's console to standard output: No space left on device"
	assert_nothing_left
}

@test "vm: --console virtio: when the guest's kernel dies its last lines are shown" {
	console_guest <<-'END'
		echo "about to go"
		exit 3
	END
	run --separate-stderr "$VM" "${FLAGS[@]}" </dev/null
	assert_failure 1
	[[ $stderr =~ "ctr-vm: the guest's kernel has panicked" ]]
	[[ $stderr == *'| about to go'* ]]
	[[ $stderr =~ 'Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000300' ]]
	assert_nothing_left
}

@test "vm: --console none: no port, no byte, and who dies is told without last words" {
	initramfs <<-'END'
		echo nobody hears
		busybox mount -t devtmpfs dev /dev
		echo nobody hears >/dev/ttyS0
		busybox mount -t proc proc /proc
		if busybox grep -q dies /proc/cmdline; then busybox reboot -f; fi
		busybox poweroff -f
	END
	FLAGS=(--console none --kernel "$KERNEL" --initrd "$INITRD" --kernel-args)
	echo typed >"$BATS_TEST_TMPDIR/in"
	exec {in}<"$BATS_TEST_TMPDIR/in"
	run --separate-stderr "$VM" "${FLAGS[@]}" 'loglevel=7' <&"$in"
	assert_success
	assert_equal "$output$stderr" ''
	# Nor is anything read.
	assert_equal "$(cat <&"$in")" typed
	exec {in}<&-
	run --separate-stderr "$VM" "${FLAGS[@]}" 'reboot=t dies'
	assert_failure 1
	assert_equal "$output" ''
	[[ $stderr == *'(triple fault)'*'What its kernel has said of that went nowhere: --console none' ]]
	run "$VM" --console paper
	assert_failure 125
	assert_output --partial '--console paper: serial, virtio and none are there'
	assert_nothing_left
}
