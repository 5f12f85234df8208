# vm: --kvm -m 3000
# limit: 600
# The network of a container in a micro-VM is what its network namespace has when it is started.

load guest
load ../integration/netdevices

setup() {
	ctr_setup
	guest_setup
	modprobe tun
	host=$(new_netns)
	# It is the test's, not what one leaves behind.
	snapshot_host
	make_bundle "$BATS_TEST_TMPDIR/b"
	edit_config "$BATS_TEST_TMPDIR/b" ".vm = {kernel: {path: \"$KERNEL\"}} |
		.process.capabilities |= with_entries(.value += [\"CAP_NET_RAW\"])"
}

teardown() {
	ctr_teardown
	kill -KILL "$host" || true
	rm -rf "$BATS_TEST_TMPDIR/b"
}

# runs SCRIPT: what the bundle's process does.
runs() {
	edit_config "$BATS_TEST_TMPDIR/b" ".process.args = [\"sh\", \"-c\", $(jq -n --arg s "$1" '$s')]"
}

oci_vm() {
	"$CTR_BUILD/bin/ctr-oci-vm" --root "$CTR_ROOT" "$@" 3>&- 4>&-
}

# Made in the test VM's own namespace, as a bridge's end is.
cable_to() {
	ip link add eth0 netns "$1" type veth peer name w0
	ip addr add 10.9.0.1/24 dev w0
	ip link set w0 up
}

address_in() {
	nsenter --net="/proc/$1/ns/net" sh -c 'ip link set eth0 up; ip addr add 10.9.0.2/24 dev eth0
		ip route add default via 10.9.0.1'
}

answers() {
	busybox ping -c 1 -W 1 10.9.0.2 >/dev/null
}

hears() {
	[ "$(timeout 5 busybox nc 10.9.0.2 77 </dev/null 2>/dev/null)" = served ]
}

@test "vm: network: a given namespace: its address is the guest's, and its port; deleted, nothing of it is left" {
	cable_to "$host"
	address_in "$host"
	wait_until 10 answers
	local before
	before=$(there tc qdisc; there ip -br link)
	edit_config "$BATS_TEST_TMPDIR/b" ".linux.namespaces |= map(select(.type != \"network\")) +
		[{type: \"network\", path: \"/proc/$host/ns/net\"}]"
	runs 'ip addr show eth0; ip route; busybox ping -c 2 10.9.0.1 >/dev/null && echo answered
		while :; do nc -l -p 77 -e echo served; done'
	oci_vm create --bundle "$BATS_TEST_TMPDIR/b" web >"$BATS_TEST_TMPDIR/out" 2>&1
	oci_vm start web
	wait_until 30 grep -q answered "$BATS_TEST_TMPDIR/out"
	grep -F 'inet 10.9.0.2/24' "$BATS_TEST_TMPDIR/out"
	grep -F 'default via 10.9.0.1 dev eth0' "$BATS_TEST_TMPDIR/out"
	wait_until 20 hears
	# The next one would take the first one's away.
	oci_vm create --bundle "$BATS_TEST_TMPDIR/b" second >/dev/null
	run oci_vm start second
	assert_failure
	assert_output --partial "another micro-VM's already"
	run oci_vm delete --force second
	assert_success
	assert_output ''
	hears
	oci_vm kill web KILL
	wait_until 20 eval '[ "$(oci_vm state web | jq -r .status)" = stopped ]'
	oci_vm delete web
	assert_equal "$(there tc qdisc; there ip -br link)" "$before"
	wait_until 10 answers
	ip link del w0
	assert_nothing_left
}

@test "vm: network: what a hook puts into its own namespace; none at all; the host's is refused" {
	make_cable_hook "$BATS_TEST_TMPDIR/hook"
	runs 'cat /sys/class/net/eth7/address; ping -c 2 10.9.0.1 >/dev/null && echo answered'
	edit_config "$BATS_TEST_TMPDIR/b" ".hooks.createRuntime = [{path: \"$BATS_TEST_TMPDIR/hook\"}]"
	run oci_vm run --bundle "$BATS_TEST_TMPDIR/b" one
	assert_output "02:11:22:33:44:55
answered"
	wait_until 10 eval '! ip link show w0 >/dev/null 2>&1'
	edit_config "$BATS_TEST_TMPDIR/b" 'del(.hooks)'
	runs 'cd /sys/class/net; echo *'
	run oci_vm run --bundle "$BATS_TEST_TMPDIR/b" one
	assert_output lo
	edit_config "$BATS_TEST_TMPDIR/b" '.linux.namespaces |= map(select(.type != "network"))'
	run oci_vm run --bundle "$BATS_TEST_TMPDIR/b" one
	assert_failure
	assert_output --partial "can't be in the host's network"
	assert_nothing_left
}

@test "vm: network: iperf3, both ways" {
	cable_to "$host"
	address_in "$host"
	mkdir "$BATS_TEST_TMPDIR/root"
	mount --bind / "$BATS_TEST_TMPDIR/root"
	edit_config "$BATS_TEST_TMPDIR/b" ".linux.namespaces |= map(select(.type != \"network\")) +
		[{type: \"network\", path: \"/proc/$host/ns/net\"}] |
		.root = {path: \"$BATS_TEST_TMPDIR/root\", readonly: true} |
		.mounts += [{destination: \"/tmp\", type: \"tmpfs\", source: \"tmpfs\"}]"
	runs 'for way in "" -R; do iperf3 -J -n 4M -c 10.9.0.1 $way; done'
	for _ in 1 2; do iperf3 -s -1; done >/dev/null 2>&1 3>&- 4>&- &
	run --separate-stderr oci_vm run --bundle "$BATS_TEST_TMPDIR/b" one
	umount "$BATS_TEST_TMPDIR/root"
	echo "$output" "$stderr"
	assert_success
	# It ends when all is sent: what is in the buffers between then isn't counted as received.
	run jq -s -r '.[] | [.start.test_start.reverse, .end.sum_sent.bytes >= 4194304 and
		.end.sum_received.bytes >= 2097152] | join(" ")' <<<"$output"
	assert_output $'0 true\n1 true'
	ip link del w0
}
