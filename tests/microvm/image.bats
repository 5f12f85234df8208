# vm: --kvm -m 3000
# limit: 900
# ctr run --isolation vm --rootfs IMAGE: what native-image.bats has by emulated processors, by KVM; and what only a
# machine on KVM can: its checkpoint.

load guest
load image

setup() {
	ctr_setup
	guest_setup
	images
}

@test "vm: a root that is an image: EROFS and squashfs below a throw-away layer, an ext4 that is written to" {
	local kind
	mkdir "$BATS_TEST_TMPDIR/data"
	for kind in erofs squashfs; do
		run from "$kind" -u 7:9 -v "$BATS_TEST_TMPDIR/data:/a/b" -- \
			sh -c 'cat /etc/from; id -u; echo $HOME; echo x >/tmp/x && cat /tmp/x'
		assert_success
		assert_equal "${lines[*]}" 'image 7 /home/me x'
	done
	from ext4 -- sh -c 'echo kept >/kept'
	assert_clean "$BATS_TEST_TMPDIR/ext4"
	run from ext4 --overlay -- cat /kept
	assert_output kept
	assert_nothing_left
}

@test "vm: an ext4 of a launcher that was killed is mended by the next; two can't have it" {
	ctr run -d --name one "${VM_FLAGS[@]}" --rootfs "$BATS_TEST_TMPDIR/ext4" \
		sh -c 'echo flushed >/kept; sync; echo ready; while :; do echo x >>/more; done'
	wait_until 60 said ready one
	run from ext4 -- true
	assert_failure 125
	assert_output --partial "somebody else's root now"
	kill -KILL "$(ctr inspect --format '{{.State.Pid}}' one)"
	run ctr wait one
	assert_output 137
	run from ext4 --read-only -- true
	assert_failure 125
	assert_output --partial 'was not unmounted and has to be mended first'
	run from ext4 -- cat /kept
	assert_output flushed
	assert_clean "$BATS_TEST_TMPDIR/ext4"
	ctr rm one
	assert_nothing_left
}

@test "vm: a checkpoint of one whose root is an image, its layer with it, and copies; not where it writes to it" {
	local images=$BATS_TEST_TMPDIR/checkpoint name
	ctr run -d --name one "${VM_FLAGS[@]}" --rootfs "$BATS_TEST_TMPDIR/erofs" \
		sh -c 'echo before >/tmp/f; echo ready; while :; do sleep 0.2; done'
	wait_until 60 said ready one
	ctr checkpoint --image-path "$images" one
	ctr clone --image-path "$images" copy 2
	for name in copy-1 copy-2; do
		run ctr exec "$name" sh -c "cat /tmp/f /etc/from; echo $name >/tmp/f; cat /tmp/f"
		assert_equal "${lines[*]}" "before image $name"
	done
	assert_equal "$(ctr exec copy-1 cat /tmp/f)" copy-1
	ctr rm --force copy-1 copy-2
	(exec 3>&-; ctr restore --detach --image-path "$images" one >/dev/null </dev/null)
	assert_equal "$(ctr exec one cat /tmp/f)" before
	ctr rm --force one
	ctr run -d --name two "${VM_FLAGS[@]}" --rootfs "$BATS_TEST_TMPDIR/ext4" sh -c 'echo ready; sleep 1000'
	wait_until 60 said ready two
	run ctr checkpoint --image-path "$BATS_TEST_TMPDIR/refused" two
	assert_failure
	assert_output --partial "a container that writes to its image, $BATS_TEST_TMPDIR/ext4, can't be checkpointed"
	ctr exec two true
	ctr rm --force two
	assert_nothing_left
}
