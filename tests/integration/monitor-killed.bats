# kill -9 of what stays beside a container: it lives on, and nothing of it is lost.
# limit: 300

load lib

@test "killed: one after the other, the container runs on and its end is known" {
	local i what
	for what in monitor keeper; do
		ctr run -d --name c1 busybox sh -c 'while [ ! -e /tmp/end ]; do sleep 0.02; done; exit 5'
		kill_one c1 "$what"
		assert_equal "$(monitors c1 | wc -l)" 2
		state_is c1 running
		ctr exec c1 touch /tmp/end
		run ctr wait c1
		assert_output 5
		run ctr inspect --format '{{.State.ExitCode}}' c1
		assert_output 5
		ctr rm c1
	done
	assert_nothing_left
}

# The kernel tells the end of a process to whoever had a pidfd of it from 6.15 on.
@test "killed: again and again, either of them" {
	local i
	ctr run -d --name c1 busybox sh -c 'while [ ! -e /tmp/end ]; do sleep 0.02; done; exit 5'
	for ((i = 0; i < 10; i++)); do
		kill_one c1 either
	done
	assert_equal "$(monitors c1 | wc -l)" 2
	ctr exec c1 touch /tmp/end
	if [ "$(printf '6.15\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.15 ]; then
		run ctr wait c1
		assert_output 5
	else
		run ctr wait c1
		assert_failure
		assert_output --partial 'nobody knows how'
	fi
	ctr rm c1
	assert_nothing_left
}

@test "killed: who is attached gets each byte once, and the exit status" {
	local i status=0
	ctr run --name c1 busybox sh -c 'i=0; while [ $i -lt 40 ]; do seq 3000; sleep 0.1; i=$((i+1)); done; exit 8' \
		>"$TMPDIR/out" 2>"$TMPDIR/err" &
	local pid=$!
	wait_until 5 state_is c1 running
	for ((i = 0; i < 6; i++)); do
		kill_one c1 either
	done
	wait "$pid" || status=$?
	assert_equal "$(cat "$TMPDIR/err")" ''
	assert_equal "$status" 8
	cmp "$TMPDIR/out" <(for ((i = 0; i < 40; i++)); do seq 3000; done)
	# Nor has its log lost anything.
	cmp "$TMPDIR/out" <(ctr logs c1)
	rm "$TMPDIR"/*
	ctr rm c1
	assert_nothing_left
}

@test "killed: input that was typed meanwhile gets in, each byte once" {
	local i status=0
	head -c 4000000 /dev/urandom >"$TMPDIR/in"
	# As slow as it has to be for us to be there in time.
	ctr run -i --name c1 busybox sh -c 'i=0; while [ $i -lt 40 ]; do dd bs=65536 count=1 iflag=fullblock 2>/dev/null; sleep 0.1; i=$((i+1)); done; cat' \
		<"$TMPDIR/in" >"$TMPDIR/out" 2>"$TMPDIR/err" &
	local pid=$!
	wait_until 5 state_is c1 running
	for ((i = 0; i < 5; i++)); do
		kill_one c1 monitor || true
	done
	wait "$pid" || status=$?
	assert_equal "$(cat "$TMPDIR/err")" ''
	assert_equal "$status" 0
	cmp "$TMPDIR/in" "$TMPDIR/out"
	rm "$TMPDIR"/*
	ctr rm c1
	assert_nothing_left
}

@test "killed: a terminal stays the same" {
	ctr run -d -it --name c1 busybox sh
	kill_one c1 monitor
	kill_one c1 keeper
	KEYS=$'echo w$((1+1))rd; exit 6\r' run in_tty "$CTR_BIN" "${CTR_FLAGS[@]}" attach c1
	assert_failure 6
	assert_output --partial w2rd
	ctr rm c1
	assert_nothing_left
}

@test "killed: a client, and the container doesn't notice" {
	ctr_background run --name c1 busybox sh -c 'i=0; while [ ! -e /tmp/end ]; do echo $i; i=$((i+1)); sleep 0.01; done; exit 5'
	wait_until 5 state_is c1 running
	kill_hard "$ctr_pid"
	sleep 0.2
	state_is c1 running
	ctr exec c1 touch /tmp/end
	run ctr wait c1
	assert_output 5
	ctr rm c1
	assert_nothing_left
}

@test "killed: while it rests, while it starts again" {
	local i
	ctr run -d --name c1 --restart always busybox sh -c 'exit 3'
	for ((i = 0; i < 8; i++)); do
		kill_one c1 either
	done
	wait_until 20 eval '[ "$(ctr inspect --format "{{.RestartCount}}" c1)" -ge 5 ]'
	ctr rm --force c1
	assert_nothing_left
}

# What is killed while it makes the container begins anew, or leaves nothing.
@test "killed: at random moments, with clients, under load" {
	local i rounds=${CTR_LONG:+200} status pid victims
	for ((i = 0; i < ${rounds:-30}; i++)); do
		ctr run --name c1 busybox sh -c 'seq 3000; sleep 0.05; exit 5' >"$TMPDIR/out" 2>"$TMPDIR/err" &
		pid=$!
		sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
		# A monitor or a keeper, the client, or one of those and the client.
		victims=$(monitors c1 | shuf -n 1)
		case $((i % 4)) in
		0) victims=$pid ;;
		1) victims+=" $pid" ;;
		esac
		# shellcheck disable=SC2086 # one or two
		[ -z "$victims" ] || kill -KILL $victims 2>/dev/null || true
		status=0
		wait "$pid" || status=$?
		if [ $((i % 4)) -gt 1 ]; then
			[ "$status" = 5 ] || fail "round $i: status $status: $(cat "$TMPDIR/err")"
			cmp "$TMPDIR/out" <(seq 3000)
		fi
		if ctr inspect c1 >/dev/null 2>&1; then
			run ctr wait c1
			assert_output 5
		fi
		wait_until 10 all_removed
	done
	rm -f "$TMPDIR"/*
	assert_nothing_left
}
