# `ctr run`: the command, its streams, its status.

load lib

@test "run: status of the payload, and 128+n for signals" {
	run ctr run --rm busybox -- sh -c 'exit 7'
	assert_failure 7
	run ctr run --rm --init busybox -- sh -c 'kill -TERM $$'
	assert_failure 143
	assert_nothing_left
}

@test "run: 127 for a command that is not there, 126 for one that can't run, 125 for ctr" {
	run ctr run --rm busybox -- nosuch
	assert_failure 127
	assert_output --partial 'executable file not found in $PATH'
	run ctr run --rm busybox -- /etc
	assert_failure 126
	assert_output --partial 'is a directory'
	run ctr run --rm busybox -- /etc/passwd
	assert_failure 126
	assert_output --partial 'permission denied'
	run ctr run --rm --no-such-flag busybox -- true
	assert_failure 125
	assert_output --partial 'no-such-flag'
	assert_nothing_left
}

@test "run: stdin only with -i, stdout and stderr apart" {
	run ctr run --rm -i busybox -- cat <<<"through"
	assert_output through
	run ctr run --rm busybox -- cat <<<"not through"
	assert_output ''
	ctr run --rm busybox -- sh -c 'echo out; echo err >&2' >"$BATS_TEST_TMPDIR/o" 2>"$BATS_TEST_TMPDIR/e"
	assert_equal "$(cat "$BATS_TEST_TMPDIR/o")" out
	assert_equal "$(cat "$BATS_TEST_TMPDIR/e")" err
}

@test "run: every byte of a large output arrives" {
	run bash -c '"$0" --root "$1" run --rm busybox -- sh -c "yes 0123456789 | head -c 5000000" | sha256sum' \
		"$CTR_BIN" "$CTR_ROOT"
	assert_output --partial "$(yes 0123456789 | head -c 5000000 | sha256sum | cut -d' ' -f1)"
}

@test "run: a terminal of its own with -t" {
	run in_tty "$CTR_BIN" --root "$CTR_ROOT" run --rm -it busybox -- sh -c 'tty; test -t 0 && echo terminal'
	assert_output --partial '/dev/pts/0'
	assert_output --partial 'terminal'
	assert_nothing_left
}

@test "run: SIGTERM to ctr reaches the payload, and all is cleaned up" {
	ctr_background run --rm --name t1 busybox -- sh -c 'trap "exit 9" TERM; echo up; while :; do sleep 0.1; done'
	wait_until 10 grep -q up "$ctr_out"
	kill -TERM "$ctr_pid"
	local ended=0
	wait "$ctr_pid" || ended=$?
	assert_equal "$ended" 9
	assert_nothing_left
}

@test "run: environment, working directory, user, hostname" {
	run ctr run --rm --env A=b --workdir /tmp --user 1000:2000 --hostname h1 busybox -- \
		sh -c 'echo $A; pwd; id -u; id -g; hostname'
	assert_success
	assert_line b
	assert_line /tmp
	assert_line 1000
	assert_line 2000
	assert_line h1
	SECRET=x run ctr run --rm busybox -- env
	refute_output --partial SECRET
}

@test "run: volumes, tmpfs and a read-only root" {
	mkdir "$BATS_TEST_TMPDIR/v"
	echo data >"$BATS_TEST_TMPDIR/v/f"
	run ctr run --rm --volume "$BATS_TEST_TMPDIR/v:/v:ro" --tmpfs /t --read-only busybox -- \
		sh -c 'cat /v/f; touch /v/x; touch /x; touch /t/x && echo tmpfs'
	assert_success
	assert_line data
	assert_line tmpfs
	assert_line --partial '/v/x: Read-only file system'
	assert_line --partial '/x: Read-only file system'
	run ctr run --rm --volume "$BATS_TEST_TMPDIR/v:/v" busybox -- touch /v/made
	assert_success
	[ -e "$BATS_TEST_TMPDIR/v/made" ]
	assert_nothing_left
}

@test "run: a folder below a throw-away layer stays as it is" {
	make_bundle "$BATS_TEST_TMPDIR/b"
	run ctr run --rm --rootfs "$BATS_TEST_TMPDIR/b/rootfs" --overlay -- /bin/busybox sh -c 'echo > /new'
	assert_success
	[ ! -e "$BATS_TEST_TMPDIR/b/rootfs/new" ]
}

@test "run: a bundle's own command, and another one in its place" {
	make_bundle "$BATS_TEST_TMPDIR/b"
	run ctr run --rm --bundle "$BATS_TEST_TMPDIR/b"
	assert_success
	assert_output --partial hello
	run ctr run --rm --bundle "$BATS_TEST_TMPDIR/b" -- /bin/busybox echo other
	assert_output other
	assert_nothing_left
}

@test "run --dry-run: prints the table and makes nothing" {
	run ctr run --dry-run busybox -- true
	assert_success
	assert_output --partial 'clone the init process'
	assert_output --partial 'become the payload'
	assert_nothing_left
}

@test "spec: what it writes runs, and it overwrites nothing" {
	make_bundle "$BATS_TEST_TMPDIR/b"
	rm "$BATS_TEST_TMPDIR/b/config.json"
	run ctr spec --bundle "$BATS_TEST_TMPDIR/b"
	assert_success
	run ctr spec --bundle "$BATS_TEST_TMPDIR/b"
	assert_failure
	run ctr run --rm --bundle "$BATS_TEST_TMPDIR/b" -- /bin/busybox echo from spec
	assert_output 'from spec'
}
