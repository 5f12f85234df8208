# config-linux.md, control groups: their path and owner, and what needs no controller. (The limits themselves
# need a kernel with controllers in cgroup v2: vm-resources.bats.)

load lib

group_of() {
	sed -n 's/^0:://p' "/proc/$(oci state "$1" | jq .pid)/cgroup"
}

@test "cgroups: an absolute path is below the mount of cgroups, and is made" {
	started c1 '.linux.cgroupsPath = "/oci-test/deep/c1"'
	assert_equal "$(group_of c1)" /oci-test/deep/c1
	assert_equal "$(<"$CGROUPS/oci-test/deep/c1/cgroup.procs")" "$(oci state c1 | jq .pid)"
	oci delete --force c1
	[ ! -e "$CGROUPS/oci-test" ]
}

@test "cgroups: the same path is the same place each time, relative ones too" {
	local path first
	for path in /oci-test/c1 oci-test/c1 one; do
		started c1 ".linux.cgroupsPath = \"$path\""
		first=$(group_of c1)
		oci delete --force c1
		started c2 ".linux.cgroupsPath = \"$path\""
		assert_equal "$(group_of c2)" "$first"
		oci delete --force c2
	done
	# Without one, each container has its own.
	started c1 .
	started c2 .
	[ "$(group_of c1)" != "$(group_of c2)" ]
	oci delete --force c1
	oci delete --force c2
	assert_nothing_left
}

@test "cgroups: a path that leads upwards is an error" {
	refuses '.linux.cgroupsPath = "../x"' cgroup
	refuses '.linux.cgroupsPath = "/a/../../x"' cgroup
	refuses '.linux.cgroupsPath = 5' linux.cgroupsPath
}

@test "cgroups: a group with processes or groups in it is not taken" {
	started c1 '.linux.cgroupsPath = "/oci-test/c1"'
	config '.linux.cgroupsPath = "/oci-test/c1"'
	run oci create c2
	assert_failure
	assert_output --partial 'exists already'
	status_is c1 running
	oci delete --force c1
	mkdir -p "$CGROUPS/oci-test/c2/below"
	config '.linux.cgroupsPath = "/oci-test/c2"'
	run oci create c2
	assert_failure
	[ -d "$CGROUPS/oci-test/c2/below" ]
	rmdir "$CGROUPS/oci-test/c2/below" "$CGROUPS/oci-test/c2" "$CGROUPS/oci-test"
	assert_nothing_left
}

@test "cgroups: a frozen container takes no exec" {
	started c1 .
	oci pause c1
	run oci exec c1 true
	assert_failure
	assert_output --partial paused
	oci resume c1
	run oci exec c1 true
	assert_success
	oci delete --force c1
}

# owners ID: of its group's folder and files, those that aren't root's.
owners() {
	local dir file
	dir=$CGROUPS$(group_of "$1")
	for file in . cgroup.procs cgroup.threads cgroup.subtree_control cgroup.freeze cgroup.kill cgroup.max.depth cgroup.type; do
		[ ! -e "$dir/$file" ] || echo "$file $(stat -c %u "$dir/$file")"
	done | sort
}

# delegated ID: systemd's words for that, of its group.
delegated() {
	python3 -c 'import os, sys; print(*sorted(a for a in os.listxattr(sys.argv[1]) if a.endswith(".delegate")))' \
		"$CGROUPS$(group_of "$1")"
}

