# A host's network that is a namespace of the test's own, and what is in it: `load netdevices` after lib.
# host is the pid of the process that keeps it open.
# shellcheck disable=SC2154

# new_netns: prints the pid of a process that keeps one open.
new_netns() {
	setsid unshare --net sleep 1000 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	wait_until 5 is_unshared $!
	echo $!
}

is_unshared() {
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

# there COMMAND...: on the "host".
there() {
	nsenter --net="/proc/$host/ns/net" -- "$@"
}

make_veth() {
	there ip link add "$1" type veth peer name "$2"
	there ip link set "$2" up
	there ip link set "$1" up mtu 1400
	there ip addr add 10.9.0.2/24 broadcast 10.9.0.255 dev "$1"
	there ip addr add 10.9.0.3/24 dev "$1" label "$1:x"
	there ip addr add 10.9.1.2 peer 10.9.1.1/32 dev "$1"
	there ip addr add fd00:9::2/64 dev "$1" nodad
}

# What an interface of the "host" looks like: index, flags, MTU, addresses.
look_of() {
	there ip -json addr show "$1" | jq -S '.[0] | {ifindex, mtu, up: (.flags | index("UP") != null),
		addr_info: [.addr_info[] | select(.scope == "global") |
			[.local, .prefixlen, .broadcast, .address, .label]]}'
}

gone() {
	! there ip link show "$1" >/dev/null 2>&1
}

# It was not moved yet, or its namespace has ended.
here_or_gone() {
	gone p0 || there ip link show v0 >/dev/null 2>&1
}

# served_by PORT COUNT COMMAND...: run it while so many bytes by chance, the file "big", are there for one who connects, and
# wait for the end of make_cable_hook's cable. Its output is there as of `run --separate-stderr`.
served_by() {
	local port=$1 count=$2 server
	shift 2
	head -c "$count" /dev/urandom >"$BATS_TEST_TMPDIR/big"
	busybox nc -l -p "$port" <"$BATS_TEST_TMPDIR/big" >/dev/null 3>&- &
	server=$!
	BACKGROUND+=("$server")
	run --separate-stderr "$@"
	kill "$server" 2>/dev/null || true
	wait "$server" || true
	wait_until 10 eval '! ip link show w0 >/dev/null 2>&1'
}

# make_cable_hook FILE: a hook that gives the container eth7, 02:11:22:33:44:55 with 10.9.0.2, and us its other end, w0
# with 10.9.0.1.
make_cable_hook() {
	cat >"$1" <<-'E'
		#!/bin/sh
		pid=$(jq -r .pid)
		ip link add eth7 netns "$pid" type veth peer name w0
		ip addr add 10.9.0.1/24 dev w0
		ip link set w0 up
		nsenter --net="/proc/$pid/ns/net" sh -c 'ip link set eth7 address 02:11:22:33:44:55 up
			ip addr add 10.9.0.2/24 dev eth7'
	E
	chmod 755 "$1"
}
