# vm: --kvm
# limit: 300
# What is typed for a guest of ctr-vm's.

load guest

@test "vm: what comes by a pipe reaches the guest, every byte, and none too early" {
	initramfs <<-'END'
		busybox stty raw -echo
		read word
		echo "first: $word"
		echo "sum: $(busybox head -c 30000 | busybox md5sum)"
		busybox poweroff -f
	END
	head -c 30000 /dev/urandom >"$BATS_TEST_TMPDIR/bytes"
	# The first line waits from before the kernel has begun.
	mkfifo "$BATS_TEST_TMPDIR/in"
	"$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet \
		<"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 3>&- &
	local pid=$!
	BACKGROUND+=("$pid")
	exec {to}>"$BATS_TEST_TMPDIR/in"
	echo 'a-line-that-is-longer-than-the-FIFO' >&"$to"
	wait_until 30 grep -q first: "$BATS_TEST_TMPDIR/out"
	cat "$BATS_TEST_TMPDIR/bytes" >&"$to"
	wait "$pid"
	exec {to}>&-
	grep -q 'first: a-line-that-is-longer-than-the-FIFO' "$BATS_TEST_TMPDIR/out"
	grep -q "sum: $(md5sum <"$BATS_TEST_TMPDIR/bytes")" "$BATS_TEST_TMPDIR/out"
	assert_nothing_left
}

@test "vm: a terminal is the guest's, until ctrl-a x or a signal, and then as it was" {
	initramfs <<-'END'
		busybox stty -isig
		echo ready
		while :; do
			read word && echo "heard: $word."
		done
	END
	on_terminal "stty -g; '$VM' --kernel '$KERNEL' --initrd '$INITRD' --kernel-args quiet; echo \"status: \$?\"; stty -g
		'$VM' --kernel '$KERNEL' --initrd '$INITRD' --kernel-args quiet; echo \"then: \$?\"; stty -g"
	wait_until 30 shown ready
	printf 'hello\r' >&"$to"
	wait_until 10 shown 'heard: hello\.'
	# ctrl-a ctrl-a is one; ctrl-d and ctrl-c are the guest's.
	printf '\001\001\004' >&"$to"
	printf 'x\r' >&"$to"
	wait_until 10 shown 'heard: .x\.'
	assert_equal "$(grep -a heard: "$BATS_TEST_TMPDIR/shown" | tail -n 1 | tr -d '\r')" $'heard: \001x.'
	printf '\003c\r' >&"$to"
	wait_until 10 shown 'heard: .c\.'
	assert_equal "$(grep -a heard: "$BATS_TEST_TMPDIR/shown" | tail -n 1 | tr -d '\r')" $'heard: \003c.'
	printf '\001x' >&"$to"
	wait_until 10 shown 'status: 0'
	wait_until 30 eval '[ "$(grep -c ready "$BATS_TEST_TMPDIR/shown")" = 2 ]'
	kill -TERM "$(pgrep -nx ctr-vm)"
	wait_until 10 shown 'then: 143'
	wait "$terminal"
	exec {to}>&-
	assert_equal "$(tr -d '\r' <"$BATS_TEST_TMPDIR/shown" | grep -E '^([0-9a-f]+:){10}' | sort | uniq -c | wc -l)" 1
	assert_equal "$(tr -d '\r' <"$BATS_TEST_TMPDIR/shown" | grep -cE '^([0-9a-f]+:){10}')" 3
	assert_nothing_left
}

@test "vm: it ends as a writer does when nobody reads its console" {
	initramfs <<-'END'
		echo one
		while :; do echo more; done
	END
	run bash -c '"$@" </dev/null | head -n 1 >/dev/null; echo "${PIPESTATUS[0]}"' bash \
		"$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet
	assert_output 141
	assert_nothing_left
}
