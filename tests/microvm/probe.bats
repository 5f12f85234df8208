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

# fact NAME: what the last output says of it.
fact() {
	sed -n "s/^  $1  *//p" <<<"$output"
}

@test "vm: ctr vm doctor tells what else the host has: nested, IOMMU, SR-IOV, weaknesses" {
	local sys=$BATS_TEST_TMPDIR/sys
	run "$CTR_BIN" vm doctor
	assert_equal "$(fact 'nested virtualization')" "$(sed 's/^[1Y]$/yes/; s/^[0N]$/no/' /sys/module/kvm_amd/parameters/nested)"
	assert_equal "$(fact IOMMU)" 'none: no device can be handed to a guest'
	assert_equal "$(fact SR-IOV)" 'no device'
	# The same on another machine.
	mkdir -p "$sys"/kernel/iommu_groups/{0,1,2} "$sys"/bus/pci/devices/0000:{01:00.0,02:00.0} \
		"$sys/devices/system/cpu/vulnerabilities" "$sys/module/kvm_intel/parameters"
	echo 64 >"$sys/bus/pci/devices/0000:02:00.0/sriov_totalvfs"
	echo 'Vulnerable: no microcode' >"$sys/devices/system/cpu/vulnerabilities/mds"
	echo 'Mitigation: PTI' >"$sys/devices/system/cpu/vulnerabilities/meltdown"
	echo 'Not affected' >"$sys/devices/system/cpu/vulnerabilities/retbleed"
	echo N >"$sys/module/kvm_intel/parameters/nested"
	echo Y >"$sys/module/kvm_intel/parameters/ept"
	run unshare -m sh -c 'mount --bind "$0" /sys; exec "$@"' "$sys" "$CTR_BIN" vm doctor
	assert_success
	assert_equal "$(fact 'two-level paging (EPT, NPT)')" yes
	assert_equal "$(fact 'nested virtualization')" no
	assert_equal "$(fact IOMMU)" '3 groups'
	assert_equal "$(fact SR-IOV)" '0000:02:00.0 (64 functions)'
	assert_equal "$(fact "processor's weaknesses")" 'vulnerable: mds'
	echo 'Mitigation: clear' >"$sys/devices/system/cpu/vulnerabilities/mds"
	rm -r "$sys/module"
	run unshare -m sh -c 'mount --bind "$0" /sys; exec "$@"' "$sys" "$CTR_BIN" vm doctor
	assert_equal "$(fact 'nested virtualization')" 'not known: neither kvm_intel nor kvm_amd is loaded'
	assert_equal "$(fact "processor's weaknesses")" 'all that the kernel knows of are dealt with'
	assert_nothing_left
}
