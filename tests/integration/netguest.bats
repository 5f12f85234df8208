# The network of a micro-VM, without the machine: what a namespace has goes on to a "guest", another namespace, packet
# by packet (tests/helpers/net-guest.c).

load lib
load netdevices

setup() {
	ctr_setup
	host=$(new_netns)
	world=$(new_netns)
	guest=$(new_netns)
	in_world ip link set lo up
	net_guest=("$CTR_BUILD/tests/helpers/net-guest" "$CTR_BUILD/bin/ctr-net" "/proc/$host/ns/net")
}

teardown() {
	ctr_teardown
	kill -KILL "$host" "$world" "$guest" || true
}

in_world() {
	nsenter --net="/proc/$world/ns/net" -- "$@"
}

in_guest() {
	nsenter --net="/proc/$guest/ns/net" -- "$@"
}

# wired NAME PEER ADDRESS/BITS: an interface of the container's, whose cable ends in the world.
wired() {
	there ip link add "$1" type veth peer name "$2" netns "$world"
	there ip link set "$1" up mtu 1400
	there ip addr add "$3" dev "$1"
	in_world ip link set "$2" up mtu 1400
}

# taken_over [NETNS-OF-A-COPY]
taken_over() {
	(exec "${net_guest[@]}" "/proc/$guest/ns/net" "$@" >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- 4>&-) &
	taker=$!
	wait_until 10 grep -q ready "$BATS_TEST_TMPDIR/said"
}

let_go() {
	kill -KILL "$taker"
	wait "$taker" || true
}

look() {
	"$1" ip -json addr show "$2" | jq -S '.[0] | {address, mtu, up: (.flags | index("UP") != null),
		addr_info: [.addr_info[] | select(.scope == "global") | [.local, .prefixlen, .broadcast, .address, .label]]}'
}

# All that the namespace has, but for what changes by itself.
all_of() {
	there ip -json addr | jq 'del(.. | .tentative?)'
	there tc qdisc
}

routes() {
	"$1" ip -json route; "$1" ip -json -6 route | jq 'map(select(.dst | startswith("fe80") | not))'
}

answers() {
	"$1" busybox ping -c 1 -W 1 "$2" >/dev/null 2>&1
}

# listens PORT WORD: in the guest.
listens() {
	in_guest timeout 20 busybox nc -l -p "$1" -e echo "$2" 3>&- 4>&- >/dev/null 2>&1 &
}

hears() {
	[ "$(in_world timeout 2 busybox nc "$1" "$2" </dev/null 2>/dev/null)" = "$3" ]
}

@test "a guest's network: names, addresses, routes, neighbours, and packets both ways" {
	# The names are those that its kernel would give, the other way round.
	wired eth1 w1 10.9.0.2/24
	wired eth0 w0 10.8.0.2/24
	there ip addr add 10.9.0.3/24 dev eth1 label eth1:x
	there ip addr add fd00:9::2/64 dev eth1 nodad
	there ip route add default via 10.9.0.1
	there ip route add 10.7.0.0/16 via 10.8.0.1 metric 7 src 10.8.0.2
	there ip route add 169.254.1.1 dev eth0 scope link
	there ip route add unreachable 10.6.0.0/16
	there ip -6 route add default via fd00:9::1
	there ip neigh add 169.254.1.1 lladdr 02:00:00:00:00:09 dev eth0 nud permanent
	in_world ip addr add 10.9.0.1/24 dev w1
	in_world ip addr add 10.5.0.1/32 dev lo
	in_world ip addr add fd00:9::1/64 dev w1 nodad
	taken_over
	for name in eth0 eth1; do
		assert_equal "$(look in_guest "$name")" "$(look there "$name")"
	done
	assert_equal "$(routes in_guest)" "$(routes there)"
	assert_equal "$(in_guest ip neigh show nud permanent)" "$(there ip neigh show nud permanent)"
	wait_until 10 answers in_guest 10.9.0.1
	answers in_guest 10.5.0.1
	answers in_guest fd00:9::1
	answers in_world fd00:9::2
	# Nobody else answers there any more: the port is the guest's alone.
	listens 77 guest
	wait_until 10 hears 10.9.0.3 77 guest
	let_go
}

