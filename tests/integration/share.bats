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

# in_those BUNDLE KIND=PID...: these namespaces are that process's; others are made.
in_those() {
	local bundle=$1 pair
	cp "$BATS_TEST_TMPDIR/one/config.json" "$bundle/config.json"
	for pair in "${@:2}"; do
		edit_config "$bundle" --arg kind "${pair%=*}" --arg path "/proc/${pair#*=}/ns/$(sed 's/network/net/' <<<"${pair%=*}")" '
			.linux.namespaces |= (map(select(.type != $kind)) + [{type: $kind, path: $path}])'
	done
	edit_config "$bundle" '.linux |= del(.uidMappings, .gidMappings)'
}

@test "share: root joins a user namespace by its path, and others inside and outside of it" {
	local one=$BATS_TEST_TMPDIR/one two=$BATS_TEST_TMPDIR/two pid plain kind
	make_bundle "$one"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	edit_config "$one" '.process.args = ["sleep", "1000"] | .linux.namespaces += [{type: "user"}] |
		.linux |= (.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .gidMappings = .uidMappings)'
	mkdir "$two"
	ln -s ../one/rootfs "$two/rootfs"
	ctr create --name c1 --bundle "$one"
	ctr start c1
	ctr create --name c3 busybox -- sleep 1000
	ctr start c3
	pid=$(ctr inspect c1 | jq '.[0].State.Pid') plain=$(ctr inspect c3 | jq '.[0].State.Pid')
	in_those "$two" "user=$pid" "network=$pid" "ipc=$pid" "uts=$pid" "pid=$pid"
	ctr create --name c2 --bundle "$two"
	ctr start c2
	for kind in user net ipc uts pid; do
		assert_equal "$(ctr exec c2 readlink /proc/self/ns/$kind)" "$(ctr exec c1 readlink /proc/self/ns/$kind)"
	done
	run ctr exec c2 sed 's/ \+/ /g' /proc/self/uid_map
	assert_output ' 0 100000 65536'
	[ "$(ctr exec c2 readlink /proc/self/ns/mnt)" != "$(ctr exec c1 readlink /proc/self/ns/mnt)" ]
	ctr rm --force c2
	# The network of a container that knows nothing of that user namespace: no sysfs shows it in there.
	in_those "$two" "user=$pid" "network=$plain"
	edit_config "$two" '.mounts |= map(select(.destination | startswith("/sys") | not))'
	ctr create --name c2 --bundle "$two"
	ctr start c2
	assert_equal "$(ctr exec c2 readlink /proc/self/ns/net)" "$(ctr exec c3 readlink /proc/self/ns/net)"
	assert_equal "$(ctr exec c2 readlink /proc/self/ns/user)" "$(ctr exec c1 readlink /proc/self/ns/user)"
	ctr rm --force c1
	ctr rm --force c2
	ctr rm --force c3
	assert_nothing_left
}
