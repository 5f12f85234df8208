# vm: --kvm
# limit: 300
# What a host can do, found out by trying.

load guest

usable() {
	run "$VM" --probe
	assert_success
	assert_equal "$(jq -c '[.usable, .reasons, ([.checks[] | select(.ok | not)] | length)]' <<<"$output")" '[true,[],0]'
	assert_equal "$(jq '.checks | length' <<<"$output")" 11
}

@test "vm: --probe finds AMD-V usable, with and without nested paging" {
	usable
	[[ $output == *'"value":"AMD-V"'* ]]
	assert_equal "$(jq -r '.host[] | select(.name | test("NPT")).value' <<<"$output")" yes
	rmmod kvm_amd
	modprobe kvm_amd npt=0
	usable
	assert_equal "$(jq -r '.host[] | select(.name | test("NPT")).value' <<<"$output")" no
	rmmod kvm_amd
	modprobe kvm_amd
	assert_nothing_left
}

@test "vm: --probe says why there is no usable device, and what to do" {
	run unshare -m sh -c 'mount --bind /dev/null /dev/kvm; exec "$@"' sh "$VM" --probe
	assert_failure 1
	[[ $(jq -r '.reasons[]' <<<"$output") =~ ^'/dev/kvm does not answer as KVM does: ' ]]
	run unshare -m sh -c 'mount -t tmpfs none /dev; exec "$@"' sh "$VM" --probe
	assert_failure 1
	[[ $(jq -r '.reasons[]' <<<"$output") =~ 'load kvm_intel or kvm_amd' ]]
	[[ $output == *'"value":"there is no /dev/kvm"'* ]]
}

@test "vm: ctr vm doctor shows what was found, and its status says it" {
	run "$CTR_BIN" vm doctor
	assert_success
	[[ ${lines[0]} == 'Machines of their own on this host: usable' ]]
	assert_equal "$(grep -c '^  ok ' <<<"$output")" 11
	run "$CTR_BIN" vm doctor --format '{{.usable}} {{len .reasons}}'
	assert_success
	assert_output 'true 0'
	run unshare -m sh -c 'mount --bind /dev/null /dev/kvm; exec "$@"' sh "$CTR_BIN" vm doctor
	assert_failure 1
	[[ ${lines[0]} == *': not usable' ]]
	[[ ${lines[1]} == '/dev/kvm does not answer as KVM does: '* ]]
	[[ $output =~ 'FAILED KVM has what ctr-vm needs: ' ]]
	run unshare -m sh -c 'mount --bind /dev/null /dev/kvm; exec "$@"' sh "$CTR_BIN" vm doctor --format json
	assert_failure 1
	assert_equal "$(jq -c .usable <<<"$output")" false
	assert_nothing_left
}
