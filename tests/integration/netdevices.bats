# linux.netDevices: interfaces move into a container, and back when it doesn't come to be. The host's
# network is played by a namespace of the test's own, in which ctr runs: no real interface is touched.
# shellcheck disable=SC2154

load lib
load netdevices

setup() {
	ctr_setup
	host=$(new_netns)
	bundle=$BATS_TEST_TMPDIR/b
	make_bundle "$bundle"
	edit_config "$bundle" '.linux.netDevices = {v0: {name: "eth0"}} |
		.process.args = ["sh", "-c", "ip addr show eth0"]'
	there ip link set lo up
	make_veth v0 p0
	snapshot_host
}

teardown() {
	ctr_teardown
	local pid
	for pid in "$host" ${other-}; do
		kill -KILL "$pid" || true
	done
}

ctr() {
	there "$CTR_BIN" "${CTR_FLAGS[@]}" "$@" 3>&-
}

# run_and_return WORDS: the container fails with WORDS, and v0 is what it was.
run_and_return() {
	local before
	before=$(look_of v0)
	run ctr run --rm --bundle "$bundle"
	assert_failure
	assert_output --partial "$1"
	assert_equal "$before" "$(look_of v0)"
	assert_nothing_left
}

@test "netdevices: it is in, renamed, up, with its addresses and attributes, and not here any more" {
	local mac
	mac=$(there ip -json link show v0 | jq -r '.[0].address')
	run ctr run --rm --bundle "$bundle"
	assert_success
	assert_output --regexp 'eth0.*[<,]UP[,>].* mtu 1400'
	assert_output --partial "$mac"
	assert_output --partial 'inet 10.9.0.2/24 brd 10.9.0.255 scope global eth0'
	assert_output --regexp 'inet 10.9.0.3/24 .*eth0:x'
	assert_output --partial 'inet 10.9.1.2 peer 10.9.1.1/32 scope global'
	assert_output --partial 'inet6 fd00:9::2/64 scope global'
	refute_output --partial v0
	# The namespace is gone, and with it what was virtual in it, and so the other end of it.
	wait_until 10 gone p0
	assert_nothing_left
}

@test "netdevices: a link that was down is set up; without a name it keeps its own" {
	there ip link set v0 down
	edit_config "$bundle" '.linux.netDevices = {v0: {}} | .process.args = ["ip", "addr", "show", "v0"]'
	run ctr run --rm --bundle "$bundle"
	assert_success
	assert_output --regexp 'v0.*[<,]UP[,>]'
	assert_output --partial 10.9.0.2/24
}

@test "netdevices: addresses of another scope, and those with an end, stay out" {
	there ip addr add 10.9.2.2/24 scope link dev v0
	there ip addr add 10.9.3.2/24 valid_lft 600 preferred_lft 600 dev v0
	there ip addr add 10.9.4.2/24 preferred_lft 0 dev v0
	run ctr run --rm --bundle "$bundle"
	assert_success
	assert_output --partial 10.9.0.2/24
	assert_output --partial 10.9.4.2/24
	refute_output --partial 10.9.2.2
	refute_output --partial 10.9.3.2
}

@test "netdevices: packets pass" {
	there ip addr add 10.9.0.1/24 dev p0
	edit_config "$bundle" '.process.args = ["ping", "-c1", "-W5", "10.9.0.1"] |
		(.process.capabilities | .bounding, .effective, .permitted) += ["CAP_NET_RAW"]'
	run ctr run --rm --bundle "$bundle"
	assert_success
	assert_output --partial '1 packets received'
}

@test "netdevices: a pattern takes the first free name; two take two" {
	make_veth w0 q0
	edit_config "$bundle" '.linux.netDevices = {v0: {name: "net%d"}, w0: {name: "net%d"}} |
		.process.args = ["ls", "/sys/class/net"]'
	run ctr run --rm --bundle "$bundle"
	assert_success
	assert_line net0
	assert_line net1
}

