# vm: -d 512M
# limit: 1200
# Limits bite: seen from inside the container, from the host's side, and by what happens to
# a process that goes too far. Needs all controllers: runs in the test VM.

load lib
load limits

@test "cgroups: every limit flag reaches its file, and the container sees it" {
	start c1 --memory 64m --memory-swap 96m --memory-reservation 32m --pids-limit 44 \
		--cpus 0.5 --cpu-shares 2000 --cpuset-cpus 0 --cpuset-mems 0 \
		--cgroup-conf memory.high=60M sleep 1000
	assert_equal "$(cg c1 memory.max)" 67108864
	assert_equal "$(cg c1 memory.swap.max)" 33554432
	assert_equal "$(cg c1 memory.low)" 33554432
	assert_equal "$(cg c1 memory.high)" 62914560
	assert_equal "$(cg c1 pids.max)" 44
	assert_equal "$(cg c1 cpu.max)" '50000 100000'
	assert_equal "$(cg c1 cpu.weight)" 170
	assert_equal "$(cg c1 cpuset.cpus)" 0
	assert_equal "$(cg c1 cpuset.mems)" 0
	# Below it is the group of the exec session.
	run ctr exec c1 cat /sys/fs/cgroup/memory.max /proc/1/cgroup /proc/self/cgroup
	assert_success
	assert_line 67108864
	assert_line 0::/
	assert_line --regexp '^0::/exec-[0-9a-f]{12}$'
	run ctr exec c1 sh -c 'echo max >/sys/fs/cgroup/memory.max'
	assert_failure
	run ctr rm --force c1
	assert_success
	assert_nothing_left
}

@test "cgroups: without limits no controller is enabled for the container" {
	start c1 sleep 1000
	assert_equal "$(cg c1 cgroup.controllers)" ''
	ctr rm --force c1
	assert_nothing_left
}

@test "cgroups: a memory hog is killed at --memory, and inspect says so" {
	run ctr run --name c1 --memory 32m --memory-swap 32m --rootfs "$ROOTFS" dd if=/dev/zero of=/dev/null bs=200M count=1
	assert_failure 137
	run ctr inspect c1
	assert_success
	assert_equal "$(jq -r '.[0].State.OOMKilled' <<<"$output")" true
	ctr rm c1
	assert_nothing_left
}

@test "cgroups: a kill that is not for memory is not called one" {
	start c1 --memory 64m sleep 1000
	ctr kill c1
	wait_until 10 state_is c1 stopped
	assert_equal "$(ctr inspect c1 | jq -r '.[0].State.OOMKilled')" false
	ctr rm c1
	assert_nothing_left
}

@test "cgroups: a fork bomb stops at --pids-limit" {
	start c1 --pids-limit 20 sh -c 'bomb() { bomb | bomb & }; bomb; sleep 1000'
	wait_until 20 grep -qE 'max [1-9]' "$CGROUPS/ctr/c1/pids.events"
	between 1 "$(cg c1 pids.current)" 20
	ctr rm --force c1
	assert_nothing_left
}

@test "cgroups: --cpus 0.5 is half a processor" {
	local share
	start c1 --cpus 0.5 sh -c 'while :; do :; done'
	sleep 1
	share=$(cpu_share /ctr/c1 10)
	ctr rm --force c1
	echo "used $share thousandths of a processor"
	between 450 "$share" 550
	assert_nothing_left
}

@test "cgroups: io limits hold, reading and writing" {
	local disk bytes
	disk=$(findmnt -no SOURCE /scratch)
	dd if=/dev/zero of=/scratch/data bs=1M count=64 oflag=direct status=none
	start c1 --device-read-bps "$disk:4mb" --volume /scratch:/scratch \
		dd if=/scratch/data of=/dev/null bs=64k iflag=direct
	sleep 1
	bytes=$(io_rate /ctr/c1 rbytes 6)
	ctr rm --force c1
	echo "read $bytes bytes a second"
	between $((4194304 * 80 / 100)) "$bytes" $((4194304 * 120 / 100))
	start c2 --device-write-bps "$disk:2mb" --volume /scratch:/scratch \
		dd if=/dev/zero of=/scratch/data bs=64k count=1024 oflag=direct conv=notrunc
	sleep 1
	bytes=$(io_rate /ctr/c2 wbytes 6)
	ctr rm --force c2
	echo "wrote $bytes bytes a second"
	between $((2097152 * 80 / 100)) "$bytes" $((2097152 * 120 / 100))
	rm /scratch/data
	assert_nothing_left
}