@test "cgroups: the owner changes where cgroups are mounted to be written: folder and delegated files, no limits" {
	local writable='(.mounts[] | select(.type == "cgroup")).options = ["nosuid", "noexec", "nodev"]'
	started c1 "$writable | .process.user = {uid: 1000, gid: 1000}" 'mkdir /sys/fs/cgroup/own && echo made; exec sleep 1000'
	assert_equal "$(owners c1)" "$(sort <<-'OWNERS'
		. 1000
		cgroup.freeze 0
		cgroup.kill 0
		cgroup.max.depth 0
		cgroup.procs 1000
		cgroup.subtree_control 1000
		cgroup.threads 1000
		cgroup.type 0
	OWNERS
	)"
	wait_until 5 grep -q made "$OUT"
	assert_equal "$(delegated c1)" 'trusted.delegate user.delegate'
	oci delete --force c1
	# As the host sees who it is in a user namespace.
	chmod 711 "$BUNDLE"
	started c1 "$writable | .linux.namespaces += [{type: \"user\"}] | .linux.uidMappings = [{containerID: 0, hostID: 70000, size: 1000}]
		| .linux.gidMappings = .linux.uidMappings | .process.user = {uid: 5, gid: 5}"
	assert_equal "$(owners c1 | grep -c ' 70005$')" 4
	oci delete --force c1
	assert_nothing_left
}

@test "cgroups: the owner stays without such a mount, read-only, or without a namespace of its own" {
	local filter
	for filter in . 'del(.mounts[] | select(.type == "cgroup"))' \
		'(.mounts[] | select(.type == "cgroup")).options = ["rw"] | .linux.namespaces |= map(select(.type != "cgroup"))'; do
		started c1 "$filter | .process.user = {uid: 1000, gid: 1000}"
		assert_equal "$(owners c1 | grep -v ' 0$')" ''
		assert_equal "$(delegated c1)" ''
		oci delete --force c1
	done
}

@test "unified: is written to the files as it stands, also what the runtime knows nothing of" {
	started c1 '.linux.resources.unified = {"cgroup.max.descendants": "7", "cgroup.max.depth": "3"}'
	assert_equal "$(<"$CGROUPS$(group_of c1)/cgroup.max.descendants")" 7
	assert_equal "$(<"$CGROUPS$(group_of c1)/cgroup.max.depth")" 3
	oci delete --force c1
}

@test "unified: a controller that isn't there, a file that isn't there, and a path are errors" {
	refuses '.linux.resources.unified = {"nosuch.max": "1"}' linux.resources.unified nosuch.max
	refuses '.linux.resources.unified = {"cgroup.nosuch": "1"}' linux.resources.unified.cgroup.nosuch
	refuses '.linux.resources.unified = {"cgroup.max.depth": "x"}' linux.resources.unified.cgroup.max.depth
	refuses '.linux.resources.unified = {"memory.max/../../x": "1"}' linux.resources.unified
	refuses '.linux.resources.unified = {"cgroup.procs": "1"}' linux.resources.unified
	refuses '.linux.resources.unified = {"cgroup.max.depth": 1}' linux.resources.unified
}

# Where cgroup v1 has a controller, the limits that it is for say so by their key, and none is passed over.
@test "resources: a limit whose controller can't be had is an error that names both" {
	local row controller
	for row in 'memory: {limit: 67108864}|memory.limit' 'memory: {limit: 67108864, swap: 134217728}|memory' 'memory: {reservation: 67108864}|memory.reservation' \
		'cpu: {shares: 512}|cpu.shares' 'cpu: {quota: 50000}|cpu.quota' 'cpu: {period: 50000}|cpu.period' 'cpu: {quota: 50000, burst: 100}|cpu' \
		'cpu: {idle: 1}|cpu.idle' 'cpu: {cpus: "0"}|cpu.cpus' 'cpu: {mems: "0"}|cpu.mems' 'pids: {limit: 5}|pids.limit' \
		'blockIO: {weight: 100}|blockIO.weight' 'blockIO: {weightDevice: [{major: 8, minor: 0, weight: 10}]}|blockIO.weightDevice' \
		'blockIO: {throttleReadBpsDevice: [{major: 8, minor: 0, rate: 1}]}|blockIO.throttleReadBpsDevice' \
		'blockIO: {throttleWriteBpsDevice: [{major: 8, minor: 0, rate: 1}]}|blockIO.throttleWriteBpsDevice' \
		'blockIO: {throttleReadIOPSDevice: [{major: 8, minor: 0, rate: 1}]}|blockIO.throttleReadIOPSDevice' \
		'blockIO: {throttleWriteIOPSDevice: [{major: 8, minor: 0, rate: 1}]}|blockIO.throttleWriteIOPSDevice' \
		'hugepageLimits: [{pageSize: "2MB", limit: 2097152}]|hugepageLimits' 'rdma: {mlx5_0: {hcaHandles: 3}}|rdma' \
		'unified: {"memory.high": "1000000"}|unified.memory.high'; do
		controller=${row%%:*}
		case $row in
		cpu:*cpus* | cpu:*mems*) controller=cpuset ;;
		blockIO*) controller=io ;;
		hugepage*) controller=hugetlb ;;
		unified*) controller=memory ;;
		esac
		[[ " $(<"$CGROUPS/cgroup.controllers") " == *" $controller "* ]] ||
			refuses ".linux.resources = {${row%|*}}" "linux.resources.${row#*|}" "controller \"$controller\""
	done
}

