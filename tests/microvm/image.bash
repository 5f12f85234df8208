# Roots that are images: `load image` after lib.

# image_tree DIR: what a container can live in: one busybox, an account "me", and mount points for the usual.
image_tree() {
	local word
	mkdir -p "$1"/bin "$1"/etc "$1"/home/me "$1"/proc "$1"/sys "$1"/dev "$1"/tmp
	chmod 1777 "$1/tmp"
	for word in $(busybox --list); do
		ln -sf busybox "$1/bin/$word"
	done
	rm -f "$1/bin/busybox"
	cp "$(command -v busybox)" "$1/bin/busybox"
	echo 'root:x:0:0::/root:/bin/sh
me:x:7:8::/home/me:/bin/sh' >"$1/etc/passwd"
	echo image >"$1/etc/from"
}

# images: erofs, squashfs and ext4, in the test's own folder.
images() {
	local tree=$BATS_TEST_TMPDIR/tree
	image_tree "$tree"
	mkfs.erofs -zlz4 "$BATS_TEST_TMPDIR/erofs" "$tree" >/dev/null
	mksquashfs "$tree" "$BATS_TEST_TMPDIR/squashfs" -quiet -no-progress >/dev/null
	truncate -s 32M "$BATS_TEST_TMPDIR/ext4"
	mke2fs -q -t ext4 -d "$tree" "$BATS_TEST_TMPDIR/ext4"
}

# from IMAGE [FLAG]... -- COMMAND...: run it in one of these, as VM_FLAGS say.
from() {
	local flags=()
	while [ "$1" != -- ]; do
		flags+=("$1")
		shift
	done
	ctr run --rm "${VM_FLAGS[@]}" --rootfs "$BATS_TEST_TMPDIR/${flags[0]}" "${flags[@]:1}" "$@"
}

# assert_clean IMAGE: an ext4 that was unmounted, and has no fault.
assert_clean() {
	run dumpe2fs -h "$1"
	assert_line --regexp '^Filesystem state: +clean$'
	refute_output --partial needs_recovery
	e2fsck -fn "$1" >/dev/null
}