@test "cgroups: a pool's limit holds for all that is in it" {
	run ctr pool create --memory 48m --pids-limit 30 p1
	assert_success
	start c1 --cgroup-parent p1 sleep 1000
	[ -d "$CGROUPS/p1/c1" ]
	run ctr run --rm --cgroup-parent p1 --rootfs "$ROOTFS" dd if=/dev/zero of=/dev/null bs=200M count=1
	assert_failure 137
	run ctr pool rm p1
	assert_failure
	assert_output --partial 'pool "p1" is in use: c1'
	run lscgroup
	assert_line --partial ':/p1/c1'
	run cgget -n -v -r memory.max p1
	assert_output 50331648
	run cgset -r memory.max=64M p1
	assert_success
	run ctr pool inspect p1
	assert_output --partial 67108864
	run ctr pool ls
	assert_line --partial p1
	ctr rm --force c1
	run ctr pool rm p1
	assert_success
	assert_nothing_left
}

@test "cgroups: a pool's owner makes groups in it and can't raise its limit" {
	run ctr pool create --owner 1000:1000 --memory 64m mine
	assert_success
	run setpriv --reuid 1000 --regid 1000 --clear-groups sh -c \
		"mkdir $CGROUPS/mine/sub && rmdir $CGROUPS/mine/sub"
	assert_success
	run setpriv --reuid 1000 --regid 1000 --clear-groups sh -c "echo max >$CGROUPS/mine/memory.max"
	assert_failure
	ctr pool rm mine
	assert_nothing_left
}

@test "cgroups: bad pools say what is wrong and leave nothing" {
	run ctr pool create p1 memory.max=lots
	assert_failure
	assert_output --partial 'memory.max'
	run ctr pool create --set nosuch.max=1 p1
	assert_failure
	assert_output --partial 'no controller "nosuch"'
	run ctr pool create a/b
	assert_failure
	run ctr run --rm --cgroup-parent nosuch --rootfs "$ROOTFS" true
	assert_failure 125
	assert_output --partial 'no pool "nosuch"'
	assert_nothing_left
}

@test "cgroups: bad limits name the key, and nothing is left" {
	run ctr run --rm --cgroup-conf memory.nosuch=1 --rootfs "$ROOTFS" true
	assert_failure 125
	assert_output --partial 'memory.nosuch'
	run ctr run --rm --cpuset-mems 63 --rootfs "$ROOTFS" true
	assert_failure 125
	assert_output --partial 'cpuset.mems'
	run ctr run --rm --cpuset-cpus 3-1 --rootfs "$ROOTFS" true
	assert_failure 125
	run ctr run --rm --cgroup-conf nosuch.key=1 --rootfs "$ROOTFS" true
	assert_failure 125
	run ctr run --rm --cgroup-conf cgroup.procs=1 --rootfs "$ROOTFS" true
	assert_failure 125
	run ctr run --rm --cgroup-parent /a/../b --rootfs "$ROOTFS" true
	assert_failure 125
	assert_nothing_left
}

@test "cgroups: groups that a container made inside go with it" {
	start c1 --privileged --cgroup-conf cgroup.max.depth=20 sh -c \
		'mkdir -p /sys/fs/cgroup/a/b/c/d /sys/fs/cgroup/x; echo $$ >/sys/fs/cgroup/a/b/c/d/cgroup.procs; sleep 1000'
	wait_until 5 grep -q . "$CGROUPS/ctr/c1/a/b/c/d/cgroup.procs"
	ctr rm --force c1
	assert_nothing_left
}

@test "cgroups: a group of another's is not taken over" {
	mkdir -p "$CGROUPS/ctr/c1"
	sleep 1000 3>&- &
	echo $! >"$CGROUPS/ctr/c1/cgroup.procs"
	run ctr run --rm --name c1 --rootfs "$ROOTFS" true
	assert_failure 125
	assert_output --partial 'exists already'
	[ -d "$CGROUPS/ctr/c1" ]
	kill %1
	wait %1 || true
	rmdir "$CGROUPS/ctr/c1"
	rmdir "$CGROUPS/ctr" 2>/dev/null || true
	assert_nothing_left
}
