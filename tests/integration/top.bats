# ctr top: the processes of a container, as it and as the host sees them.

load lib

# started ID ARG...: a container that runs.
started() {
	ctr create --name "$@"
	ctr start "$1"
}

pid_of() {
	ctr state "$1" | jq .pid
}

@test "top: pids as the container has them, beside those of the host" {
	started c1 busybox -- sleep 1000
	ctr exec c1 sh -c 'sleep 1001 & exit'
	run ctr top c1
	assert_success
	assert_line --regexp '^USER +PID +HPID +PPID +%CPU +ELAPSED +TTY +TIME +COMMAND$'
	assert_line --regexp "^root +1 +$(pid_of c1) +0 .* sleep 1000$"
	assert_line --regexp '^root +[2-9][0-9]* +[0-9]+ .* sleep 1001$'
	assert_equal "${#lines[@]}" 3
	ctr rm --force c1
	assert_nothing_left
}

@test "top: columns by name, one by one or with commas" {
	started c1 --user 1000:2000 busybox -- sleep 1000
	run ctr top c1 hpid pid,ppid user huser group hgroup comm state seccomp nice
	assert_success
	assert_line --regexp "^$(pid_of c1) +1 +0 +1000 +1000 +2000 +2000 +sleep +S +filter +0$"
	run ctr top c1 vsz rss pgid
	assert_line --regexp '^[1-9][0-9]* +[1-9][0-9]* +1$'
	ctr rm --force c1
	assert_nothing_left
}

@test "top: ids as the user namespace has them" {
	started c1 --uidmap 0:100000:65536 --user 7 busybox -- sleep 1000
	run ctr top c1 user huser
	assert_line --regexp '^7 +100007$'
	ctr rm --force c1
	assert_nothing_left
}

@test "top: a root without any program but the payload" {
	mkdir "$BATS_TEST_TMPDIR/bare"
	cp "$PROBE" "$BATS_TEST_TMPDIR/bare/probe"
	started c1 --rootfs "$BATS_TEST_TMPDIR/bare" -- /probe spin
	run ctr top c1 pid args
	assert_success
	assert_line --regexp '^1 +/probe spin$'
	ctr rm --force c1
	assert_nothing_left
}

@test "top: options go to the host's ps, which shows the container's alone" {
	started c1 busybox -- sleep 1000
	run ctr top c1 -o pid,args
	assert_success
	assert_line --regexp "^ *$(pid_of c1) sleep 1000$"
	assert_equal "${#lines[@]}" 2
	run ctr top c1 aux
	assert_success
	assert_line --regexp "^[a-z]+ +$(pid_of c1) .* sleep 1000$"
	run ctr top c1 -o args
	assert_failure 125
	assert_output --partial 'no column PID'
	ctr rm --force c1
	assert_nothing_left
}

@test "top: a paused container, and names that speak to the terminal" {
	started c1 busybox -- sh -c 'sleep 1000; :' "$(printf 'evil\033[2J\nroot 1 1')"
	ctr pause c1
	run ctr top c1 pid args
	assert_success
	assert_line --partial 'sh -c sleep 1000; : evil?[2J?root 1 1'
	refute_line --regexp '^root 1 1'
	ctr rm --force c1
	assert_nothing_left
}

@test "top: without a cgroup its pid namespace tells" {
	started c1 --cgroup-manager disabled busybox -- sleep 1000
	run ctr top c1 hpid args
	assert_line --regexp "^$(pid_of c1) +sleep 1000$"
	assert_equal "${#lines[@]}" 2
	ctr rm --force c1
	assert_nothing_left
}

@test "top: one that doesn't run, and one that is not there" {
	ctr run --name c1 busybox -- true
	run ctr top c1
	assert_failure 125
	assert_output --partial 'container not running'
	run ctr top nothere
	assert_failure 125
	assert_output --partial 'does not exist'
	ctr rm c1
	assert_nothing_left
}
