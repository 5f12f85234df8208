# vm: --kvm -m 3000 -k 6.1
# long: make check-long
# limit: 600
# Debian's 6.1 on both sides, with nested paging and with shadow page tables.

load guest

# a_life NPT: a container's, as far as its machine has a part in it.
a_life() {
	rmmod kvm_amd
	modprobe kvm_amd npt="$1"
	assert_equal "$(cat /sys/module/kvm_amd/parameters/npt)" "$([ "$1" = 1 ] && echo Y || echo N)"
	ctr run -d --name web "${VM_FLAGS[@]}" -v "$BATS_TEST_TMPDIR/data:/data" busybox \
		sh -c 'trap "echo end; exit 5" TERM; uname -r; while :; do sleep 0.1; done'
	wait_until 40 eval '[ "$(ctr logs web)" = "$(uname -r)" ]'
	run ctr exec web sh -c 'seq 100000 >/data/many; md5sum </data/many; exit 3'
	assert_failure 3
	assert_output "$(md5sum <"$BATS_TEST_TMPDIR/data/many")"
	ctr pause web
	ctr resume web
	ctr stop --time 60 web
	assert_equal "$(ctr wait web) $(ctr logs --tail 1 web)" '5 end'
	ctr rm web
	rm "$BATS_TEST_TMPDIR/data/many"
}

@test "vm: a container's life in a guest by Linux 6.1, npt=1 and npt=0" {
	mkdir "$BATS_TEST_TMPDIR/data"
	a_life 0
	a_life 1
	assert_nothing_left
}
