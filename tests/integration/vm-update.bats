# vm: -d 512M -c 2
# limit: 900
# ctr update where all controllers are: runs in the test VM.

load lib
load limits

resources() {
	ctr inspect "$1" | jq -c ".[0].Spec.linux.resources | $2"
}

@test "update: every limit flag reaches its file and the configuration" {
	start c1 --memory 32m --cpus 1 sleep 1000
	run ctr update --memory 64m --memory-swap 96m --memory-reservation 16m --pids-limit 44 --cpus 0.5 \
		--cpu-shares 2000 --cpuset-cpus 1 --cpuset-mems 0 --cgroup-conf memory.high=60M c1
	assert_success
	assert_equal "$(cg c1 memory.max) $(cg c1 memory.swap.max) $(cg c1 memory.low) $(cg c1 memory.high)" \
		'67108864 33554432 16777216 62914560'
	assert_equal "$(cg c1 pids.max) $(cg c1 cpu.max) $(cg c1 cpu.weight)" '44 50000 100000 170'
	assert_equal "$(cg c1 cpuset.cpus) $(cg c1 cpuset.mems)" '1 0'
	assert_equal "$(resources c1 '[.memory.limit, .memory.swap, .memory.reservation, .pids.limit, .cpu.quota,
		.cpu.shares, .cpu.cpus, .unified["memory.high"]]')" \
		'[67108864,100663296,16777216,44,50000,2000,"1","60M"]'
	# What is not named stays as it is.
	run ctr update --pids-limit 45 c1
	assert_equal "$(cg c1 memory.max) $(cg c1 pids.max)" '67108864 45'
	assert_equal "$(resources c1 '[.memory.limit, .pids.limit]')" '[67108864,45]'
	ctr rm --force c1
	assert_nothing_left
}

@test "update: memory alone takes twice as much with swap, swap alone goes by the memory it has" {
	start c1 --memory 32m sleep 1000
	ctr update --memory 64m c1
	assert_equal "$(cg c1 memory.max) $(cg c1 memory.swap.max)" '67108864 67108864'
	ctr update --memory-swap 80m c1
	assert_equal "$(cg c1 memory.max) $(cg c1 memory.swap.max)" '67108864 16777216'
	run ctr update --memory-swap 8m c1
	assert_failure 125
	run ctr update --memory-reservation 128m c1
	assert_failure 125
	assert_output --partial 'above its memory limit'
	ctr rm --force c1
	assert_nothing_left
}

@test "update: 0 takes limits away" {
	start c1 --memory 32m --pids-limit 10 --cpus 0.5 --cpu-shares 512 sleep 1000
	ctr update --memory 0 --pids-limit 0 --cpus 0 --cpu-shares 0 c1
	assert_equal "$(cg c1 memory.max) $(cg c1 memory.swap.max) $(cg c1 pids.max) $(cg c1 cpu.max) $(cg c1 cpu.weight)" \
		'max max max max 100000 100'
	ctr rm --force c1
	assert_nothing_left
}

@test "update: rates of disks, and one that the kernel refuses undoes all" {
	local disk number
	disk=$(findmnt -no SOURCE /scratch)
	number=$(lsblk -dno MAJ:MIN "$disk" | tr -d ' ')
	start c1 --memory 32m --device-read-bps "$disk:4mb" sleep 1000
	ctr update --device-write-iops "$disk:50" c1
	assert_equal "$(cg c1 io.max)" "$number rbps=4194304 wbps=max riops=max wiops=50"
	# cpuset.cpus of a processor that isn't there comes after memory in the table.
	run ctr update --device-read-bps "$disk:8mb" --memory 64m --pids-limit 44 --cpuset-mems 63 c1
	assert_failure 125
	assert_output --partial 'cpuset.mems'
	assert_equal "$(cg c1 io.max)" "$number rbps=4194304 wbps=max riops=max wiops=50"
	assert_equal "$(cg c1 memory.max) $(cg c1 memory.swap.max)" '33554432 33554432'
	assert_equal "$(cg c1 pids.max)" max
	assert_equal "$(resources c1 '[.memory.limit, .pids.limit, .blockIO.throttleReadBpsDevice[0].rate]')" \
		'[33554432,null,4194304]'
	ctr update --device-read-bps "$disk:8mb" c1
	assert_equal "$(resources c1 '.blockIO.throttleReadBpsDevice | length')" 1
	# A disk that had no limit is without one again.
	start c2 --memory 32m sleep 1000
	run ctr update --device-read-bps "$disk:8mb" --cgroup-conf memory.high=nonsense c2
	assert_failure 125
	assert_equal "$(cg c2 io.max)" ''
	ctr rm --force c1 c2
	assert_nothing_left
}

@test "update: a new limit bites at once" {
	start c1 sh -c 'while :; do :; done'
	ctr update --cpus 0.25 c1
	sleep 1
	between 200 "$(cpu_share /ctr/c1 8)" 300
	ctr rm --force c1
	start c2 --memory 64m probe memory 40
	wait_until 10 sh -c '[ "$(cat "$0")" -gt 41943040 ]' "$CGROUPS/ctr/c2/memory.current"
	ctr update --memory 16m --memory-swap 16m c2
	wait_until 20 state_is c2 stopped
	assert_equal "$(ctr inspect c2 | jq '.[0].State.OOMKilled')" true
	ctr rm c2
	assert_nothing_left
}

@test "update: ctr-oci keeps its configuration in step too" {
	start c1 --memory 32m --memory-swap 48m sleep 1000
	"$CTR_BUILD/bin/ctr-oci" --root "$CTR_ROOT" update --memory 64m c1
	assert_equal "$(cg c1 memory.max) $(cg c1 memory.swap.max)" '67108864 16777216'
	assert_equal "$(resources c1 '[.memory.limit, .memory.swap]')" '[67108864,83886080]'
	ctr rm --force c1
	assert_nothing_left
}
