# ctr diff: what a container changed.

load lib

started() {
	ctr create --name c1 "$@" -- sleep 1000
	ctr start c1
}

@test "diff: added, changed, deleted, as docker writes them" {
	started busybox
	run ctr diff c1
	assert_success
	assert_output ''
	ctr exec c1 sh -c 'mkdir -p /new/deep; echo a >/new/deep/f; echo b >>/etc/hosts; rm /bin/vi; chmod 700 /home; rm -r /mnt
		echo c >/root/f; rm /root/f'
	run ctr diff c1
	assert_success
	assert_output "$(printf '%s\n' 'C /bin' 'D /bin/vi' 'C /etc' 'C /etc/hosts' 'C /home' 'D /mnt' 'A /new' 'A /new/deep' 'A /new/deep/f' 'C /root')"
	run ctr diff --format json c1
	assert_success
	jq -e '.added == ["/new", "/new/deep", "/new/deep/f"] and .deleted == ["/bin/vi", "/mnt"] and
		.changed == ["/bin", "/etc", "/etc/hosts", "/home", "/root"]' <<<"$output"
	run ctr diff --format yaml c1
	assert_failure 125
	ctr rm --force c1
	assert_nothing_left
}

@test "diff: a folder made anew is changed, and what was in it is deleted" {
	mkdir -p "$BATS_TEST_TMPDIR/tree/d/e" "$BATS_TEST_TMPDIR/tree/bin"
	cp /bin/busybox "$BATS_TEST_TMPDIR/tree/bin/sh"
	cp /bin/busybox "$BATS_TEST_TMPDIR/tree/bin/sleep"
	echo x >"$BATS_TEST_TMPDIR/tree/d/one"
	echo x >"$BATS_TEST_TMPDIR/tree/d/e/two"
	echo x >"$BATS_TEST_TMPDIR/tree/kind"
	started --overlay --rootfs "$BATS_TEST_TMPDIR/tree"
	ctr cp - c1:/ < <(tar -C /etc -cf - hostname)
	ctr exec c1 sh -c 'cd /; rm -r d kind; mkdir d; echo y >d/three; mkdir kind; echo z >kind/f'
	run ctr diff c1
	assert_line 'A /hostname'
	assert_line 'C /d'
	assert_line 'D /d/one'
	assert_line 'D /d/e'
	assert_line 'A /d/three'
	assert_line 'C /kind'
	assert_line 'A /kind/f'
	refute_line --partial two
	ctr rm --force c1
	assert_nothing_left
}

@test "diff: time and size set back hide nothing; names can't forge a line" {
	started busybox
	ctr exec c1 sh -c 'touch -r /etc/passwd /tmp/stamp; sed -i s/root/toor/ /etc/passwd; touch -r /tmp/stamp /etc/passwd
		touch "/tmp/$(printf "x\nD etc")"'
	run ctr diff c1
	assert_line 'C /etc/passwd'
	assert_line 'A /tmp/x?D etc'
	refute_line 'D etc'
	ctr rm --force c1
	assert_nothing_left
}

@test "diff: in a user namespace, with mounts, and with the machine's own programs" {
	started --uidmap 0:100000:65536 --gidmap 0:100000:65536 --tmpfs /home busybox
	ctr exec c1 sh -c 'echo a >/home/f; echo b >/root/f'
	run ctr diff c1
	assert_output "$(printf '%s\n' 'C /root' 'A /root/f')"
	ctr rm --force c1
	started host
	ctr exec c1 sh -c 'echo >/usr/bin/new; rm /usr/bin/env'
	run ctr diff c1
	assert_output "$(printf '%s\n' 'C /usr/bin' 'D /usr/bin/env' 'A /usr/bin/new')"
	ctr rm --force c1
	assert_nothing_left
}

@test "diff: where nobody knows, that is said" {
	make_bundle "$BATS_TEST_TMPDIR/b"
	ctr create --name c1 --rootfs "$BATS_TEST_TMPDIR/b/rootfs" -- sleep 1000
	run ctr diff c1
	assert_failure 125
	assert_output --partial "writes into its root itself, $BATS_TEST_TMPDIR/b/rootfs"
	ctr rm --force c1
	ctr run --name c2 busybox -- true
	run ctr diff c2
	assert_failure 125
	assert_output --partial 'throw-away layer'
	ctr rm c2
	run ctr diff nothere
	assert_failure 125
	assert_nothing_left
}
