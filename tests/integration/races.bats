# Two programs of ours at one container: each ends well, whoever is first.

load lib

@test "races: rm --force of a container that a foreground run serves" {
	local i status
	for ((i = 0; i < 40; i++)); do
		ctr_background run --name c1 busybox -- sleep 1000
		wait_until 10 state_is c1 running
		run ctr rm --force c1
		assert_success
		status=0
		wait "$ctr_pid" || status=$?
		assert_equal "$status" 137
		assert_equal "$(cat "$ctr_out")" ''
	done
	assert_nothing_left
}

@test "races: a foreground run whose container was removed leaves the next one of that name alone" {
	ctr_background run --rm --name c1 busybox -- sleep 1000
	wait_until 10 state_is c1 running
	# While it can't notice the end, its name goes to another container.
	kill -STOP "$ctr_pid"
	ctr rm --force c1
	ctr create --name c1 busybox -- sleep 1000
	kill -CONT "$ctr_pid"
	wait "$ctr_pid" || true
	assert_equal "$(cat "$ctr_out")" ''
	state_is c1 created
	ctr rm --force c1
	assert_nothing_left
}

@test "races: many remove one container" {
	local i pids=() pid
	for ((i = 0; i < 10; i++)); do
		ctr create --name c1 busybox -- sleep 1000
		pids=()
		for _ in 1 2 3 4 5; do
			ctr rm --force c1 &
			pids+=($!)
		done
		for pid in "${pids[@]}"; do
			wait "$pid"
		done
	done
	assert_nothing_left
}