@test "resources: what only cgroup v1 has is refused, or is a warning where nothing is lost" {
	local row log=$BATS_TEST_TMPDIR/log
	for row in 'cpu: {realtimeRuntime: 1000}|cpu.realtimeRuntime' 'cpu: {realtimePeriod: 1000}|cpu.realtimePeriod' \
		'network: {classID: 5}|network.classID' 'network: {priorities: [{name: "lo", priority: 5}]}|network.priorities'; do
		refuses ".linux.resources = {${row%|*}}" "linux.resources.${row#*|}"
	done
	config '.linux.resources = {memory: {kernel: 1000, kernelTCP: 1000, swappiness: 10, disableOOMKiller: true, useHierarchy: false},
		blockIO: {leafWeight: 10}}'
	run oci --log "$log" --log-format json run c1
	assert_output hello
	run warnings_in "$log"
	for row in memory.kernel memory.kernelTCP memory.swappiness memory.disableOOMKiller memory.useHierarchy blockIO.leafWeight; do
		assert_line --partial "linux.resources.$row: "
	done
	rm "$log"
}

@test "resources: values that no limit has are named" {
	local row
	for row in 'memory: {limit: -2}|memory.limit' 'memory: {limit: 100, swap: 50}|memory.swap' 'memory: {swap: 100}|memory.swap' \
		'memory: {swappiness: 101}|memory.swappiness' 'cpu: {quota: 5}|cpu.quota' 'cpu: {period: 5}|cpu.period' \
		'cpu: {quota: 5000, burst: 6000}|cpu.burst' 'cpu: {idle: 2}|cpu.idle' 'cpu: {cpus: "x"}|cpu.cpus' 'cpu: {mems: "1-"}|cpu.mems' \
		'pids: {limit: -2}|pids.limit' 'blockIO: {weight: 5}|blockIO.weight' 'blockIO: {weight: 1001}|blockIO.weight' \
		'blockIO: {weightDevice: [{major: 8, minor: 0}]}|blockIO.weightDevice' 'blockIO: {weightDevice: [{minor: 0, weight: 10}]}|blockIO.weightDevice[0].major' \
		'blockIO: {throttleReadBpsDevice: [{major: 8, rate: 1}]}|blockIO.throttleReadBpsDevice[0].minor' \
		'blockIO: {throttleReadBpsDevice: [{major: 8, minor: 0}]}|blockIO.throttleReadBpsDevice[0].rate' \
		'hugepageLimits: [{pageSize: "2 MB", limit: 1}]|hugepageLimits' 'hugepageLimits: [{limit: 1}]|hugepageLimits[0].pageSize' \
		'hugepageLimits: [{pageSize: "2MB"}]|hugepageLimits[0].limit' 'rdma: {mlx5_0: {}}|rdma' 'rdma: {mlx5_0: {hcaHandles: -1}}|rdma.mlx5_0.hcaHandles'; do
		refuses ".linux.resources = {${row%|*}}" "linux.resources.${row#*|}"
	done
}
