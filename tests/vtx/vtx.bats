# limit: 1800
# long: make check-vtx
# A guest of ctr-vm's on VT-x, which nothing else here has: Bochs emulates it (tests/vtx/run).

bats_require_minimum_version 1.5.0
load ../integration/lib

# boots EPT: into $output, without the carriage returns of serial ports.
boots() {
	command -v bochs >/dev/null || fail 'there is no bochs: make check-vtx installs what this needs'
	mkdir "$BATS_TEST_TMPDIR/work"
	run --separate-stderr "$REPO/tests/vtx/run" "$1" "$BATS_TEST_TMPDIR/work" 3>&-
	printf '%s\n' "$output" "$stderr"
	assert_success
}

# guest_ran EPT: what a machine with VT-x says that has booted one.
guest_ran() {
	local probe yes=no
	[ "$1" = Y ] && yes=yes
	assert_line "ept: $1"
	probe=$(sed -n 's/^probe: //p' <<<"$output")
	assert_equal "$(jq -c '[.usable, .reasons, (.checks | length), ([.checks[] | select(.ok | not)] | length)]' \
		<<<"$probe")" '[true,[],11,0]'
	assert_equal "$(jq -c '[.host[].value] | map(select(. == "VT-x")) | length' <<<"$probe")" 1
	assert_equal "$(jq -r '.host[] | select(.name | test("EPT")).value' <<<"$probe")" "$yes"
	assert_line --regexp '^guest: 6\.12\.'
	assert_line 'hidden: 0'
	assert_line 'hypervisor: 1'
	assert_line 'verdict: 0'
}

@test "vtx: with EPT the probe finds all it asks for, Debian's kernel boots, and its init powers it off" {
	boots 1
	guest_ran Y
}

@test "vtx: with shadow page tables (ept=0), too" {
	boots 0
	guest_ran N
}