@test "netdevices: into a namespace that is joined, whose end is not ours: they stay there" {
	other=$(new_netns)
	snapshot_host
	edit_config "$bundle" --arg path "/proc/$other/ns/net" \
		'(.linux.namespaces[] | select(.type == "network")).path = $path'
	run ctr run --rm --bundle "$bundle"
	assert_success
	run nsenter --net="/proc/$other/ns/net" ip addr show eth0
	assert_success
	assert_output --partial 10.9.0.2/24
	run there ip link show p0
	assert_success
	assert_nothing_left
}

@test "netdevices: an index that is taken there is exchanged for another" {
	local index
	index=$(look_of v0 | jq .ifindex)
	other=$(new_netns)
	nsenter --net="/proc/$other/ns/net" ip link add a0 index "$index" type veth peer name a1
	snapshot_host
	edit_config "$bundle" --arg path "/proc/$other/ns/net" \
		'(.linux.namespaces[] | select(.type == "network")).path = $path'
	# Back again first: its index there is not the one here.
	edit_config "$bundle" '.process.args = ["nosuch"]'
	run_and_return nosuch
	edit_config "$bundle" '.process.args = ["ip", "addr", "show", "eth0"]'
	run ctr run --rm --bundle "$bundle"
	assert_success
	assert_output --partial 10.9.0.2/24
}

@test "netdevices: a name that is taken there is an error and moves nothing" {
	other=$(new_netns)
	nsenter --net="/proc/$other/ns/net" ip link add eth0 type veth peer name a1
	snapshot_host
	edit_config "$bundle" --arg path "/proc/$other/ns/net" \
		'(.linux.namespaces[] | select(.type == "network")).path = $path'
	run_and_return 'linux.netDevices.v0.name: the container'\''s network namespace has an interface "eth0" already'
	edit_config "$bundle" '.linux.netDevices.v0.name = "eth%d" | .process.args = ["ip", "addr", "show", "eth1"]'
	run ctr run --rm --bundle "$bundle"
	assert_success
	assert_output --partial 10.9.0.2/24
}

@test "netdevices: what isn't there, the loopback, another name, no namespace: each is said" {
	edit_config "$bundle" '.linux.netDevices = {nosuch: {}}'
	run_and_return 'linux.netDevices.nosuch: there is no such interface here'
	edit_config "$bundle" '.linux.netDevices = {lo: {name: "lo1"}}'
	run_and_return 'linux.netDevices.lo: the loopback interface'
	there ip link property add dev v0 altname veryothername
	edit_config "$bundle" '.linux.netDevices = {veryothername: {}}'
	run_and_return 'another name of "v0"'
	edit_config "$bundle" '.linux.netDevices = {v0: {}} |
		.linux.namespaces |= map(select(.type != "network")) |
		.mounts |= map(select(.type != "sysfs"))'
	run_and_return '{"type": "network"} in linux.namespaces'
}

@test "netdevices: names that no interface can have" {
	local name
	for name in a/b a:b 'a b' .. sixteen-letters- 'a%s' '%d%d'; do
		edit_config "$bundle" --arg name "$name" '.linux.netDevices = {v0: {name: $name}}'
		run_and_return 'linux.netDevices.v0.name'
	done
	edit_config "$bundle" '.linux.netDevices = {v0: {name: "x"}, w0: {name: "x"}}'
	run_and_return 'linux.netDevices.w0.name: "x" is already'
}

@test "netdevices: when a later step fails it is back as it was, up or down" {
	edit_config "$bundle" '.process.args = ["nosuch"]'
	run_and_return nosuch
	there ip link set v0 down
	run_and_return nosuch
}

@test "netdevices: when the second can't be moved the first is back" {
	edit_config "$bundle" '.linux.netDevices = {v0: {name: "eth0"}, zz: {}}'
	run_and_return 'linux.netDevices.zz'
}

