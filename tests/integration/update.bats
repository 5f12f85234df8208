# ctr update, as far as a machine without controllers can show it: the files cgroup.max.* are in each
# group. The rest is in vm-update.bats.

load lib

started() {
	ctr create --name "$@"
	ctr start "$1"
}

cg() {
	cat "$CGROUPS/ctr/$1/$2"
}

# kept NAME FILE: the value that a later start would get.
kept() {
	ctr inspect "$1" | jq -r --arg file "$2" '.[0].Spec.linux.resources.unified[$file]'
}

@test "update: the group has it, and so has the container's configuration" {
	started c1 busybox -- sleep 1000
	started c2 busybox -- sleep 1000
	run ctr update --cgroup-conf cgroup.max.depth=7 c1 c2
	assert_success
	assert_output $'c1\nc2'
	assert_equal "$(cg c1 cgroup.max.depth)" 7
	assert_equal "$(cg c2 cgroup.max.depth)" 7
	assert_equal "$(kept c1 cgroup.max.depth)" 7
	run ctr update --cgroup-conf cgroup.max.descendants=9 c1
	assert_success
	assert_equal "$(kept c1 cgroup.max.depth) $(kept c1 cgroup.max.descendants)" '7 9'
	assert_equal "$(ctr inspect c1 | jq -r '.[0].State.Status')" running
	ctr rm --force c1 c2
	assert_nothing_left
}

@test "update: what the kernel refuses in the end undoes what came before" {
	started c1 --cgroup-conf cgroup.max.depth=7 busybox -- sleep 1000
	run ctr update --cgroup-conf cgroup.max.depth=3 --cgroup-conf cgroup.max.descendants=lots c1
	assert_failure 125
	assert_output --partial 'cgroup.max.descendants'
	assert_equal "$(cg c1 cgroup.max.depth)" 7
	assert_equal "$(cg c1 cgroup.max.descendants)" max
	assert_equal "$(kept c1 cgroup.max.depth) $(kept c1 cgroup.max.descendants)" '7 null'
	ctr rm --force c1
	assert_nothing_left
}

@test "update: a limit whose controller is not here is refused before anything is written" {
	! grep -qw memory "$CGROUPS/cgroup.controllers" || return 0
	started c1 busybox -- sleep 1000
	run ctr update --cgroup-conf cgroup.max.depth=3 --memory 64m c1
	assert_failure 125
	assert_output --partial 'no controller "memory"'
	assert_equal "$(cg c1 cgroup.max.depth)" max
	assert_equal "$(kept c1 cgroup.max.depth)" null
	ctr rm --force c1
	assert_nothing_left
}

@test "update: paused, created and ended ones" {
	started c1 busybox -- sleep 1000
	ctr pause c1
	ctr create --name c2 busybox -- sleep 1000
	ctr run --name c3 busybox -- true
	run ctr update --cgroup-conf cgroup.max.depth=4 c1 c2 c3
	assert_success
	assert_equal "$(cg c1 cgroup.max.depth) $(cg c2 cgroup.max.depth)" '4 4'
	assert_equal "$(kept c3 cgroup.max.depth)" 4
	state_is c1 paused
	ctr rm --force c1 c2 c3
	assert_nothing_left
}

@test "update: bad values name their flag, and nothing asked for is an error" {
	local row
	started c1 busybox -- sleep 1000
	for row in memory=lots memory-swap=1m memory-reservation=lots cpus=many cpu-shares=-1 \
		cpuset-cpus=0- pids-limit=many blkio-weight=5 device-read-bps=/nothere:1m cgroup-conf=novalue; do
		run ctr update "--$row" c1
		assert_failure 125
		assert_output --regexp "--${row%%=*}|linux\.resources"
	done
	run ctr update c1
	assert_failure 125
	assert_output --partial 'no limit named'
	run ctr update --cpus 1 nothere
	assert_failure 125
	run ctr update --name x c1
	assert_failure 125
	ctr rm --force c1
	assert_nothing_left
}

@test "update: a container without a cgroup has no limits" {
	started c1 --cgroup-manager disabled busybox -- sleep 1000
	run ctr update --cgroup-conf cgroup.max.depth=4 c1
	assert_failure 125
	assert_output --partial 'no cgroup of its own'
	ctr rm --force c1
	assert_nothing_left
}