# As if the guest had been copied in the middle of it all: what it was before is nowhere.
@test "a guest's network: a copy's interfaces have the names, addresses and routes of its own namespace alone" {
	wired eth0 w0 10.9.0.2/24
	wired eth1 w1 10.8.0.2/24
	there ip addr add 10.9.0.3/24 dev eth0
	there ip addr add fd00:9::2/64 dev eth0 nodad
	there ip route add default via 10.9.0.1
	there ip route add unreachable 10.6.0.0/16
	there ip neigh add 169.254.1.1 lladdr 02:00:00:00:00:09 dev eth0 nud permanent
	local first=$host
	host=$(new_netns)
	wired eth0 v0 10.9.0.2/24
	wired eth1 v1 10.8.0.7/24
	there ip route add default via 10.8.0.1
	there ip route add unreachable 10.6.0.0/16
	in_world ip addr add 10.8.0.1/24 dev v1
	taken_over "/proc/$host/ns/net"
	for name in eth0 eth1; do
		assert_equal "$(look in_guest "$name")" "$(look there "$name")"
	done
	assert_equal "$(routes in_guest)" "$(routes there)"
	assert_equal "$(in_guest ip neigh show nud permanent)" ''
	wait_until 10 answers in_guest 10.8.0.1
	let_go
	kill -KILL "$first"
}

@test "a guest's network: one guest alone; the next one after it, and nothing of it in the namespace" {
	wired eth0 w0 10.9.0.2/24
	in_world ip addr add 10.9.0.1/24 dev w0
	answers there 10.9.0.1
	local before
	before=$(all_of)
	taken_over
	run "${net_guest[@]}" "/proc/$guest/ns/net"
	assert_failure
	assert_output --partial "another micro-VM's already"
	# Who had no part in it takes nothing away.
	"${net_guest[@]}"
	wait_until 10 answers in_guest 10.9.0.1
	let_go
	# Its tap is gone; what led there leads nowhere, and the next one replaces it.
	assert_equal "$(there ip -json link | jq length)" 2
	run answers there 10.9.0.1
	assert_failure
	kill -KILL "$guest"
	guest=$(new_netns)
	taken_over
	wait_until 10 answers in_guest 10.9.0.1
	let_go
	"${net_guest[@]}"
	assert_equal "$(all_of)" "$before"
	wait_until 10 answers there 10.9.0.1
}

@test "a guest's network: what it can't have is said, and then the namespace is as before" {
	local before i
	wired eth0 w0 10.9.0.2/24
	there ip route add 10.7.0.0/16 nexthop via 10.9.0.4 nexthop via 10.9.0.5
	before=$(all_of)
	run "${net_guest[@]}" "/proc/$guest/ns/net"
	assert_failure
	assert_output --partial "a micro-VM's guest can't have a route over several gateways"
	assert_equal "$(all_of)" "$before"
	there ip route del 10.7.0.0/16
	for ((i = 1; i < 9; i++)); do
		there ip link add "d$i" type veth peer name "e$i"
		there ip link set "d$i" up
		there ip link set "e$i" up
	done
	before=$(all_of)
	run "${net_guest[@]}" "/proc/$guest/ns/net"
	assert_failure
	assert_output --partial 'at most 16 network interfaces'
	assert_equal "$(all_of)" "$before"
	# What is down is not taken.
	there ip link set d1 down
	taken_over
	assert_equal "$(in_guest ip -json link | jq length)" 17
	let_go
	# None is no error.
	kill -KILL "$host"
	host=$(new_netns)
	net_guest[2]=/proc/$host/ns/net
	taken_over
	let_go
}
