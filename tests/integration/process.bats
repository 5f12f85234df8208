# What a flag or a key asks of the process, seen by the process itself.

load lib

setup() {
	ctr_setup
	probe_setup
}

probe_runs() {
	probe_in "$@"
	assert_success
}

@test "process: the defaults" {
	probe_runs -- self
	assert_line 'uid 0'
	assert_line 'gid 0'
	assert_line 'umask 0022'
	assert_line 'cwd /'
	assert_line 'no_new_privs 0'
	assert_line 'seccomp 2'
	assert_line 'dumpable 1'
	assert_line 'personality 0'
	assert_line 'nice 0'
	assert_line --regexp '^sid 1 pgrp 1 pid 1$'
	probe_runs -- caps
	assert_line 'CapInh 0'
	assert_line 'CapPrm a80425fb'
	assert_line 'CapEff a80425fb'
	assert_line 'CapBnd a80425fb'
	assert_line 'CapAmb 0'
}

@test "process: what flags change" {
	probe_runs --user 1000:50 --group-add 7 --umask 027 --workdir /tmp --oom-score-adj 300 \
		--ulimit nofile=100:200 --ulimit core=-1 --security-opt no-new-privileges \
		--personality LINUX32 -- self
	assert_line 'uid 1000'
	assert_line 'gid 50'
	assert_line --regexp '^groups .*7'
	assert_line 'umask 0027'
	assert_line 'cwd /tmp'
	assert_line 'oom_score_adj 300'
	assert_line 'no_new_privs 1'
	assert_line 'rlimit 7 100 200'
	assert_line 'rlimit 4 18446744073709551615 18446744073709551615'
	assert_line 'personality 8'
}

@test "process: capabilities, all five sets" {
	probe_runs --cap-drop ALL --cap-add NET_ADMIN -- caps
	assert_line 'CapPrm 1000'
	assert_line 'CapEff 1000'
	assert_line 'CapBnd 1000'
	# Who isn't root gets by name what was added; the rest is a bound.
	probe_runs --user 1000 --cap-add NET_ADMIN -- caps
	assert_line 'CapInh 1000'
	assert_line 'CapEff 1000'
	assert_line 'CapAmb 1000'
	assert_line --regexp 'CapBnd a80435fb'
	probe_runs --user 1000 -- caps
	assert_line 'CapEff 0'
	assert_line 'CapBnd a80425fb'
	probe_runs --privileged -- caps
	assert_equal "$(sed -n 's/CapEff //p' <<<"$output")" \
		"$(sed -n 's/CapEff:\t0*//p' /proc/self/status)"
}

@test "process: keys of config.json" {
	make_bundle "$BATS_TEST_TMPDIR/b"
	edit_config "$BATS_TEST_TMPDIR/b" '.process.args = ["probe", "self"]
		| .process.user = {uid: 5, gid: 6, umask: 63, additionalGids: [8, 9]}
		| .process.oomScoreAdj = 123
		| .process.rlimits = [{type: "RLIMIT_NPROC", soft: 11, hard: 12}]
		| .process.scheduler = {policy: "SCHED_BATCH", nice: 3}
		| .process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}
		| .process.execCPUAffinity = {initial: "0", final: "0"}
		| .linux.personality = {domain: "LINUX32"}
		| .process.noNewPrivileges = true'
	run ctr run --rm --bundle "$BATS_TEST_TMPDIR/b"
	assert_success
	assert_line 'uid 5'
	assert_line 'gid 6'
	assert_line --regexp '^groups 8 9$'
	assert_line 'umask 0077'
	assert_line 'oom_score_adj 123'
	assert_line 'rlimit 6 11 12'
	assert_line 'scheduler 3 0'
	assert_line 'nice 3'
	assert_line "ioprio $((2 << 13 | 6))"
	assert_line 'personality 8'
	assert_line 'no_new_privs 1'
}

@test "process: signals reach it, and its end is told" {
	local i
	ctr_background run --rm --name c1 --volume "$BATS_TEST_TMPDIR/probe:/probe:ro" busybox -- /probe signals
	wait_until 10 grep -q ready "$ctr_out"
	# A shell has its jobs ignore INT and QUIT, and so do we then.
	for i in HUP USR1 USR2 ALRM; do
		kill -s $i "$ctr_pid"
		wait_until 5 grep -q "^$i" "$ctr_out"
	done
	kill -s TERM "$ctr_pid"
	local status=0
	wait "$ctr_pid" || status=$?
	assert_equal "$status" 42
	for i in 6 9 11 15; do
		run ctr run --rm --init --volume "$BATS_TEST_TMPDIR/probe:/probe:ro" busybox -- /probe die $i
		assert_failure $((128 + i))
	done
	assert_nothing_left
}

@test "process: a terminal of its own, its size, and changes of it" {
	local probe=$BATS_TEST_TMPDIR/probe
	run in_tty sh -c "stty rows 33 cols 77; '$CTR_BIN' --root '$CTR_ROOT' run --rm -it -v $probe:/probe:ro busybox /probe tty"
	assert_success
	assert_output --partial 'fd 0 /dev/pts/0'
	assert_output --partial 'size 33 77'
	assert_output --partial 'controlling yes'
	run in_tty sh -c "stty rows 33 cols 77; { sleep $((TIME_SCALE)); stty rows 20 cols 50; sleep $TIME_SCALE; '$CTR_BIN' --root '$CTR_ROOT' kill -s TERM c1; } </dev/tty & '$CTR_BIN' --root '$CTR_ROOT' run --rm --name c1 -it -v $probe:/probe:ro busybox /probe signals"
	assert_failure 42
	assert_output --partial 'WINCH 20 50'
	assert_nothing_left
}

@test "process: --init reaps what is orphaned" {
	run ctr run --rm --init --volume "$BATS_TEST_TMPDIR/probe:/probe:ro" busybox -- \
		sh -c '/probe orphans 30; sleep 0.3; ps -o stat | grep -c Z'
	assert_line left
	assert_line 0
	assert_nothing_left
}
