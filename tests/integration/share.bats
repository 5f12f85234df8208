# What containers share with each other when they are asked to.

load lib

@test "share: --ipc container:NAME shares queues, segments and /dev/shm" {
	ctr create --name c1 --shm-size 1m busybox -- sh -c 'echo word >/dev/shm/said; sleep 1000'
	ctr start c1
	wait_until 5 ctr exec c1 test -s /dev/shm/said
	run ctr run --rm --ipc container:c1 busybox -- sh -c 'cat /dev/shm/said; readlink /proc/self/ns/ipc; echo back >/dev/shm/answer'
	assert_success
	assert_line word
	assert_line "$(ctr exec c1 readlink /proc/self/ns/ipc)"
	run ctr exec c1 cat /dev/shm/answer
	assert_output back
	ctr rm --force c1
	assert_nothing_left
}

@test "share: another's /dev/shm is looked up in its own root" {
	make_bundle "$BATS_TEST_TMPDIR/b"
	# No /dev/shm of its own, and a link in its place that points at a folder of the host's.
	edit_config "$BATS_TEST_TMPDIR/b" '.mounts |= map(select(.destination != "/dev/shm")) | .process.args = ["sleep", "1000"]'
	ctr create --name c1 --bundle "$BATS_TEST_TMPDIR/b"
	ctr start c1
	ctr exec c1 sh -c 'rm -rf /dev/shm; ln -s /run /dev/shm'
	run ctr run --rm --ipc container:c1 busybox -- ls /dev/shm
	assert_failure 125
	assert_output --partial '/dev/shm'
	ctr rm --force c1
	assert_nothing_left
}

@test "share: a bind of /proc/PID/root/... is what that process has there" {
	local pid
	ctr create --name c1 --tmpfs /data busybox -- sh -c 'echo inner >/data/f; sleep 1000'
	ctr start c1
	wait_until 5 ctr exec c1 test -s /data/f
	pid=$(ctr inspect c1 | jq '.[0].State.Pid')
	run ctr run --rm --volume "/proc/$pid/root/data:/there:ro" busybox -- cat /there/f
	assert_output inner
	ctr rm --force c1
	assert_nothing_left
}
