# linux.netDevices with an interface that isn't virtual, as the kernel has it: a line of SLIP, whose
# module only the test VM has. Whatever ends, it comes back to the host.
# limit: 300

load lib

setup() {
	ctr_setup
	modprobe slip
	# The interface lives as long as the terminal has this line discipline.
	python3 -c '
import fcntl, os, struct, termios, time
master, slave = os.openpty()
fcntl.ioctl(slave, termios.TIOCSETD, struct.pack("i", 1))
time.sleep(1000)' </dev/null >/dev/null 2>&1 3>&- 4>&- &
	LINE=$!
	wait_until 5 ip link show sl0
	index=$(ip -json link show sl0 | jq '.[0].ifindex')
	cd "$BATS_TEST_TMPDIR" || return
	make_bundle bundle
	edit_config bundle '.linux.netDevices = {sl0: {name: "serial0"}} | .process.args = ["sleep", "1000"]'
	snapshot_host
}

teardown() {
	kill -KILL "$LINE"
	ctr_teardown
}

# is_named NAME: the interface is here, and is called so.
is_named() {
	[ "$(ip -json link show "$1" 2>/dev/null | jq '.[0].ifindex')" = "$index" ]
}

gone() {
	! ip -o link | grep -q "^$index:"
}

@test "netdevices: at the end of a container the kernel gives an interface back, under the name that it had there" {
	oci create --bundle bundle c1
	gone
	oci start c1
	run oci exec c1 ip link show serial0
	assert_success
	oci delete --force c1
	wait_until 10 is_named serial0
	assert_nothing_left
}

@test "netdevices: ctr-oci killed in the middle of a move" {
	# Each message of ctr-net's takes a while: after the move there are some more.
	strace -qq -f -o /dev/null -e trace=sendto -e inject=sendto:delay_exit=1000000 \
		"$OCI" --root "$CTR_ROOT" create --bundle bundle c1 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	wait_until 5 gone
	pgrep -x ctr-net
	kill_hard "$(pgrep -x ctr-oci -o)" || true
	oci delete --force c1
	wait_until 10 eval 'is_named sl0 || is_named serial0'
	wait $! || true
	assert_nothing_left
}

@test "netdevices: ctr-net killed after the move: it is fetched back under its own name" {
	ip link set sl0 up
	run strace -qq -f -o /dev/null -e trace=sendto -e inject=sendto:signal=KILL:when=7 \
		"$OCI" --root "$CTR_ROOT" create --bundle bundle c1
	assert_failure
	assert_output --partial 'the interfaces are back'
	is_named sl0
	assert_nothing_left
}