@test "netdevices: a hook finds it inside; it comes back although the hook renamed it and failed" {
	local hook=$BATS_TEST_TMPDIR/hook index
	cat >"$hook" <<-'HOOK'
	#!/bin/sh
	PATH=/usr/bin:/usr/sbin:/bin:/sbin
	pid=$(jq .pid)
	nsenter --net="/proc/$pid/ns/net" ip link set eth0 down || exit 3
	nsenter --net="/proc/$pid/ns/net" ip link set eth0 name mine || exit 4
	exit 7
	HOOK
	chmod +x "$hook"
	edit_config "$bundle" --arg hook "$hook" '.hooks.createRuntime = [{path: $hook}]'
	index=$(look_of v0 | jq .ifindex)
	run ctr run --rm --bundle "$bundle"
	assert_failure
	assert_output --partial 'failed with status 7'
	run look_of v0
	# A link that goes down loses its IPv6 addresses: that was the hook.
	assert_equal "$(jq -c '[.ifindex, .up, .addr_info[0][0]]' <<<"$output")" "[$index,true,\"10.9.0.2\"]"
	assert_nothing_left
}

@test "netdevices: a sysctl of the interface is set when it is there" {
	edit_config "$bundle" '.linux.sysctl = {"net.ipv4.conf.eth0.forwarding": "1"} |
		.process.args = ["cat", "/proc/sys/net/ipv4/conf/eth0/forwarding"]'
	run ctr run --rm --bundle "$bundle"
	assert_success
	assert_output 1
}

@test "netdevices: in a user namespace" {
	edit_config "$bundle" '.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
		.linux.gidMappings = .linux.uidMappings'
	run ctr run --rm --bundle "$bundle"
	assert_success
	assert_output --partial 10.9.0.2/24
}

@test "netdevices: create and start apart; rm after the end, and rm --force" {
	edit_config "$bundle" '.process.args = ["sleep", "1000"]'
	run ctr create --name c1 --bundle "$bundle"
	assert_success
	gone v0
	run ctr start c1
	assert_success
	run ctr exec c1 ip addr show eth0
	assert_success
	assert_output --partial 10.9.0.2/24
	run ctr rm --force c1
	assert_success
	wait_until 10 gone p0
	assert_nothing_left
}

@test "netdevices: kill -9 of ctr while it runs, and of the container" {
	edit_config "$bundle" '.process.args = ["sleep", "1000"]'
	run ctr create --name c1 --bundle "$bundle"
	assert_success
	run ctr start c1
	assert_success
	kill -KILL "$(ctr state c1 | jq .pid)"
	wait_until 10 gone p0
	run ctr rm c1
	assert_success
	assert_nothing_left
}

# From before the move to after it: each of these calls of ctr-net's is held up while ctr is killed.
@test "netdevices: kill -9 of ctr while ctr-net works" {
	local call session
	for call in setns capset sendto sendmsg; do
		gone v0 || there ip link del v0
		wait_until 10 gone p0
		make_veth v0 p0
		setsid nsenter --net="/proc/$host/ns/net" -- strace -qq -f -o /dev/null \
			-e trace="$call" -e "inject=$call:delay_enter=1000000" \
			"$CTR_BIN" "${CTR_FLAGS[@]}" run --rm --name c1 --bundle "$bundle" \
			</dev/null >/dev/null 2>&1 3>&- 4>&- &
		session=$!
		wait_until 20 in_session "$session" ctr-net
		pkill -KILL -s "$session" -x ctr
		wait "$session" || true
		wait_until 20 out_of_session "$session"
		ctr rm --force c1
		wait_until 10 here_or_gone
		assert_nothing_left
	done
}

in_session() {
	pgrep -s "$1" -x "$2" >/dev/null
}

out_of_session() {
	! pgrep -s "$1" >/dev/null
}

# The init of a ctr of this session: the one that has left the "host's" network.
init_of() {
	local pid
	for pid in $(pgrep -s "$1" -x ctr); do
		[ "$(readlink "/proc/$pid/ns/net")" = "$(readlink "/proc/$host/ns/net")" ] || echo "$pid"
	done
}

