# ctr export: the file tree of a container as an archive.

load lib

@test "export: a running container's own tree, without what is mounted in it" {
	local tar=$BATS_TEST_TMPDIR/e.tar
	mkdir "$BATS_TEST_TMPDIR/vol"
	echo outer >"$BATS_TEST_TMPDIR/vol/outer"
	ctr create --name c1 --volume "$BATS_TEST_TMPDIR/vol:/vol" --tmpfs /data busybox -- sleep 1000
	ctr start c1
	ctr exec c1 sh -c 'echo new >/root/new; rm /etc/shells; echo gone >/data/gone; mkfifo /root/pipe'
	ctr export c1 >"$tar"
	run tar -tf "$tar"
	assert_success
	assert_line root/new
	assert_line root/pipe
	assert_line bin/busybox
	assert_line vol/
	assert_line proc/
	refute_line --partial outer
	refute_line --partial gone
	refute_line etc/shells
	refute_line --regexp '^(proc|sys|dev)/.'
	assert_equal "$(tar -xOf "$tar" root/new)" new
	# It is a tree that runs.
	mkdir "$BATS_TEST_TMPDIR/tree"
	tar -C "$BATS_TEST_TMPDIR/tree" -xf "$tar"
	run ctr run --rm --rootfs "$BATS_TEST_TMPDIR/tree" -- cat /root/new
	assert_output new
	ctr rm --force c1
	assert_nothing_left
}

@test "export: a stopped one with a root of its own; not one whose root is gone" {
	make_bundle "$BATS_TEST_TMPDIR/b"
	ctr run --name c1 --bundle "$BATS_TEST_TMPDIR/b"
	ctr export --output "$BATS_TEST_TMPDIR/e.tar" c1
	run tar -tf "$BATS_TEST_TMPDIR/e.tar"
	assert_line etc/passwd
	assert_equal "$(stat -c %a "$BATS_TEST_TMPDIR/e.tar")" 600
	ctr rm c1
	ctr run --name c2 busybox -- true
	echo before >"$BATS_TEST_TMPDIR/kept.tar"
	run ctr export -o "$BATS_TEST_TMPDIR/kept.tar" c2
	assert_failure 125
	assert_output --partial 'throw-away layer'
	assert_equal "$(cat "$BATS_TEST_TMPDIR/kept.tar")" before
	ctr rm c2
	run ctr export c2
	assert_failure 125
	assert_output --partial 'does not exist'
	assert_nothing_left
}

@test "export: a terminal is refused" {
	ctr create --name c1 busybox -- sleep 1000
	run in_tty "$CTR_BIN" "${CTR_FLAGS[@]}" export c1
	assert_failure 125
	assert_output --partial 'refusing to save to a terminal'
	run in_tty "$CTR_BIN" "${CTR_FLAGS[@]}" export --output /dev/null c1
	assert_success
	ctr rm --force c1
	assert_nothing_left
}

@test "export: a broken pipe and a full disk are failures, and leave no file" {
	mkdir "$BATS_TEST_TMPDIR/full"
	mount -t tmpfs -o size=64k none "$BATS_TEST_TMPDIR/full"
	ctr create --name c1 busybox -- sleep 1000
	ctr start c1
	run ctr export -o "$BATS_TEST_TMPDIR/full/e.tar" c1
	assert_failure 125
	assert_output --partial 'No space left on device'
	[ -z "$(ls "$BATS_TEST_TMPDIR/full")" ]
	umount "$BATS_TEST_TMPDIR/full"
	run bash -c "$(printf '%q ' "$CTR_BIN" "${CTR_FLAGS[@]}") export c1 | true; exit \${PIPESTATUS[0]}"
	assert_failure 125
	ctr rm --force c1
	assert_nothing_left
}
