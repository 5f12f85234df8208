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

# ---- the plug-in, and all that comes of it -------------------------------------------

# life CALL[,CALL...]: a container's whole life without these, for as far as it goes. What is said goes
# into the file said.
life() {
	local old=("$CTR_BUILD/tests/helpers/without" "$1" "$OCI" --root "$CTR_ROOT")
	"${old[@]}" create --bundle bundle c1 &&
		"${old[@]}" start c1 &&
		[ "$("${old[@]}" exec c1 echo works)" = works ] &&
		"${old[@]}" pause c1 && "${old[@]}" resume c1 &&
		"${old[@]}" kill c1 KILL && wait_until 5 is_stopped "${old[@]}" &&
		"${old[@]}" delete c1
} >said 2>&1 </dev/null 3>&-

is_stopped() {
	[ "$("$@" state c1 | jq -r .status)" = stopped ]
}

bundle() {
	cd "$BATS_TEST_TMPDIR" || return
	make_bundle bundle
	edit_config bundle '.process.args = ["sleep", "1000"]'
	snapshot_host
}

@test "old kernels: ctr-oci has another way" {
	local calls
	bundle
	# 467: open_tree_attr, of Linux 6.15. A sanitized program is guarded by execveat alone.
	for calls in openat2 close_range faccessat2 467 statx memfd_create ${CTR_SAN:-execveat} openat2,close_range,faccessat2,467; do
		[ "$calls" != "$CTR_SAN" ] || continue
		life $calls || fail "$calls: $(<said)"
		assert_nothing_left
	done
}

@test "old kernels: ctr-oci says which kernel it needs" {
	local call
	bundle
	for call in clone3 mount_setattr open_tree,467 move_mount fsopen fsmount pidfd_open pidfd_send_signal; do
		! life $call || fail "$call is not used any more"
		grep -q 'Linux [0-9.]* or newer' said || fail "$call: $(<said)"
		oci delete --force c1
		assert_nothing_left
	done
}

@test "old kernels: a process that can't be looked at is not one that has ended" {
	bundle
	oci create --bundle bundle c1 >/dev/null 2>&1
	oci start c1
	run "$CTR_BUILD/tests/helpers/without" pidfd_open "$OCI" --root "$CTR_ROOT" delete c1
	assert_failure 1
	assert_output --partial 'Linux'
	run oci state c1
	assert_output --partial running
	oci delete --force c1
	assert_nothing_left
}
