# ctr rename: another name for a container, whoever holds it meanwhile.

load lib

# The tests below look at groups by the names that containers were made with. No name is made of
# hexadecimal digits alone: the first digits of an id name a container too.
export KEPT_FILES='/(cache|\.seccomp|\.events(\.1)?)(/|$)|/tmp/ctr-'

started() {
	ctr create --name "$@"
	ctr start "$1"
}

@test "rename: running, paused, created and ended ones" {
	started was1 busybox -- sleep 1000
	ctr create --name was2 busybox -- sleep 1000
	ctr run --name was3 busybox -- true
	ctr pause was1
	for n in 1 2 3; do
		run ctr rename "was$n" "now$n"
		assert_success
		assert_output ''
	done
	assert_equal "$(ctr ps --all --format '{{.Name}} {{.State}}' | tr '\n' ',')" 'now1 paused,now2 created,now3 stopped,'
	run ctr state was1
	assert_failure
	ctr resume now1
	run ctr exec now1 echo inside
	assert_output inside
	ctr start now2
	state_is now2 running
	run ctr update --cgroup-conf cgroup.max.depth=3 now1
	assert_success
	run ctr events --no-stream --filter event=rename --format '{{.Attributes.oldName}} {{.Name}}'
	assert_output $'was1 now1\nwas2 now2\nwas3 now3'
	ctr rm --force now1 now2 now3
	assert_nothing_left
}

@test "rename: a foreground run cleans up by the new name" {
	ctr_background run --rm --name was1 busybox -- sh -c 'trap "exit 5" TERM; while :; do sleep 0.1; done'
	wait_until 5 state_is was1 running
	ctr rename was1 now1
	state_is now1 running
	sleep 0.3
	ctr kill --signal TERM now1
	local ended=0
	wait "$ctr_pid" || ended=$?
	assert_equal "$ended" 5
	run ctr ps --all --quiet
	assert_output ''
	# Without --rm the end is written down by the new name.
	ctr_background run --name was2 busybox -- sh -c 'sleep 0.5; exit 6'
	wait_until 5 state_is was2 running
	ctr rename was2 now2
	wait "$ctr_pid" || true
	BACKGROUND=()
	assert_equal "$(ctr inspect --format '{{.State.Status}} {{.State.ExitCode}}' now2)" 'stopped 6'
	run ctr events --no-stream --filter event=die --format '{{.Name}} {{.ContainerExitCode}}'
	assert_output $'now1 5\nnow2 6'
	ctr rm now2
	assert_nothing_left
}

@test "rename: the old name is free, with a group of its own" {
	local id
	started was1 busybox -- sleep 1000
	ctr rename was1 now1
	id=$(ctr create --name was1 busybox -- sleep 1000)
	ctr start was1
	assert_equal "$(ctr inspect --format '{{.CgroupPath}}' now1)" /ctr/was1
	assert_equal "$(ctr inspect --format '{{.CgroupPath}}' was1)" "/ctr/was1-${id:0:12}"
	assert_equal "$(ctr top now1 | wc -l) $(ctr top was1 | wc -l)" '2 2'
	# The one that ended must not take the other's group with it.
	ctr kill now1
	wait_until 5 state_is now1 stopped
	ctr rename was1 then1
	started was1 busybox -- sleep 1000
	ctr rm now1
	state_is then1 running
	state_is was1 running
	run ctr exec then1 echo alive
	assert_output alive
	ctr rm --force then1 was1
	# All is forgotten.
	started was1 busybox -- sleep 1000
	assert_equal "$(ctr inspect --format '{{.CgroupPath}}' was1)" /ctr/was1
	# There and back.
	ctr rename was1 now1
	ctr rename now1 was1
	ctr rm --force was1
	[ ! -e "$CTR_ROOT/.renamed" ]
	assert_nothing_left
}

@test "rename: names that are taken or none" {
	started was1 busybox -- sleep 1000
	ctr create --name was2 busybox -- true
	run ctr rename was1 was2
	assert_failure 125
	assert_output --partial '"was2" already exists'
	for bad in was1 a/b .x '' "$(printf 'a\nb')"; do
		run ctr rename was1 "$bad"
		assert_failure 125
	done
	run ctr rename nothere was3
	assert_failure 125
	assert_output --partial 'does not exist'
	state_is was1 running
	ctr rm --force was1 was2
	assert_nothing_left
}

@test "rename: against runs that take the same name, one of them has it" {
	local i wins=0 status
	for i in {1..15}; do
		ctr create --name was1 busybox -- true >/dev/null
		ctr_background create --name new busybox -- true
		status=0
		ctr rename was1 new 2>/dev/null || status=$?
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
		started was1 busybox -- sleep 1000 >/dev/null
		ctr_background rename was1 now1
		delay=$(printf '0.%04d' $((RANDOM % 60)))
		sleep "$delay"
		kill -KILL "$ctr_pid" 2>/dev/null || true
		wait "$ctr_pid" 2>/dev/null || true
		BACKGROUND=()
		[ "$(ctr ps --format '{{.Name}}' | grep -cE '^(was1|now1)$')" = 1 ]
		ctr rm --force --all >/dev/null
	done
	assert_nothing_left
}
