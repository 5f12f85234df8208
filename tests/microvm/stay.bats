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
	# Not how often at most: that counts lives shorter than ten seconds, which a kernel's start takes in here.
	ctr run -d --name c1 --restart on-failure:2 busybox sh -c 'exit 3'
	wait_until 20 eval '[ "$(field c1 "{{.RestartCount}}")" -ge 2 ]'
	ctr stop --time 0 c1
	assert_equal "$(ctr events --no-stream --filter container=c1 --filter event=die --format '{{.ContainerExitCode}}' | head -n 2 | tr '\n' ' ')" \
		'3 3 '
	ctr rm c1
	walk_health
}

@test "vm: stay: kill -9 of monitor and keeper" {
	walk_killed
}