@test "netdevices: it is back when the init is killed before it hears that the move is done" {
	local before session
	before=$(look_of v0)
	# The answer of ctr-net is held up: it has moved the interface, and ctr doesn't know it yet.
	setsid nsenter --net="/proc/$host/ns/net" -- strace -qq -f -o /dev/null \
		-e trace=sendmsg -e inject=sendmsg:delay_enter=1000000 \
		"$CTR_BIN" "${CTR_FLAGS[@]}" run --rm --name c1 --bundle "$bundle" \
		</dev/null >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- 4>&- &
	session=$!
	wait_until 20 gone v0
	kill -KILL "$(init_of "$session")"
	wait "$session" && fail "it ran"
	wait_until 20 out_of_session "$session"
	cat "$BATS_TEST_TMPDIR/said"
	assert_equal "$(look_of v0)" "$before"
	rm "$BATS_TEST_TMPDIR/said"
	assert_nothing_left
}

@test "netdevices: ctr-net dies without a word: the error says so, nothing is left" {
	run there strace -qq -f -o /dev/null -e trace=setns -e inject=setns:signal=KILL:when=1 \
		"$CTR_BIN" "${CTR_FLAGS[@]}" run --rm --bundle "$bundle"
	assert_failure
	assert_output --partial 'move network devices: ctr-net ended with status 137 and without an answer'
	run there ip link show v0
	assert_success
	assert_nothing_left
}

@test "netdevices: ctr-net has the rights for its job only" {
	run there strace -qq -f -e trace=capset -o "$BATS_TEST_TMPDIR/trace" \
		"$CTR_BIN" "${CTR_FLAGS[@]}" run --rm --bundle "$bundle"
	assert_success
	run cat "$BATS_TEST_TMPDIR/trace"
	assert_output --regexp 'effective=1<<CAP_NET_ADMIN\|1<<CAP_SYS_ADMIN, permitted=1<<CAP_NET_ADMIN\|1<<CAP_SYS_ADMIN, inheritable=0'
	assert_output --regexp 'effective=1<<CAP_NET_ADMIN, permitted=1<<CAP_NET_ADMIN, inheritable=0'
}

@test "netdevices: ctr-net is not looked for in PATH; without it the error says where it should be" {
	mkdir "$BATS_TEST_TMPDIR/alone" "$BATS_TEST_TMPDIR/path"
	cp "$CTR_BIN" "$BATS_TEST_TMPDIR/alone/ctr"
	printf '#!/bin/sh\ntouch %s/ran\n' "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/path/ctr-net"
	chmod +x "$BATS_TEST_TMPDIR/path/ctr-net"
	# Nor beside a program that only says that it is ours.
	export CTR_EXE=$CTR_BIN PATH=$BATS_TEST_TMPDIR/path:$PATH
	CTR_BIN=$BATS_TEST_TMPDIR/alone/ctr
	run_and_return 'open the helper program ctr-net'
	assert_output --partial "$BATS_TEST_TMPDIR/alone/ctr"
	[ ! -e "$BATS_TEST_TMPDIR/ran" ]
}

@test "netdevices: ctr-net takes no request but a whole one" {
	local helper=${CTR_BIN%/*}/ctr-net
	run "$helper" </dev/null
	assert_failure 2
	run bash -c 'head -c 4000 /dev/urandom | "$0"' "$helper"
	assert_failure 2
}

@test "netdevices: --dry-run shows the row and moves nothing" {
	run ctr run --dry-run --bundle "$bundle"
	assert_success
	assert_output --regexp 'parent move network devices +- +net-ready +yes'
	there ip link show v0
	edit_config "$bundle" 'del(.linux.netDevices)'
	run ctr run --dry-run --bundle "$bundle"
	assert_output --regexp 'move network devices.*not needed'
}
