# ctr-net killed in the middle of a move: the interface comes back, or the error says where it is.

load ../integration/lib
load ../integration/netdevices

setup() {
	ctr_setup
	host=$(new_netns)
	bundle=$BATS_TEST_TMPDIR/b
	make_bundle "$bundle"
	edit_config "$bundle" '.linux.netDevices = {v0: {name: "eth0"}}'
	snapshot_host
}

teardown() {
	ctr_teardown
	kill -KILL "$host"
}

# killed_at N: ctr-oci, whose ctr-net ends at the N-th message that it sends to the kernel.
killed_at() {
	there strace -qq -f -o /dev/null -e trace=sendto -e inject=sendto:signal=KILL:when="$1" \
		"$CTR_BUILD/bin/ctr-oci" --root "$CTR_ROOT" run --bundle "$bundle" c1 3>&- 4>&-
}

@test "ctr-net: killed before any of its messages to the kernel" {
	local n before back=0
	for ((n = 1; ; n++)); do
		if gone v0; then
			wait_until 10 gone p0
			make_veth v0 p0
		fi
		before=$(look_of v0)
		run killed_at "$n"
		[ "$status" != 0 ] || break
		assert_output --partial 'move network devices: ctr-net ended with status 137 and without an answer'
		assert_nothing_left
		if [[ $output == *'the interfaces are back'* ]]; then
			assert_equal "$(look_of v0 | jq 'del(.addr_info)')" "$(jq 'del(.addr_info)' <<<"$before")"
			back=$((back + 1))
		elif [[ $output == *'what is virtual ends with'* ]]; then
			# Whoever went for it was killed as well.
			wait_until 10 here_or_gone
		else
			# It had not begun.
			assert_equal "$(look_of v0)" "$before"
		fi
		# Its addresses come and go with a move.
		there ip link del v0
	done
	[[ $n -gt 8 && $back -gt 4 ]]
}
