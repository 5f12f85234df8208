# limit: 600
# build: tests/vm/6.12
# A kernel of its own for a container of an ordinary user's: emulated, so this needs no KVM and no test VM.

bats_require_minimum_version 1.5.0
load ../integration/lib
load emulated
load ../integration/rootless
load ../integration/netdevices

setup_file() {
	rootless_setup_file
	emulated_kernel
	# As udev makes it.
	mknod -m 666 "$BATS_FILE_TMPDIR/tun" c 10 200
	mount --bind "$BATS_FILE_TMPDIR/tun" /dev/net/tun
}

teardown_file() {
	umount /dev/net/tun
	rootless_teardown_file
}

@test "rootless: a kernel of its own: root there is the user here, and exec, stats, rm are as with any" {
	mkdir "$HOME_DIR/vol"
	chown $ME:$ME "$HOME_DIR/vol"
	as_user run -d --name c1 --isolation emulated --kernel "$CTR_KERNEL" -v "$HOME_DIR/vol:/v" busybox -- \
		sh -c 'touch /v/a; chown 33 /v/a; echo ready; sleep 1000'
	wait_until 120 eval 'as_user logs c1 | grep -qx ready'
	assert_equal "$(stat -c %u "$HOME_DIR/vol/a")" 700032
	run as_user exec c1 sh -c 'id -u; uname -r'
	assert_line 0
	refute_line "$(uname -r)"
	run as_user stats --no-stream --format '{{.Name}} {{.PIDs}}' c1
	assert_output --regexp '^c1 [1-9]'
	as_user rm --force c1
	rm -r "$HOME_DIR/vol"
	assert_nothing_left
}

@test "rootless: a kernel of its own: the network that somebody has put into its namespace" {
	local host pid
	host=$(new_netns)
	as_user create --name c1 --isolation emulated --kernel "$CTR_KERNEL" busybox -- \
		sh -c 'cat /sys/class/net/eth7/address; nc 10.9.0.1 77 </dev/zero | head -c 3000001 | md5sum'
	pid=$(as_user inspect --format '{{.State.Pid}}' c1)
	there ip link add w0 type veth peer name eth7 netns "$pid"
	there ip addr add 10.9.0.1/24 dev w0
	there ip link set w0 up
	nsenter --net="/proc/$pid/ns/net" sh -c 'ip link set eth7 address 02:11:22:33:44:55 up; ip addr add 10.9.0.2/24 dev eth7'
	head -c 3000001 /dev/urandom >"$BATS_TEST_TMPDIR/big"
	there busybox nc -l -p 77 <"$BATS_TEST_TMPDIR/big" >/dev/null 3>&- &
	BACKGROUND+=("$!")
	run as_user start --attach c1
	assert_success
	assert_line 02:11:22:33:44:55
	assert_line "$(md5sum <"$BATS_TEST_TMPDIR/big")"
	as_user rm c1
	kill "$host"
	assert_nothing_left
}
