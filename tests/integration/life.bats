# create, start, exec, kill, stop, pause, rm, and what lists them.

load lib

@test "life: created, running, paused, stopped, gone" {
	run ctr create --name c1 busybox -- sleep 1000
	assert_success
	state_is c1 created
	run ctr start c1
	assert_success
	state_is c1 running
	run ctr pause c1
	assert_success
	state_is c1 paused
	run ctr resume c1
	assert_success
	state_is c1 running
	run ctr rm c1
	assert_failure 2
	run ctr kill c1
	assert_success
	wait_until 10 state_is c1 stopped
	run ctr rm c1
	assert_success
	run ctr ps --all --quiet
	assert_output ''
	assert_nothing_left
}

# bats test_tags=one-kernel
@test "life: start tells that the command is not there" {
	run ctr create --name c1 busybox -- nosuch
	assert_failure 127
	assert_output --partial 'executable file not found'
	assert_nothing_left
}

@test "life: a name is taken once" {
	ctr create --name c1 busybox -- true
	run ctr create --name c1 busybox -- true
	assert_failure 125
	assert_output --partial 'already exists'
	ctr rm --force c1
	assert_nothing_left
}

@test "life: exec runs in the container's namespaces, with its limits of rights" {
	ctr create --name c1 --hostname inner busybox -- sleep 1000
	ctr start c1
	run ctr exec c1 sh -c 'hostname; ps | grep -c sleep; grep -E "CapEff|Seccomp:" /proc/self/status; exit 5'
	assert_failure 5
	assert_line inner
	assert_line --regexp 'CapEff:.00000000a80425fb'
	assert_line --regexp 'Seccomp:.2'
	run ctr exec --user 1000 --workdir /tmp --env A=b c1 sh -c 'id -u; pwd; echo $A'
	assert_line 1000
	assert_line /tmp
	assert_line b
	run ctr exec c1 nosuch
	assert_failure 127
	ctr rm --force c1
	assert_nothing_left
}

@test "life: paths and arguments may be any bytes" {
	local bytes=$'caf\xe9' tree=$BATS_TEST_TMPDIR/$'tr\xe9e'
	mkdir -p "$tree/bin"
	cp /bin/busybox "$tree/bin/sh"
	ctr create --name c1 --rootfs "$tree" --env "A=$bytes" -- sh -c 'sleep 1000 & wait' "$bytes"
	ctr start c1
	run ctr exec c1 sh -c '[ "$A" = "$1" ] && printf same' sh "$bytes"
	assert_success
	assert_output same
	ctr rm --force c1
	assert_nothing_left
}

# bats test_tags=one-kernel
@test "life: exec in a container with a user namespace" {
	ctr create --name c1 --uidmap 0:100000:65536 --gidmap 0:100000:65536 busybox -- sleep 1000
	ctr start c1
	run ctr exec c1 sh -c 'id -u; cat /proc/self/uid_map'
	assert_success
	assert_line 0
	assert_line --partial 100000
	ctr rm --force c1
	assert_nothing_left
}

@test "life: stop sends the stop signal, then kills" {
	ctr create --name c1 --stop-signal USR1 busybox -- sh -c 'trap "exit 0" USR1; while :; do sleep 0.1; done'
	ctr start c1
	run ctr stop --time 20 c1
	assert_success
	state_is c1 stopped
	ctr rm c1
	ctr create --name c2 busybox -- sh -c 'trap "" TERM; while :; do sleep 0.1; done'
	ctr start c2
	run ctr stop --time 0 c2
	assert_success
	state_is c2 stopped
	ctr rm c2
	assert_nothing_left
}

@test "life: inspect tells how long the stages took, and the exit code" {
	run ctr run --name c1 busybox -- sh -c 'exit 3'
	assert_failure 3
	run ctr inspect c1
	assert_success
	assert_output --partial 'clone the init process'
	echo "$output" | jq -e '.[0].State.ExitCode == 3' >/dev/null
	ctr rm c1
	assert_nothing_left
}

@test "life: a killed ctr leaves its container listed and removable" {
	ctr_background run --name c1 busybox -- sleep 1000
	wait_until 10 state_is c1 running
	kill_hard "$ctr_pid"
	run ctr ps --all --format '{{.Name}} {{.State}}'
	assert_line 'c1 running'
	run ctr exec c1 echo alive
	assert_output alive
	run ctr rm --force c1
	assert_success
	assert_nothing_left
}

@test "life: a container that is not there is said so" {
	for verb in start state inspect kill stop; do
		run ctr $verb nothere
		assert_failure
		assert_output --partial 'does not exist'
	done
}
