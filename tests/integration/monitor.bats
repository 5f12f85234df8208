# Containers that stay: run -d, attach, start again, restart, wait.

load lib

@test "run -d: prints the id, runs on, and its end is known" {
	run ctr run -d --name c1 busybox sh -c 'sleep 0.3; exit 5'
	assert_success
	[[ $output =~ ^[0-9a-f]{64}$ ]] || fail "$output"
	assert_equal "$(ctr inspect --format '{{.id}}' c1)" "$output"
	assert_equal "$(monitors c1 | wc -l)" 2
	run ctr wait c1
	assert_output 5
	run ctr wait c1
	assert_output 5
	run ctr inspect --format '{{.State.Status}} {{.State.ExitCode}}' c1
	assert_output 'stopped 5'
	ctr rm c1
	assert_nothing_left
}

# bats test_tags=one-kernel
@test "run -d: what can't start says why, and is gone" {
	run ctr run -d --name c1 busybox nosuch
	assert_failure 127
	assert_output --partial 'nosuch'
	run ctr run -d --name c1 --memory 1 busybox true
	assert_failure 125
	ctr run -d --name c1 busybox sleep 1000
	run ctr run -d --name c1 busybox true
	assert_failure 125
	assert_output --partial 'already exists'
	ctr rm --force c1
	run ctr run -d --rm --restart always busybox true
	assert_failure 125
	assert_output --partial '--restart and --rm'
	run ctr run -d --restart sometimes busybox true
	assert_failure 125
	assert_output --partial '"sometimes" is not no, always'
	assert_nothing_left
}

@test "run -d --rm: it goes when it has ended" {
	ctr run -d --rm --name c1 --cidfile "$TMPDIR/cid" busybox sleep 0.3
	assert_equal "$(cat "$TMPDIR/cid")" "$(ctr inspect --format '{{.id}}' c1)"
	wait_until 5 eval '! ctr inspect c1 2>/dev/null'
	rm "$TMPDIR/cid"
	assert_nothing_left
}

# bats test_tags=one-kernel
@test "run: exit status and both streams come through a monitor" {
	run --separate-stderr ctr run --name c1 busybox sh -c 'echo out; echo err >&2; exit 9'
	assert_failure 9
	assert_equal "$output" out
	assert_equal "$stderr" err
	run ctr inspect --format '{{.State.ExitCode}}' c1
	assert_output 9
	run ctr run --name c2 busybox sh -c 'sh -c "kill -KILL \$\$"; exit $?'
	assert_failure 137
	run ctr run --name c3 busybox nosuch
	assert_failure 127
	ctr rm c1 c2
	assert_nothing_left
}

