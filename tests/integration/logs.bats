# ctr logs: what containers that stay have printed, byte for byte, also while it is being written.

load lib

bats_require_minimum_version 1.5.0

# log_file NAME: where its log is.
log_file() {
	ctr inspect --format '{{.LogPath}}' "$1"
}

# k8s_lines FROM TO [STREAM]: as the driver writes them, one a second from 2026 on.
k8s_lines() {
	seq "$1" "$2" | awk -v stream="${3:-stdout}" '{
		printf "2026-01-01T%02d:%02d:%02d.000000000Z %s F line %d\n",
			$1 / 3600 % 24, $1 / 60 % 60, $1 % 60, stream, $1 }'
}

# A container that has ended, with a log of ours in its place: the test's to fill.
ended_with_log() {
	ctr run --name c1 --log-driver "${1:-k8s-file}" busybox true
	LOG=$(log_file c1)
	[ -f "$LOG" ]
}

@test "logs: both streams go where they belong, byte for byte, in each format" {
	local driver
	for driver in k8s-file json-file; do
		ctr run -d --name c1 --log-driver "$driver" busybox sh -c \
			'printf "one\n\n  two\ttabs\r\n\001\033[1m\"\\quoted\\\"\nno end"; printf "err\nor" >&2'
		wait_until 10 state_is c1 stopped
		ctr logs -f c1 >"$TMPDIR/out" 2>"$TMPDIR/err"
		printf 'one\n\n  two\ttabs\r\n\001\033[1m"\\quoted\\"\nno end' | cmp - "$TMPDIR/out"
		printf 'err\nor' | cmp - "$TMPDIR/err"
		ctr rm c1
	done
	rm "$TMPDIR/out" "$TMPDIR/err"
	assert_nothing_left
}

@test "logs: any bytes, and lines longer than a chunk, in k8s-file" {
	head -c 300000 /dev/urandom >"$BATS_TEST_TMPDIR/bytes"
	tr -d '\n' <"$BATS_TEST_TMPDIR/bytes" | head -c 200000 >>"$BATS_TEST_TMPDIR/bytes"
	ctr run -i --name c1 busybox cat <"$BATS_TEST_TMPDIR/bytes" | cmp - "$BATS_TEST_TMPDIR/bytes"
	ctr logs c1 | cmp - "$BATS_TEST_TMPDIR/bytes"
	ctr rm c1
	assert_nothing_left
}

@test "logs: the file is what the kubelet and docker read" {
	ctr run --name c1 busybox sh -c 'echo out; echo err >&2; printf part'
	[ "$(grep -cE '^2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z std(out F out|err F err|out P part)$' "$(log_file c1)")" = 3 ]
	[ "$(stat -c %a "$(log_file c1)")" = 600 ]
	ctr run --name c2 --log-driver json-file busybox sh -c 'echo "<out>"; printf part'
	run jq -r '.stream + " " + (.log | tojson) + " " + (.time | length | tostring)' "$(log_file c2)"
	assert_line 'stdout "<out>\n" 30'
	assert_line 'stdout "part" 30'
	ctr rm c1 c2
	assert_nothing_left
}

@test "logs: what docker wrote is read, with attrs and spaces of another's" {
	ended_with_log json-file
	cat >"$LOG" <<-'EOF2'
		{"log":"one\n","stream":"stdout","attrs":{"tag":"a}\"b","x":"{"},"time":"2026-01-01T00:00:00.5Z"}
		{"log":"two \ud83d\ude00\u0000\ud800","stream":"stdout","time":"2026-01-01T00:00:01Z"}
	EOF2
	ctr logs c1 >"$BATS_TEST_TMPDIR/out"
	printf 'one\ntwo \360\237\230\200\0\357\277\275' | cmp - "$BATS_TEST_TMPDIR/out"
	ctr rm c1
}

@test "logs: times in front, and by time" {
	ended_with_log
	k8s_lines 0 9 >"$LOG"
	printf '%s\n' '2026-01-01T00:00:10.000000001Z stdout P be' '2026-01-01T00:00:11Z stdout F gun' >>"$LOG"
	run ctr logs -t --tail 2 c1
	assert_equal "$output" $'2026-01-01T00:00:09.000000000Z line 9\n2026-01-01T00:00:10.000000001Z begun'
	run ctr logs --since 2026-01-01T00:00:03Z --until 2026-01-01T01:00:04+01:00 c1
	assert_equal "$output" $'line 3\nline 4'
	run ctr logs --since "$(date -u -d '2026-01-01T00:00:08Z' +%s).5" --until 2026-01-01T00:00:10Z c1
	assert_equal "$output" 'line 9'
	run ctr logs --since 10m c1
	assert_output ''
	run ctr logs --until 1s c1
	assert_equal "${#lines[@]}" 11
	local bad
	for bad in --since=soon --until=10y --since= --tail=-2 --tail=x --since=2026-13-01T00:00:00Z; do
		run ctr logs "$bad" c1
		assert_failure 125
		assert_output --partial "${bad%%=*}"
	done
	ctr rm c1
}

