# Many containers, and killed programs: nothing that nobody owns stays.

load lib

count() { if [ "${CTR_LONG-}" ]; then echo "$1"; else echo "$2"; fi; }

@test "leftovers: many in sequence" {
	for ((i = 0; i < $(count 3000 500); i++)); do
		ctr run --rm busybox -- true
	done
	assert_nothing_left
}

@test "leftovers: many at once" {
	local pids=() pid
	for ((i = 0; i < $(count 300 100); i++)); do
		ctr run --rm busybox -- true 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	assert_nothing_left
}

@test "leftovers: kill -9 of ctr at random moments" {
	local i
	for ((i = 0; i < $(count 500 60); i++)); do
		"$CTR_BIN" --root "$CTR_ROOT" run --name "k$i" busybox -- sleep 1000 >/dev/null 2>&1 3>&- &
		sleep "0.00$((RANDOM % 10))$((RANDOM % 10))"
		kill -9 $! 2>/dev/null || true
		wait $! 2>/dev/null || true
	done
	wait_until 20 all_removed
	assert_nothing_left
}
