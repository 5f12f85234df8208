# containerd as a kubelet drives it, with limits: what needs cgroup controllers.
# vm: -m 3000
# limit: 600

load lib
load cri
DRIVER=cgroupfs
load verbs

setup_file() {
	containerd_start
}

teardown_file() {
	stop_engines
}

# started NAME SCRIPT [RESOURCES]: prints the id of a container that runs in the pod.
started() {
	local one
	one=$(ask .container_id CreateContainer "$(container "$pod" "$sandbox" "$@")")
	cri StartContainer "$(id "$one")" >/dev/null
	echo "$one"
}

# of CONTAINER FILE: what its group says.
of() {
	cat "$CGROUPS/kubepods/pod1/$1/$2"
}

@test "cri: limits arrive, update changes those that it names, and nothing else" {
	local one weight
	pod_start
	one=$(started one 'exec sleep 1000' '{"cpu_period": 100000, "cpu_quota": 50000, "cpu_shares": 512,
		"memory_limit_in_bytes": 67108864, "oom_score_adj": 500, "unified": {"memory.low": "1048576"}}')
	assert_equal "$(of "$one" cpu.max)" '50000 100000'
	weight=$(of "$one" cpu.weight)
	[ "$weight" -lt 100 ]
	assert_equal "$(of "$one" memory.max)" $((64 << 20))
	assert_equal "$(of "$one" memory.low)" $((1 << 20))
	cri UpdateContainerResources "$(id "$one" | jq -c '.linux = {cpu_quota: 25000, memory_limit_in_bytes: 100663296}')"
	assert_equal "$(of "$one" cpu.max)" '25000 100000'
	assert_equal "$(of "$one" memory.max)" $((96 << 20))
	assert_equal "$(of "$one" cpu.weight)" "$weight"
	cri UpdateContainerResources "$(id "$one" | jq -c '.linux = {cpu_shares: 2048}')"
	[ "$(of "$one" cpu.weight)" -gt 100 ]
	assert_equal "$(of "$one" memory.max)" $((96 << 20))
	# What can't be is told, and the container goes on as it was.
	run cri UpdateContainerResources "$(id "$one" | jq -c '.linux = {cpuset_cpus: "4000"}')"
	assert_failure
	assert_output --partial cpuset.cpus
	assert_equal "$(of "$one" cpu.max)" '25000 100000'
	assert_equal "$(ask .status.state ContainerStatus "$(id "$one")")" 1
	cri StopContainer "$(id "$one" | jq -c '.timeout = 0')"
	cri RemoveContainer "$(id "$one")"
	pod_remove
}

@test "cri: stats of one container and of a pod's" {
	local one two
	pod_start
	one=$(started one 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; exec sleep 1000')
	two=$(started two 'exec sleep 1000')
	used() { ask .stats.cpu.usage_core_nano_seconds.value ContainerStats "$(id "$1")"; }
	# What it says is what its group says, at about this moment.
	busy() { [ "$(used "$one")" -gt $(($(used "$two") + 100000000)) ]; }
	wait_until 10 busy
	[ "$(($(used "$one") / 1000))" -le "$(of "$one" cpu.stat | sed -n 's/^usage_usec //p')" ]
	local memory
	memory=$(ask .stats.memory.working_set_bytes.value ContainerStats "$(id "$one")")
	[[ $memory -gt 0 && $memory -le $(of "$one" memory.peak) ]]
	assert_equal "$(ask '.stats | map(.attributes.id) | sort | join(" ")' ListContainerStats \
		"{\"filter\": {\"pod_sandbox_id\": \"$pod\"}}")" "$(printf '%s\n' "$one" "$two" | sort | xargs)"
	cri StopContainer "$(id "$one" | jq -c '.timeout = 0')"
	# One that has ended has nothing to tell, and does not keep the others' from being told.
	assert_equal "$(ask '.stats | map(select(.cpu) | .attributes.id) | join(" ")' ListContainerStats)" "$two"
	cri StopContainer "$(id "$two" | jq -c '.timeout = 0')"
	cri RemoveContainer "$(id "$one")"
	cri RemoveContainer "$(id "$two")"
	pod_remove
}

@test "cri: a container that wants too much memory is killed, and the kubelet hears why" {
	local one
	pod_start
	one=$(started one 'exec probe memory 64' '{"memory_limit_in_bytes": 16777216}')
	exited() { [ "$(ask .status.state ContainerStatus "$(id "$one")")" = 2 ]; }
	wait_until 5 exited
	assert_equal "$(ask '.status | "\(.exit_code) \(.reason)"' ContainerStatus "$(id "$one")")" '137 OOMKilled'
	cri RemoveContainer "$(id "$one")"
	pod_remove
}

# bats test_tags=long
@test "containerd, cgroupfs: run, exec, attach, kill, pause, metrics, rm" {
	containerd_walk
	assert_nothing_left
}

@test "cri, cgroupfs: a pod's container: exec, attach, logs, stats, update, pause, kill, rm" {
	cri_walk
	assert_nothing_left
}
