# The files of a container with a kernel of its own, from outside: `load outside` after lib.

# from_outside NAME: cp both ways, diff and export of one that has made /made; what it has is in the file "list".
from_outside() {
	echo outside >"$BATS_TEST_TMPDIR/f"
	ctr cp "$BATS_TEST_TMPDIR/f" "$1:/root/f"
	run ctr exec "$1" cat /root/f
	assert_output outside
	# The guest has just seen that it's shorter.
	echo 'outside, and more' >"$BATS_TEST_TMPDIR/f"
	ctr cp "$BATS_TEST_TMPDIR/f" "$1:/root/f"
	run ctr exec "$1" cat /root/f
	assert_output 'outside, and more'
	run ctr cp "$BATS_TEST_TMPDIR/f" "$1:/dev/shm/f"
	assert_failure 125
	assert_output --partial "$1:/dev/shm/f: /dev/shm is mounted inside of the guest (tmpfs)"
	run ctr cp "$1:/proc/version" "$BATS_TEST_TMPDIR/version"
	assert_failure 125
	assert_output --partial '/proc is mounted inside of the guest (proc)'
	ctr cp "$1:/made" "$BATS_TEST_TMPDIR/made"
	assert_equal "$(cat "$BATS_TEST_TMPDIR/made")" made
	run ctr diff "$1"
	assert_line 'A /made'
	ctr export "$1" | tar -tf - >"$BATS_TEST_TMPDIR/list"
	grep -qx 'made' "$BATS_TEST_TMPDIR/list"
}
