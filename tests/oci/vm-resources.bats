# config-linux.md: limits, on a kernel that has all controllers in cgroup v2.
# vm: -d 64M
# limit: 900

load lib

# in_group ID FILE
in_group() {
	cat "$CGROUPS$(sed -n 's/^0:://p' "/proc/$(oci state "$1" | jq .pid)/cgroup")/$2"
}

@test "resources: each limit reaches its file, those of cgroup v1 converted" {
	local major minor
	IFS=: read -r major minor < <(lsblk -ndo MAJ:MIN /dev/vda | tr -d ' ')
	started c1 ".linux.resources = {
		memory: {limit: 268435456, swap: 402653184, reservation: 134217728},
		cpu: {shares: 512, quota: 50000, burst: 10000, period: 200000, cpus: \"0\", mems: \"0\"},
		pids: {limit: 55}, blockIO: {throttleReadBpsDevice: [{major: $major, minor: $minor, rate: 1048576}],
			throttleWriteIOPSDevice: [{major: $major, minor: $minor, rate: 500}]}}"
	assert_equal "$(in_group c1 memory.max)" 268435456
	assert_equal "$(in_group c1 memory.low)" 134217728
	[ ! -e "$CGROUPS/ctr/c1/memory.swap.max" ] || assert_equal "$(in_group c1 memory.swap.max)" 134217728
	assert_equal "$(in_group c1 cpu.weight)" 59
	assert_equal "$(in_group c1 cpu.max)" '50000 200000'
	assert_equal "$(in_group c1 cpu.max.burst)" 10000
	assert_equal "$(in_group c1 cpuset.cpus)" 0
	assert_equal "$(in_group c1 cpuset.mems)" 0
	assert_equal "$(in_group c1 pids.max)" 55
	assert_equal "$(in_group c1 io.max)" "$major:$minor rbps=1048576 wbps=max riops=max wiops=500"
	oci delete --force c1
	started c1 '.linux.resources = {cpu: {idle: 1}, memory: {limit: -1}, blockIO: {weight: 500}}'
	assert_equal "$(in_group c1 cpu.idle)" 1
	assert_equal "$(in_group c1 memory.max 2>/dev/null || echo max)" max
	oci delete --force c1
	assert_nothing_left
}

@test "resources: unified is the last word, a line a write, and its controllers are enabled" {
	local major minor
	IFS=: read -r major minor < <(lsblk -ndo MAJ:MIN /dev/vda | tr -d ' ')
	started c1 ".linux.resources = {memory: {limit: 268435456}, unified: {\"memory.high\": \"1048576000\", \"memory.max\": \"536870912\",
		\"pids.max\": \"77\", \"io.max\": \"$major:$minor rbps=2097152\n$major:$minor wiops=120\n\"}}"
	assert_equal "$(in_group c1 memory.high)" 1048576000
	assert_equal "$(in_group c1 memory.max)" 536870912
	assert_equal "$(in_group c1 pids.max)" 77
	assert_equal "$(in_group c1 io.max)" "$major:$minor rbps=2097152 wbps=max riops=max wiops=120"
	oci delete --force c1
	refuses '.linux.resources.unified = {"memory.nosuch": "1"}' linux.resources.unified.memory.nosuch
	refuses '.linux.resources.unified = {"memory.max": "much"}' linux.resources.unified.memory.max
}

@test "resources: pids.limit of -1 is none, and 0 lets nothing be made" {
	started c1 '.linux.resources.pids = {limit: -1}'
	[ ! -e "$CGROUPS/ctr/c1/pids.max" ] || assert_equal "$(in_group c1 pids.max)" max
	oci delete --force c1
	config '.linux.resources.pids = {limit: 0}' 'echo alone; (true); echo two'
	create c1
	assert_equal "$(in_group c1 pids.max)" 0
	oci start c1
	wait_until 10 status_is c1 stopped
	run cat "$OUT"
	assert_line alone
	assert_output --partial "can't fork"
	refute_line two
	oci delete --force c1
	assert_nothing_left
}

@test "resources: checkBeforeUpdate refuses a limit below what is in use" {
	started c1 '.linux.resources = {memory: {limit: 268435456}}' \
		'dd if=/dev/zero of=/dev/shm/held bs=1M count=32 2>/dev/null; echo held; exec sleep 1000'
	wait_until 5 grep -q held "$OUT"
	run oci update --resources - c1 <<<'{"memory": {"limit": 8388608, "checkBeforeUpdate": true}}'
	assert_failure
	assert_output --partial memory.limit
	assert_equal "$(in_group c1 memory.max)" 268435456
	status_is c1 running
	oci delete --force c1
	assert_nothing_left
}

@test "resources: huge pages, used and reserved, and an RDMA device that isn't there" {
	started c1 '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 4194304}]'
	assert_equal "$(in_group c1 hugetlb.2MB.max)" 4194304
	assert_equal "$(in_group c1 hugetlb.2MB.rsvd.max)" 4194304
	oci delete --force c1
	refuses '.linux.resources.hugepageLimits = [{pageSize: "3MB", limit: 4194304}]' 'linux.resources.hugepageLimits[0]'
	refuses '.linux.resources.rdma = {mlx5_9: {hcaHandles: 3}}' linux.resources.rdma
}
