# ctr rename: another name for a container, whoever holds it meanwhile.

load lib

# The tests below look at groups by the names that containers were made with.
export KEPT_FILES='/(cache|\.seccomp|\.events(\.1)?)(/|$)|/tmp/ctr-'

started() {
	ctr create --name "$@"
	ctr start "$1"
}

@test "rename: running, paused, created and ended ones" {
	started c1 busybox -- sleep 1000
	ctr create --name c2 busybox -- sleep 1000
	ctr run --name c3 busybox -- true
	ctr pause c1
	for n in 1 2 3; do
		run ctr rename "c$n" "d$n"
		assert_success
		assert_output ''
	done
	assert_equal "$(ctr ps --all --format '{{.Name}} {{.State}}' | tr '\n' ',')" 'd1 paused,d2 created,d3 stopped,'
	run ctr state c1
	assert_failure
	ctr resume d1
	run ctr exec d1 echo inside
	assert_output inside
	ctr start d2
	state_is d2 running
	run ctr update --cgroup-conf cgroup.max.depth=3 d1
	assert_success
	run ctr events --no-stream --filter event=rename --format '{{.Attributes.oldName}} {{.Name}}'
	assert_output $'c1 d1\nc2 d2\nc3 d3'
	ctr rm --force d1 d2 d3
	assert_nothing_left
}

@test "rename: a foreground run cleans up by the new name" {
	ctr_background run --rm --name c1 busybox -- sh -c 'trap "exit 5" TERM; while :; do sleep 0.1; done'
	wait_until 5 state_is c1 running
	ctr rename c1 d1
	state_is d1 running
	sleep 0.3
	ctr kill --signal TERM d1
	local ended=0
	wait "$ctr_pid" || ended=$?
	assert_equal "$ended" 5
	run ctr ps --all --quiet
	assert_output ''
	# Without --rm the end is written down by the new name.
	ctr_background run --name c2 busybox -- sh -c 'sleep 0.5; exit 6'
	wait_until 5 state_is c2 running
	ctr rename c2 d2
	wait "$ctr_pid" || true
	BACKGROUND=()
	assert_equal "$(ctr inspect --format '{{.State.Status}} {{.State.ExitCode}}' d2)" 'stopped 6'
	run ctr events --no-stream --filter event=die --format '{{.Name}} {{.ContainerExitCode}}'
	assert_output $'d1 5\nd2 6'
	ctr rm d2
	assert_nothing_left
}

@test "rename: the old name is free, with a group of its own" {
	local id
	started c1 busybox -- sleep 1000
	ctr rename c1 d1
	id=$(ctr create --name c1 busybox -- sleep 1000)
	ctr start c1
	assert_equal "$(ctr inspect --format '{{.CgroupPath}}' d1)" /ctr/c1
	assert_equal "$(ctr inspect --format '{{.CgroupPath}}' c1)" "/ctr/c1-${id:0:12}"
	assert_equal "$(ctr top d1 | wc -l) $(ctr top c1 | wc -l)" '2 2'
	# The one that ended must not take the other's group with it.
	ctr kill d1
	wait_until 5 state_is d1 stopped
	ctr rename c1 e1
	started c1 busybox -- sleep 1000
	ctr rm d1
	state_is e1 running
	state_is c1 running
	run ctr exec e1 echo alive
	assert_output alive
	ctr rm --force e1 c1
	# All is forgotten.
	started c1 busybox -- sleep 1000
	assert_equal "$(ctr inspect --format '{{.CgroupPath}}' c1)" /ctr/c1
	# There and back.
	ctr rename c1 d1
	ctr rename d1 c1
	ctr rm --force c1
	[ ! -e "$CTR_ROOT/.renamed" ]
	assert_nothing_left
}

@test "rename: names that are taken or none" {
	started c1 busybox -- sleep 1000
	ctr create --name c2 busybox -- true
	run ctr rename c1 c2
	assert_failure 125
	assert_output --partial '"c2" already exists'
	for bad in c1 a/b .x '' "$(printf 'a\nb')"; do
		run ctr rename c1 "$bad"
		assert_failure 125
	done
	run ctr rename nothere c3
	assert_failure 125
	assert_output --partial 'does not exist'
	state_is c1 running
	ctr rm --force c1 c2
	assert_nothing_left
}

@test "rename: against runs that take the same name, one of them has it" {
	local i wins=0 status
	for i in {1..15}; do
		ctr create --name c1 busybox -- true >/dev/null
		ctr_background create --name new busybox -- true
		status=0
		ctr rename c1 new 2>/dev/null || status=$?
		wait "$ctr_pid" && [ "$status" -ne 0 ] || { [ "$status" -eq 0 ] && wins=$((wins + 1)); }
		BACKGROUND=()
		[ "$(ctr ps --all --quiet --format '{{.Name}}' | grep -c new)" = 1 ]
		ctr rm --force --all >/dev/null
	done
	echo "rename won $wins times"
	assert_nothing_left
}

@test "rename: killed at any moment it is the one or the other, and can be removed" {
	local i delay
	for i in {1..20}; do
		started c1 busybox -- sleep 1000 >/dev/null
		ctr_background rename c1 d1
		delay=$(printf '0.%04d' $((RANDOM % 60)))
		sleep "$delay"
		kill -KILL "$ctr_pid" 2>/dev/null || true
		wait "$ctr_pid" 2>/dev/null || true
		BACKGROUND=()
		[ "$(ctr ps --format '{{.Name}}' | grep -cE '^(c1|d1)$')" = 1 ]
		ctr rm --force --all >/dev/null
	done
	assert_nothing_left
}