@test "logs: the last lines, over rotated files" {
	ended_with_log
	k8s_lines 1 3 >"$LOG.10"
	k8s_lines 4 6 stderr >"$LOG.2"
	k8s_lines 7 9 >"$LOG.1"
	k8s_lines 10 11 >"$LOG"
	run ctr logs c1
	assert_equal "${lines[*]}" "$(printf 'line %d ' {1..11} | sed 's/ $//')"
	local n
	for n in 0 1 2 3 6 10 11 12 all; do
		run ctr logs -n "$n" c1
		assert_equal "${#lines[@]}" "$(case $n in all | 12) echo 11 ;; *) echo "$n" ;; esac)"
		[ "$n" = 0 ] || assert_equal "${lines[-1]}" 'line 11'
	done
	ctr rm c1
	assert_nothing_left
}

@test "logs: --tail of 100 MB reads its end only" {
	ended_with_log
	local from took
	k8s_lines 1 1000 >"$BATS_TEST_TMPDIR/part"
	for _ in $(seq 2150); do cat "$BATS_TEST_TMPDIR/part"; done >"$LOG"
	[ "$(stat -c %s "$LOG")" -gt 100000000 ]
	run strace -f -e trace=pread64,read -o "$BATS_TEST_TMPDIR/calls" "$CTR_BIN" "${CTR_FLAGS[@]}" logs --tail 3 c1
	assert_equal "$output" $'line 998\nline 999\nline 1000'
	took=$(awk '/pread64\(/ && $NF > 0 { sum += $NF } END { print sum + 0 }' "$BATS_TEST_TMPDIR/calls")
	[ "$took" -lt 1000000 ] || fail "it read $took bytes"
	from=${EPOCHREALTIME/./}
	ctr logs --tail 1 c1 >"$BATS_TEST_TMPDIR/out"
	[ $((${EPOCHREALTIME/./} - from)) -lt $((TIME_SCALE * 500000)) ]
	ctr rm c1
}

@test "logs: hostile and broken lines hide no others" {
	ended_with_log
	{
		k8s_lines 1 1
		head -c 3000000 /dev/zero | tr '\0' x
		printf '\n\n \n2026-01-01T00:00:00Z stdout\n2026-01-01T00:00:00Z stdout X text\n'
		printf '2026-99-01T00:00:00Z stdout F text\n\xff\xfe\n\0\0\0\n'
		# Cut by a crash, and gone on with.
		printf '2026-01-01T00:0\0\0\0'
		k8s_lines 2 2
		printf '2026-01-01T00:00:00Z stdout F a\0\xffb\n'
		printf '2026-01-01T00:00:00Z stdout F not writ'
	} >"$LOG"
	ctr logs c1 >"$BATS_TEST_TMPDIR/out"
	printf 'line 1\nline 2\na\0\xffb\n' | cmp - "$BATS_TEST_TMPDIR/out"
	ctr logs --tail 2 c1 | cmp - <(printf 'line 2\na\0\xffb\n')
	# Rotated, it will not get any longer.
	mv "$LOG" "$LOG.1"
	k8s_lines 3 3 >"$LOG"
	ctr logs --tail 1 c1 | cmp - <(printf 'line 3\n')
	ctr logs --tail 2 c1 | cmp - <(printf 'not writ\nline 3\n')
	ctr logs c1 | tail -n 2 | cmp - <(printf 'not writ\nline 3\n')
	ctr rm c1
	ended_with_log json-file
	{
		printf '{"log":"on'
		printf '{"log":"one\\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}\n'
		printf '{"log":"x","stream":"stdout"}\n{"log":{"log":{"log":\n{}\n[]\n{"log":"\\x","stream":"stdout"\n'
		printf '{"log":"two\\n","stream":"stderr","time":"2026-01-01T00:00:00Z"}\n'
	} >"$LOG"
	run ctr logs c1
	assert_equal "$output" $'one\ntwo'
	ctr rm c1
}

@test "logs: a file that is none is refused" {
	ended_with_log
	rm "$LOG"
	mkfifo "$LOG"
	run timeout 10 "$CTR_BIN" "${CTR_FLAGS[@]}" logs c1
	assert_failure 125
	assert_output --partial 'no regular file'
	rm "$LOG"
	ln -s /etc/passwd "$LOG"
	run ctr logs -f c1
	assert_failure 125
	rm "$LOG"
	run ctr logs c1
	assert_failure 125
	assert_output --partial "$LOG"
	ctr rm c1
}

@test "logs: a container without one says so" {
	ctr run --name c1 --log-driver none busybox echo hi
	run ctr logs c1
	assert_failure 125
	assert_output --partial 'none'
	run ctr logs nosuch
	assert_failure 125
	assert_output --partial 'does not exist'
	ctr rm c1
}

@test "logs -f: until the end, with what was printed last" {
	ctr run -d --name c1 busybox sh -c 'echo first; sleep 1; printf last'
	run ctr logs -f c1
	assert_success
	assert_equal "$output" $'first\nlast'
	run ctr logs --follow --tail 0 c1
	assert_output ''
	ctr rm c1
	ctr run -d --rm --name c1 busybox sh -c 'echo first; sleep 1; echo last'
	run ctr logs -f c1
	assert_success
	assert_line first
	wait_until 5 eval '! ctr inspect c1 2>/dev/null'
	assert_nothing_left
}