@test "run -i: input goes in byte by byte, and its end as well" {
	head -c 3000000 /dev/urandom >"$TMPDIR/bytes"
	ctr run -i --name c1 busybox cat <"$TMPDIR/bytes" >"$TMPDIR/out"
	cmp "$TMPDIR/bytes" "$TMPDIR/out"
	# Nobody gets input who isn't to.
	run ctr run --name c2 busybox cat <"$TMPDIR/bytes"
	assert_success
	assert_output ''
	rm "$TMPDIR"/*
	ctr rm c1 c2
	assert_nothing_left
}

@test "run: who reads no more is known to the container" {
	run bash -c '"$0" "${@}" | head -n 2' "$CTR_BIN" "${CTR_FLAGS[@]}" run --name c1 busybox yes
	assert_equal "${lines[0]}" y
	wait_until 5 state_is c1 stopped
	ctr rm c1
	assert_nothing_left
}

@test "attach: several see the same, and one that types is heard" {
	local i pids=()
	ctr run -d -i --name c1 busybox sh -c 'read a; echo "got $a"; read b; echo "and $b"; exit 3'
	for i in 1 2 3; do
		ctr attach --no-stdin c1 >"$TMPDIR/$i" 2>&1 &
		pids+=($!)
	done
	sleep 0.3
	# Its input doesn't end with it: only the input of who is at the end ends.
	{ echo one; sleep 0.3; echo two; sleep 0.3; } | ctr attach c1 >"$TMPDIR/4" || true
	for i in "${pids[@]}"; do
		status=0
		wait "$i" || status=$?
		assert_equal "$status" 3
	done
	for i in 1 2 3 4; do
		assert_equal "$(cat "$TMPDIR/$i")" $'got one\nand two'
	done
	run ctr attach c1
	assert_failure 125
	assert_output --partial 'is stopped'
	rm "$TMPDIR"/*
	ctr rm c1
	assert_nothing_left
}

# typist WHO: 300 lines, each at a moment of its own; then until nobody reads any more.
typist() {
	/usr/bin/python3 -c '
import os, select, sys, time
for n in range(300):
    os.write(1, b"%d %d\n" % (int(sys.argv[1]), n))
    time.sleep(0.002)
p = select.poll()
p.register(1, 0)
p.poll()' "$1" 3>&-
}

@test "attach: of several who type at once each is heard to the end" {
	local i
	ctr run -d -i --name c1 busybox sh -c 'cat >/tmp/heard'
	for i in 1 2 3 4; do
		typist "$i" | ctr attach c1 >/dev/null 2>&1 &
	done
	wait_until 20 eval '[ "$(ctr exec c1 wc -l /tmp/heard | cut -d " " -f 1)" = 1200 ]'
	for i in 1 2 3 4; do
		assert_equal "$(ctr exec c1 grep "^$i " /tmp/heard)" "$(for n in {0..299}; do echo "$i $n"; done)"
	done
	ctr rm --force c1
	assert_nothing_left
}

@test "attach: signals are passed on, or not" {
	ctr run -d --name c1 busybox sh -c 'trap "echo usr; exit 4" USR1; echo ready; while :; do sleep 0.1; done'
	wait_until 5 eval 'ctr logs c1 | grep -q ready'
	ctr_background attach --sig-proxy=false c1
	sleep 0.3
	kill -USR1 "$ctr_pid"
	wait "$ctr_pid" || true
	state_is c1 running
	ctr_background attach c1
	sleep 0.3
	kill -USR1 "$ctr_pid"
	local status=0
	wait "$ctr_pid" || status=$?
	assert_equal "$status" 4
	assert_equal "$(cat "$ctr_out")" usr
	ctr rm c1
	assert_nothing_left
}

# logged TEXT: c1 has shown it.
logged() {
	ctr logs c1 2>/dev/null | grep -q "$1"
}

@test "tty: detach by keys, attach again: what it showed is shown again" {
	TYPIST='printf "echo w\$((1+1))rd\r"; wait_until 10 logged w2rd; printf "\x10\x11"' run in_tty "$CTR_BIN" "${CTR_FLAGS[@]}" run -it --name c1 busybox sh
	assert_success
	assert_output --partial 'w2rd'
	state_is c1 running
	KEYS=$'exit 6\r' run in_tty "$CTR_BIN" "${CTR_FLAGS[@]}" attach c1
	assert_failure 6
	assert_output --partial 'w2rd'
	assert_output --partial 'exit 6'
	ctr rm c1
	# Other keys, and a prefix of them that is none.
	TYPIST='printf "echo xa\rx"; sleep 0.5; printf y' run in_tty "$CTR_BIN" "${CTR_FLAGS[@]}" run -it --detach-keys x,y --name c1 busybox sh
	assert_success
	assert_output --partial 'xa'
	ctr rm --force c1
	run ctr run -it --detach-keys ctrl-1 busybox true
	assert_failure 125
	assert_output --partial '"ctrl-1"'
	assert_nothing_left
}

# short_run [-t] [-d]: what one that prints and exits at once has said, to its client (not with -d) and to
# its log, is all there.
short_run() {
	local said=$TMPDIR/said words=(run --name c1 "$@" busybox seq 300)
	case $* in
	-t) in_tty "$CTR_BIN" "${CTR_FLAGS[@]}" "${words[@]}" >"$said" ;;
	'') ctr "${words[@]}" >"$said" ;;
	*)
		ctr "${words[@]}" >/dev/null
		assert_equal "$(ctr wait c1)" 0
		ctr logs c1 >"$said"
		;;
	esac
	cmp <(tr -d '\r' <"$said") <(seq 300) || fail "$*: what came: $(<"$said")"
	cmp <(ctr logs c1 | tr -d '\r') <(seq 300) || fail "$*: its log"
	ctr rm c1 >/dev/null
}

@test "output of short runs is whole, tty and not, detached and attached, for client and log" {
	local i
	for ((i = 0; i < ${CTR_LONG:+490} + 10; i++)); do
		short_run
		short_run -t
		short_run -d
		short_run -t -d
	done
	rm "$TMPDIR/said"
	assert_nothing_left
}

@test "start: created, and again what has stopped, with the same order" {
	ctr create --name c1 --env A=b --hostname inner busybox sh -c 'echo "$A $(hostname)"; exit 2'
	state_is c1 created
	run ctr start -a c1
	assert_failure 2
	assert_output 'b inner'
	run ctr start -a c1
	assert_failure 2
	assert_output 'b inner'
	run ctr start c1
	assert_success
	run ctr wait c1
	assert_output 2
	ctr rm c1
	# Not what an engine has made.
	run ctr start c1
	assert_failure 125
	assert_output --partial 'does not exist'
	assert_nothing_left
}

@test "start -a -i: a created container has its input" {
	ctr create -i --name c1 busybox cat
	run bash -c 'echo word | "$0" "$@"' "$CTR_BIN" "${CTR_FLAGS[@]}" start -a -i c1
	assert_success
	assert_output word
	run bash -c 'echo more | "$0" "$@"' "$CTR_BIN" "${CTR_FLAGS[@]}" start -a -i c1
	assert_success
	assert_output more
	ctr rm c1
	assert_nothing_left
}

@test "restart policies: on-failure counts, always goes on until it is stopped" {
	ctr run -d --name c1 --restart on-failure:2 busybox sh -c 'exit 7'
	run ctr wait c1
	assert_output 7
	run ctr inspect --format '{{.RestartCount}} {{.State.ExitCode}}' c1
	assert_output '2 7'
	ctr rm c1

	ctr run -d --name c1 --restart on-failure busybox true
	run ctr wait c1
	assert_output 0
	run ctr inspect --format '{{.RestartCount}}' c1
	assert_output 0
	ctr rm c1

	ctr run -d --name c1 --restart always busybox sh -c 'sleep 0.05'
	wait_until 10 eval '[ "$(ctr inspect --format "{{.RestartCount}}" c1)" -ge 3 ]'
	ctr stop -t 1 c1
	run ctr inspect --format '{{.State.Status}}' c1
	assert_output stopped
	[ -z "$(monitors c1)" ]
	ctr rm c1

	# While it rests: rm, stop and start are heard at once.
	ctr run -d --name c1 --restart always busybox false
	wait_until 10 eval '[ "$(ctr inspect --format "{{.RestartCount}}" c1)" -ge 5 ]'
	ctr stop c1
	[ -z "$(monitors c1)" ]
	ctr start c1
	wait_until 10 eval '[ "$(ctr inspect --format "{{.RestartCount}}" c1)" -ge 5 ]'
	ctr rm --force c1
	assert_nothing_left
}

@test "restart policies: who kills it doesn't want it back" {
	ctr run -d --name c1 --restart always busybox sleep 1000
	ctr kill c1
	run ctr wait c1
	assert_output 137
	[ -z "$(monitors c1)" ]
	ctr rm c1
	assert_nothing_left
}

@test "restart: stops and starts" {
	local first
	ctr run -d --name c1 busybox sleep 1000
	first=$(ctr inspect --format '{{.State.Pid}}' c1)
	ctr restart -t 0 c1
	state_is c1 running
	[ "$(ctr inspect --format '{{.State.Pid}}' c1)" != "$first" ]
	ctr rm --force c1
	assert_nothing_left
}

@test "exec -d: it runs in the background, and goes with the container" {
	ctr run -d --name c1 busybox sleep 1000
	run ctr exec -d c1 sh -c 'echo said; echo here >/tmp/x; sleep 1000'
	assert_success
	[[ $output =~ ^[0-9a-f]{12}$ ]]
	wait_until 5 ctr exec c1 test -e /tmp/x
	run ctr exec -dt c1 true
	assert_failure 125
	assert_output --partial '--detach with --tty'
	ctr rm --force c1
	assert_nothing_left
}

# bats test_tags=one-kernel
@test "exec -d: a command that isn't there is said before it is done" {
	ctr run -d --name c1 busybox sleep 1000
	run ctr exec -d c1 nosuch
	assert_failure 127
	ctr rm --force c1
	assert_nothing_left
}

@test "a flood of output is whole, for who is attached and in the log" {
	local size=$((${CTR_LONG:+1000} + 50)) want
	head -c 1000000 /dev/urandom | base64 >"$TMPDIR/in"
	want=$(for ((i = 0; i < size; i++)); do cat "$TMPDIR/in"; done | sha256sum)
	ctr run --name c1 -v "$TMPDIR/in:/in:ro" busybox sh -c "i=0; while [ \$i -lt $size ]; do cat /in; i=\$((i+1)); done" |
		sha256sum >"$TMPDIR/sum"
	assert_equal "$(cat "$TMPDIR/sum")" "$want"
	assert_equal "$(ctr logs c1 | sha256sum)" "$want"
	ctr rm c1
	rm "$TMPDIR"/*
	assert_nothing_left
}

# What stays beside a container is small: memory of its own, and all that it holds. Not with a sanitizer.
@test "a monitor and its keeper are small" {
	[ -z "${CTR_SAN-}" ] || return 0
	local i pid count=$((${CTR_LONG:+480} + 20))
	for ((i = 0; i < count; i++)); do
		ctr run -d --name "c$i" busybox sleep 1000 >/dev/null
	done
	sleep 0.5
	for ((i = 0; i < count; i++)); do
		for pid in $(monitors "c$i"); do
			awk -v name="$(cat "/proc/$pid/comm")" '
				/^Rss:/ { rss = $2 } /^Private/ { own += $2 }
				END { if (rss > 1024 || own > 250) { print name, "rss", rss, "own", own; exit 1 } }
			' "/proc/$pid/smaps_rollup" || fail "c$i"
		done
	done
	for ((i = 0; i < count; i++)); do
		ctr rm --force "c$i" >/dev/null
	done
	assert_nothing_left
}
