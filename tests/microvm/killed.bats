# vm: --kvm -m 3000
# limit: 900
# What a micro-VM's container is made of dies at random moments: how it ended is told truthfully, and nothing is left.

load guest

ready() {
	ctr logs "$1" 2>/dev/null | grep -qx ready
}

# The host kills the launcher, whatever it does.
launcher_dies() {
	local pid
	pid=$(ctr inspect --format '{{.State.Pid}}' "$1")
	kill -KILL "$pid"
	run ctr wait "$1"
	assert_output 137
}

# Of the two processes beside it one: it goes on, and ends as it would have.
monitor_dies() {
	kill_one "$1" either
	wait_until 60 ready "$1"
	ctr exec "$1" touch /tmp/end
	run ctr wait "$1"
	assert_output 5
}

# Its kernel.
guest_dies() {
	wait_until 60 ready "$1"
	ctr exec "$1" sh -c 'echo c >/proc/sysrq-trigger' || true
	run ctr wait "$1"
	assert_output 1
	run ctr logs "$1"
	assert_output --partial 'sysrq triggered crash'
}

@test "vm: killed: its launcher, its monitor, its kernel, at random moments" {
	local rounds=4 i what kinds=(launcher monitor guest)
	[ -z "${CTR_LONG-}" ] || rounds=100
	RANDOM=${CTR_SEED:-$$}
	for ((i = 0; i < rounds; i++)); do
		what=${kinds[i % 3]}
		ctr run -d --name "kept$i" --privileged "${VM_FLAGS[@]}" busybox \
			sh -c 'echo ready; while [ ! -e /tmp/end ]; do sleep 0.1; done; exit 5'
		sleep "$((RANDOM % 8)).$((RANDOM % 10))"
		"${what}_dies" "kept$i"
		ctr rm "kept$i"
		assert_nothing_left
	done
}