@test "logs -f: goes on over rotations, and misses nothing" {
	ctr run -d --name c1 --log-opt max-size=20k --log-opt max-file=5 busybox sh -c \
		'sleep 0.5; i=0; while [ $i -lt 3000 ]; do echo "number $i"; i=$((i + 1)); [ $((i % 50)) -ne 0 ] || sleep 0.02; done'
	run timeout 60 "$CTR_BIN" "${CTR_FLAGS[@]}" logs -f c1
	assert_success
	assert_equal "${#lines[@]}" 3000
	assert_equal "$output" "$(seq 0 2999 | sed 's/^/number /')"
	[ -f "$(log_file c1).4" ]
	[ ! -e "$(log_file c1).5" ]
	# What is kept is the end of it, in one piece.
	run ctr logs c1
	assert_equal "$output" "$(seq $((3000 - ${#lines[@]})) 2999 | sed 's/^/number /')"
	ctr rm c1
	assert_nothing_left
}

@test "logs -f: over a restart, to the end of the last life" {
	ctr run -d --name c1 --restart on-failure:2 busybox sh -c 'echo life; exit 1'
	run timeout 60 "$CTR_BIN" "${CTR_FLAGS[@]}" logs -f c1
	assert_success
	assert_equal "$output" $'life\nlife\nlife'
	ctr rm c1
}

@test "logs -f: a log that somebody empties goes on" {
	ctr run -d --name c1 busybox sh -c 'echo first; while [ ! -e /tmp/go ]; do sleep 0.1; done; echo second'
	ctr_background logs -f c1
	wait_until 5 grep -q first "$ctr_out"
	: >"$(log_file c1)"
	ctr exec c1 touch /tmp/go
	wait_until 5 grep -q second "$ctr_out"
	wait "$ctr_pid"
	assert_equal "$(cat "$ctr_out")" $'first\nsecond'
	ctr rm c1
}

@test "logs -f: killed, or its reader gone, it harms nobody" {
	ctr run -d --name c1 busybox sh -c 'while :; do echo again; sleep 0.1; done'
	ctr_background logs -f c1
	wait_until 5 grep -q again "$ctr_out"
	kill_hard "$ctr_pid"
	# A pipe that is closed ends it.
	timeout 20 bash -c '"$0" --root "$1" logs -f c1 | head -n 3' "$CTR_BIN" "$CTR_ROOT" 3>&-
	state_is c1 running
	[ "$(ctr logs c1 | wc -l)" -ge 3 ]
	ctr rm --force c1
	assert_nothing_left
}

@test "logs: --until ends a follow" {
	ctr run -d --name c1 busybox sh -c 'while :; do echo again; sleep 0.1; done'
	wait_until 5 eval 'ctr logs c1 | grep -q again'
	run timeout 20 "$CTR_BIN" "${CTR_FLAGS[@]}" logs -f --until "$(($(date +%s) + 2))" c1
	assert_success
	assert_line again
	state_is c1 running
	ctr rm --force c1
	assert_nothing_left
}

@test "logs: a log of one's own place stays when the container goes" {
	ctr run --name c1 --log-opt path="$BATS_TEST_TMPDIR/deep/er/c.log" busybox echo kept
	run ctr logs c1
	assert_output kept
	ctr rm c1
	grep -q ' stdout F kept$' "$BATS_TEST_TMPDIR/deep/er/c.log"
}

@test "logs: in the usual state root it is below /var/lib/ctr, and goes with its rotated files" {
	unshare --mount bash -euc '
		mount -t tmpfs none /var/lib
		mount -t tmpfs none /run
		ctr=$1
		unset CTR_ROOT
		id=$("$ctr" run -d --name c1 --log-opt max-size=1k --log-opt max-file=3 busybox sh -c \
			"for i in 1 2 3 4 5; do seq 1 30; sleep 0.1; done")
		"$ctr" wait c1
		[ "$("$ctr" logs c1 | tail -n 1)" = 30 ]
		[ "$(ls /var/lib/ctr/logs | tr "\n" " ")" = "$id.log $id.log.1 $id.log.2 " ]
		[ "$(stat -c %a /var/lib/ctr/logs)" = 700 ]
		touch "/var/lib/ctr/logs/$id.logs"
		"$ctr" rm c1
		[ "$(ls /var/lib/ctr/logs)" = "$id.logs" ]' bash "$CTR_BIN" 3>&-
	assert_nothing_left
}

@test "logs: without a journal journald is refused, and nothing is left" {
	[ ! -e /run/systemd/journal/socket ] || fail "this machine has a journal: use a view without"
	run ctr run -d --name c1 --log-driver journald busybox true
	assert_failure 125
	assert_output --partial 'there is no journal here'
	run ctr run -d --name c1 --log-driver journald --log-opt max-size=1m busybox true
	assert_failure 125
	assert_output --partial 'has no such option'
	run ctr create --attach stdout --log-driver json-file busybox true
	assert_failure 125
	assert_output --partial '--attach'
	assert_nothing_left
}
