# Calls that older kernels don't have: there is another way, or the error says what is missing.

load ../integration/lib
load faults

# without CALL ARG...: ctr where this call is answered with ENOSYS, always
without() {
	local call=$1
	shift
	run timeout 20 strace -f -qq -o /dev/null -e inject="$call":error=ENOSYS "$CTR_BIN" "${CTR_FLAGS[@]}" "$@" 3>&-
}

@test "old kernels: without openat2 paths are walked" {
	without openat2 run --rm --tmpfs /a/b/c busybox sh -c 'echo works'
	assert_success
	assert_output works
	assert_nothing_left
}

@test "old kernels: without close_range" {
	without close_range run --rm busybox sh -c 'echo works'
	assert_success
	assert_output works
	assert_nothing_left
}

@test "old kernels: what can't be done without says which call or kernel it needs" {
	local call
	for call in clone3 open_tree move_mount; do
		without $call run --rm busybox true
		assert_failure 125
		assert_output --partial 'ctr: run:'
		clean_up $call
	done
}

@test "old kernels: without pidfd_open, mount_setattr, faccessat2, statx" {
	local call
	for call in pidfd_open mount_setattr faccessat2 statx; do
		without $call run --rm busybox sh -c 'echo works'
		[[ $status -eq 0 && $output == works || $status -eq 125 && $output == *ctr:* ]] || fail "$call: $status: $output"
		clean_up $call
	done
}
