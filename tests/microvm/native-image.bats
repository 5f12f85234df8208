# limit: 900
# build: tests/vm/6.12
# ctr run --rootfs IMAGE: a container with a kernel of its own whose files are on a disk. By emulated processors, which
# need no test VM; image.bats has the same by KVM, and what only that can.

bats_require_minimum_version 1.5.0
load ../integration/lib
load emulated
load image

setup() {
	ctr_setup
	VM_FLAGS=(--isolation emulated --kernel "$CTR_KERNEL")
	images
}

@test "emulated: an image that can't be written to has a throw-away layer above it, or is read-only" {
	local kind before
	for kind in erofs squashfs; do
		before=$(sha256sum <"$BATS_TEST_TMPDIR/$kind")
		run from "$kind" -u 7:9 -- sh -c 'cat /etc/from; id -u; id -g; echo $HOME; echo x >/tmp/x && cat /tmp/x; grep " / " /proc/mounts'
		assert_success
		assert_equal "${lines[*]:0:5}" 'image 7 9 /home/me x'
		assert_line --partial 'overlay / overlay rw'
		assert_equal "$(sha256sum <"$BATS_TEST_TMPDIR/$kind")" "$before"
	done
	run from erofs --read-only -- sh -c 'echo x >/tmp/x; cat /etc/from'
	assert_success
	assert_output --partial 'Read-only file system'
	assert_line image
	assert_nothing_left
}

@test "emulated: an ext4 keeps what was written, is one container's alone, and clean when that has ended" {
	ctr run -d --name one "${VM_FLAGS[@]}" --rootfs "$BATS_TEST_TMPDIR/ext4" sh -c 'trap "exit 3" TERM
		echo first >>/kept; echo ready; while :; do sleep 0.1; done' >/dev/null
	wait_until 120 said ready one
	run from ext4 -- true
	assert_failure 125
	assert_output --partial "the image $BATS_TEST_TMPDIR/ext4 is somebody else's root now"
	run from ext4 --overlay -- true
	assert_failure 125
	assert_output --partial "somebody else's root now"
	run ctr exec -u 7 one sh -c 'id -u; echo $HOME; cat /kept'
	assert_equal "${lines[*]}" '7 /home/me first'
	ctr stop --time 60 one
	assert_equal "$(ctr inspect --format '{{.State.ExitCode}}' one)" 3
	assert_clean "$BATS_TEST_TMPDIR/ext4"
	ctr start one
	wait_until 120 eval '[ "$(ctr logs one | grep -cx ready)" = 2 ]'
	ctr rm --force one
	# It was killed: what it had written, but not flushed, may be lost, and nothing else.
	run from ext4 --overlay -- true
	if [ "$status" != 0 ]; then
		assert_output --partial 'was not unmounted'
		from ext4 -- true
	fi
	run from ext4 --overlay -- sh -c 'head -n 1 /kept; echo lost >/lost; ls /lost'
	assert_equal "${lines[*]}" 'first /lost'
	run from ext4 --read-only -- sh -c 'ls /lost; echo x >/x'
	assert_failure
	assert_output --partial 'No such file'
	assert_output --partial 'Read-only file system'
	assert_clean "$BATS_TEST_TMPDIR/ext4"
	assert_nothing_left
}

@test "emulated: volumes in an image: folders, files, one in another, read-only, at a place of /dev" {
	local dir=$BATS_TEST_TMPDIR/dir
	mkdir -p "$dir" "$BATS_TEST_TMPDIR/inner"
	echo host >"$dir/f"
	echo inner >"$BATS_TEST_TMPDIR/inner/f"
	run from erofs -v "$dir:/made/here" -v "$BATS_TEST_TMPDIR/inner:/made/here/in:ro" -v "$dir/f:/etc/from" \
		-v "$dir:/dev/dir:ro" --tmpfs /scratch -- sh -c 'cat /made/here/f /made/here/in/f /etc/from /dev/dir/f
		echo new >/made/here/new; touch /made/here/in/x; touch /dev/dir/x; touch /scratch/x; ls /scratch'
	assert_success
	assert_equal "$(grep -v 'touch: ' <<<"$output" | tr '\n' ' ')" 'host inner host host x '
	assert_equal "$(grep -c 'Read-only file system' <<<"$output")" 2
	assert_equal "$(cat "$dir/new")" new
	assert_nothing_left
}

@test "emulated: what an image can't be, or isn't, is said; its files are not for cp, diff and export" {
	local word
	run ctr run --rm --rootfs "$BATS_TEST_TMPDIR/erofs" true
	assert_failure 125
	assert_output --partial 'is not a folder; as an image it can be the root of a container with a kernel of its own (--isolation vm)'
	truncate -s 1M "$BATS_TEST_TMPDIR/zeros"
	run from zeros -- true
	assert_failure 125
	assert_output --partial 'EROFS, squashfs and ext4 are'
	: >"$BATS_TEST_TMPDIR/empty"
	run from empty -- true
	assert_failure 125
	run from nothere -- true
	assert_failure 125
	assert_output --partial 'nothere: No such file'
	run from erofs -u me -- true
	assert_failure 125
	assert_output --partial '--user me: "me" is a name'
	run from erofs --group-add me -- true
	assert_failure 125
	assert_output --partial '--group-add: "me" is a name'
	# Its first half alone: the guest's kernel has to find out.
	head -c 8192 "$BATS_TEST_TMPDIR/ext4" >"$BATS_TEST_TMPDIR/half"
	run from half -- true
	assert_failure 125
	assert_output --partial 'mount the image (ext4)'
	ctr create --name made "${VM_FLAGS[@]}" --rootfs "$BATS_TEST_TMPDIR/erofs" true >/dev/null
	for word in 'cp made:/etc/from .' 'diff made' 'export made'; do
		# shellcheck disable=SC2086
		run ctr $word
		assert_failure 125
		assert_output --partial "has its files in an image, $BATS_TEST_TMPDIR/erofs, which only its guest reads"
	done
	run ctr checkpoint --image-path "$BATS_TEST_TMPDIR/images" made
	assert_failure
	ctr rm --force made
	assert_nothing_left
}

@test "emulated: a bundle whose root.path is an image, by the plug-in" {
	make_bundle "$BATS_TEST_TMPDIR/b"
	mv "$BATS_TEST_TMPDIR/squashfs" "$BATS_TEST_TMPDIR/b/root.img"
	edit_config "$BATS_TEST_TMPDIR/b" '.root = {path: "root.img", readonly: true} | .process.args = ["cat", "/etc/from"]
		| .annotations["dev.ctr.isolation"] = "emulated" | .vm = {kernel: {path: env.CTR_KERNEL}}'
	run oci run --bundle "$BATS_TEST_TMPDIR/b" one
	assert_success
	assert_output image
	run oci state one
	assert_failure
	assert_nothing_left
}
