# vm: --kvm -m 3000
# limit: 1800
# long: make check-long
# The walks of containers that live on (../integration/stay.bash), word for word, with a kernel of their own.

load guest
load ../integration/stay

setup() {
	ctr_setup
	guest_setup
	CTR_FLAGS+=(--data-root "$BATS_TEST_TMPDIR/data")
	export CTR_VM_KERNEL=$KERNEL CTR_BUILD
	CTR_BIN=$BATS_TEST_DIRNAME/always
	# What is there at once without a guest has a kernel's start before it.
	TIME_SCALE=$((4 * TIME_SCALE))
}

@test "vm: stay: logs, attach, wait, stop, start, restart, kill, prune" {
	walk_life
}

@test "vm: stay: pause, rename, cp, diff, export, a volume" {
	walk_files
}

@test "vm: stay: restart policy, health check, events" {
	walk_watched
}

@test "vm: stay: kill -9 of monitor and keeper" {
	walk_killed
}
