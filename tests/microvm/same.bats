# vm: --kvm -m 3000
# limit: 7200
# long: make check-long
# The integration tests of run, create, exec, attach, logs, stats and cp, word for word, with a kernel of its own for each
# container. Those tagged one-kernel look at what only a process of the host's has; ctr-run(1) says what a micro-VM has.
# Those tagged mapped-root want ids mapped where the machine's root is, which an overlay, as the test VM has, can't: there
# they fail with any kernel.

load guest

setup() {
	ctr_setup
	guest_setup
	# For interfaces in a container's network.
	modprobe tun
}

# same NAME...: tests/integration/NAME.bats
same() {
	local name
	for name; do
		CTR_BIN=$BATS_TEST_DIRNAME/always CTR_VM_KERNEL=$KERNEL CTR_SLOWER=4 \
			bats --tap --filter-tags '!one-kernel,!mapped-root' "$REPO/tests/integration/$name.bats" 3>&- 4>&- ||
			fail "$name.bats"
	done
}

@test "vm: same: run" {
	same command process
}

@test "vm: same: create, start, exec, kill, stop" {
	same life
}

@test "vm: same: what stays, attach, wait, restart" {
	same monitor
}

@test "vm: same: terminals" {
	same terminal
}

@test "vm: same: logs" {
	same logs
}

@test "vm: same: stats" {
	same stats
}

@test "vm: same: cp" {
	same cp
}
