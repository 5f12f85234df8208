# build: tests/debian.tar
# Containers of an ordinary user, who has a range of ids in /etc/subuid and no other rights.

load lib
load rootless

oci() {
	user_does /run/ctr-test/ctr-oci "$@"
}

# The bundles "one", which sleeps, and "two", which prints links of /proc/self/ns, are the user's.
two_bundles() {
	cd "$HOME_DIR" || return
	make_bundle one
	edit_config one '.process.args = ["sleep", "1000"] | .linux.namespaces += [{type: "user"}] |
		.linux |= (.uidMappings = [{containerID: 0, hostID: '$ME', size: 1}] | .gidMappings = .uidMappings)'
	mkdir two
	ln -s ../one/rootfs two/rootfs
	chown -R $ME:$ME .
	snapshot_host
}

# given KIND...: of the bundle "two", these namespaces are those of container c1.
given() {
	local pid
	pid=$(oci state c1 | jq .pid)
	jq --arg ns "/proc/$pid/ns/" '.linux.namespaces |= map(if .type | IN($ARGS.positional[]) then
			.path = $ns + ({network: "net"}[.type] // .type) else . end) |
		if "user" | IN($ARGS.positional[]) then .linux |= del(.uidMappings, .gidMappings) else . end |
		.process.args = ["sh", "-c", "cd /proc/self/ns; for i in user net ipc uts pid cgroup; do readlink $i; done"]' \
		one/config.json --args "$@" >two/config.json
}

# given_are KIND...: those were the same in both, and the others not. `output` is what "two" printed.
given_are() {
	local kind link
	for kind in user net ipc uts pid cgroup; do
		link=$(readlink "/proc/$(oci state c1 | jq .pid)/ns/$kind")
		if [[ " $* " == *" $kind "* ]]; then
			assert_line "$link"
		else
			refute_line "$link"
		fi
	done
}

@test "rootless: root in the container is the user, and other ids are those of /etc/subuid" {
	run as_user run --rm busybox -- cat /proc/self/uid_map /proc/self/gid_map
	assert_success
	assert_equal "$(awk '{ print $1, $2, $3 }' <<<"$output" | sort -u)" $'0 4242 1\n1 700000 65536'
	mkdir "$HOME_DIR/vol"
	chown $ME:$ME "$HOME_DIR/vol"
	run as_user run --rm --volume "$HOME_DIR/vol:/v" busybox -- sh -c 'touch /v/a; touch /v/b; chown 33 /v/b; id -u'
	assert_success
	assert_line 0
	assert_equal "$(stat -c %u "$HOME_DIR/vol/a")" $ME
	assert_equal "$(stat -c %u "$HOME_DIR/vol/b")" 700032
	rm -rf "$HOME_DIR/vol"
	assert_nothing_left
}

@test "rootless: both built-in sources, a user, an init, a tmpfs, a read-only root" {
	run as_user run --rm host -- sh -c 'id -u; touch /usr/x && echo written'
	assert_success
	assert_line 0
	assert_line written
	run as_user run --rm --user 1000:50 --init --read-only --tmpfs /t busybox -- sh -c 'id -u; id -g; touch /x || touch /t/x && echo there'
	assert_success
	assert_line 1000
	assert_line 50
	assert_line there
	assert_nothing_left
}

@test "rootless: create, start, exec, kill, stop, rm" {
	as_user create --name c1 busybox -- sh -c 'trap "echo said >/tmp/x" USR1; touch /tmp/ready; while :; do sleep 0.1; done'
	as_user start c1
	run as_user exec c1 sh -c 'id -u; ps | grep -c "sleep 0.1"; cat /proc/self/uid_map'
	assert_success
	assert_line 0
	assert_line --partial 700000
	wait_until 5 as_user exec c1 test -e /tmp/ready
	as_user kill --all --signal USR1 c1
	wait_until 5 as_user exec c1 test -s /tmp/x
	run as_user pause c1
	assert_failure 125
	assert_output --partial 'no cgroup of its own'
	as_user stop --time 0 c1
	run as_user ps --all --format '{{.Name}} {{.State}}'
	assert_output 'c1 stopped'
	as_user rm c1
	assert_nothing_left
}

@test "rootless: namespaces of another container of the user's" {
	as_user create --name c1 --hostname one busybox -- sleep 1000
	as_user start c1
	run as_user run --rm --network container:c1 --pid container:c1 --uts container:c1 busybox -- \
		sh -c 'hostname; ps | grep -c "sleep 1000"; readlink /proc/self/ns/net'
	assert_success
	assert_line one
	assert_line "$(as_user exec c1 readlink /proc/self/ns/net)"
	as_user rm --force c1
	assert_nothing_left
}

@test "rootless: one id, without /etc/subuid" {
	run as_user run --rm --uidmap 0:$ME:1 --gidmap 0:$ME:1 busybox -- cat /proc/self/setgroups
	assert_success
	assert_output deny
	run as_user run --rm --uidmap 0:0:1 --gidmap 0:0:1 busybox -- true
	assert_failure 125
	assert_output --partial 'linux.uidMappings'
	run as_user run --rm --uidmap 0:800000:65536 busybox -- true
	assert_failure 125
	assert_output --partial '/etc/subuid'
	assert_nothing_left
}

@test "rootless: what can't be had says so" {
	run as_user run --rm --memory 64m busybox -- true
	assert_failure 125
	assert_output --partial 'linux.resources.memory.limit'
	run as_user run --rm --time private busybox -- true
	assert_failure 125
	assert_output --partial 'linux.namespaces (time)'
	run as_user --root /run/ctr-test-root run --rm busybox -- true
	assert_failure 125
	assert_output --partial -- --root
	assert_nothing_left
}

@test "rootless: a cgroup where one is delegated" {
	mkdir -p "$CGROUPS/delegated/own"
	chown $ME "$CGROUPS/delegated" "$CGROUPS"/delegated/{,own/}cgroup.{procs,subtree_control} "$CGROUPS/delegated/own"
	IN=/delegated/own as_user create --name c1 busybox -- sleep 1000
	[ -d "$CGROUPS/delegated/ctr-c1" ]
	IN=/delegated/own as_user start c1
	IN=/delegated/own as_user pause c1
	run as_user ps --format '{{.State}}'
	assert_output paused
	IN=/delegated/own as_user resume c1
	IN=/delegated/own as_user exec c1 true
	IN=/delegated/own as_user rm --force c1
	[ ! -d "$CGROUPS/delegated/ctr-c1" ]
	rmdir "$CGROUPS/delegated/own" "$CGROUPS/delegated"
	assert_nothing_left
}

@test "rootless: a whole system, in a cgroup where one is delegated" {
	local up='until test -S /run/systemd/private; do sleep 0.1; done; systemctl is-system-running --wait'
	mkdir -p "$CGROUPS/delegated/own" "$HOME_DIR/tree"
	chown $ME "$CGROUPS/delegated" "$CGROUPS"/delegated/{,own/}cgroup.{procs,subtree_control} "$CGROUPS/delegated/own"
	chown $ME:$ME "$HOME_DIR/tree"
	as_user run --rm -i -v "$HOME_DIR/tree:/tree" busybox tar -C /tree -x <"$CTR_BUILD/tests/debian.tar"
	run as_user run -d --name c1 --init=systemd --rootfs "$HOME_DIR/tree"
	assert_failure 125
	assert_output --partial 'manages a cgroup of its own, and none is ours to give'
	IN=/delegated/own as_user run -d --name c1 --init=systemd --rootfs "$HOME_DIR/tree"
	IN=/delegated/own run as_user exec c1 sh -c "$up"
	assert_output running
	[ -d "$CGROUPS/delegated/ctr-c1/system.slice" ]
	IN=/delegated/own as_user stop c1
	assert_equal "$(as_user inspect --format '{{.State.ExitCode}}' c1)" 0
	as_user rm c1
	[ ! -d "$CGROUPS/delegated/ctr-c1" ]
	as_user run --rm -v "$HOME_DIR/tree:/tree" busybox sh -c 'rm -rf /tree/*'
	rmdir "$CGROUPS/delegated/own" "$CGROUPS/delegated" "$HOME_DIR/tree"
	assert_nothing_left
}

@test "rootless: a killed run leaves what is listed, and rm takes it away" {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		# Not by as_user: what is killed must be the program, and no shell around it.
		env XDG_RUNTIME_DIR="$HOME_DIR" HOME="$HOME_DIR" setpriv --reuid $ME --regid $ME --clear-groups \
			/run/ctr-test/ctr run --name "k$i" busybox -- sleep 1000 >/dev/null 2>&1 3>&- 4>&- &
		sleep 0.0$i
		kill -KILL $! 2>/dev/null || true
		wait $! 2>/dev/null || true
	done
	for i in $(as_user ps --all --format '{{.Name}}'); do
		as_user rm --force "$i"
	done
	assert_nothing_left
}

@test "rootless: system calls are notified to the user's own agent; the host's interfaces are not its to move" {
	local dir=$HOME_DIR/agent agent
	mkdir "$dir"
	"$CTR_BUILD/tests/helpers/seccomp-agent" "$dir/socket" "$dir/log" </dev/null 3>&- 4>&- &
	agent=$!
	BACKGROUND+=("$agent")
	wait_until 5 test -S "$dir/socket"
	chown -R $ME:$ME "$dir"
	jq -n --arg path "$dir/socket" '{defaultAction: "SCMP_ACT_ALLOW", listenerPath: $path,
		syscalls: [{names: ["getppid", "sendmsg"], action: "SCMP_ACT_NOTIFY"}]}' >"$dir/profile"
	as_user create --name c1 --security-opt "seccomp=$dir/profile" busybox -- sleep 1000
	as_user start c1
	# shellcheck disable=SC2016
	run as_user exec c1 sh -c 'echo $PPID'
	assert_success
	assert_output 4242
	kill_hard "$agent"
	make_bundle "$HOME_DIR/b"
	edit_config "$HOME_DIR/b" '.linux.netDevices = {lo: {name: "x"}}'
	chown -R $ME:$ME "$HOME_DIR/b"
	run as_user run --rm --bundle "$HOME_DIR/b"
	assert_failure 125
	assert_output --partial "linux.netDevices: the host's interfaces are not an ordinary user's to move"
}

@test "rootless: make demo shows a container of the user's own" {
	install -m 755 "$REPO/tests/tools/demo.sh" "$HOME_DIR/demo"
	run user_does env CTR_BIN=/run/ctr-test/ctr "$HOME_DIR/demo"
	assert_success
	assert_line --partial 'container: demo, '
	assert_line "outside:   its root is user $ME of the host"
	assert_line --regexp 'rights: .*seccomp mode 2'
	assert_line --regexp 'mount: .*denied'
	# Where there is none to be had, and no sudo.
	mkdir "$HOME_DIR/bin"
	ln -s "$(command -v id)" "$HOME_DIR/bin/id"
	run user_does env PATH="$HOME_DIR/bin" CTR_BIN=/bin/false "$BASH" "$HOME_DIR/demo"
	assert_failure 1
	assert_output --partial 'user.max_user_namespaces'
	rm -r "${HOME_DIR:?}"/{demo,bin}
	assert_nothing_left
}

@test "rootless: ctr-oci joins what is another container's by path" {
	two_bundles
	oci create --bundle one c1 >/dev/null 2>&1 </dev/null
	oci start c1
	given user
	run oci run --bundle two c2
	assert_success
	given_are user
	given user network ipc uts pid cgroup
	run oci run --bundle two c2
	assert_success
	given_are user net ipc uts pid cgroup
	# Without the user namespace that they belong to, they are not to be had.
	given network
	run oci run --bundle two c2
	assert_failure 1
	assert_output --partial 'has to join the user namespace that it belongs to as well'
	oci delete --force c1
	assert_nothing_left
}

# As podman calls us: not an ordinary user, but no way back into the host's namespaces either.
@test "rootless: the root of a user namespace joins what belongs to that" {
	local kinds holder
	two_bundles
	edit_config one 'del(.linux.uidMappings, .linux.gidMappings) | .linux.namespaces |= map(select(.type != "user"))'
	setpriv --reuid $ME --regid $ME --clear-groups unshare --user --map-root-user --mount sleep 1000 3>&- 4>&- &
	holder=$!
	BACKGROUND+=("$holder")
	wait_until 5 grep -q " $ME " "/proc/$holder/uid_map"
	oci() {
		user_does nsenter --user --mount --preserve-credentials --target "$holder" --wdns="$HOME_DIR" -- \
			/run/ctr-test/ctr-oci "$@"
	}
	oci create --bundle one c1 >out 2>&1 </dev/null || fail "$(<out)"
	oci start c1
	for kinds in net ipc uts pid cgroup 'net ipc uts pid cgroup'; do
		# shellcheck disable=SC2086
		given ${kinds/net/network}
		run oci run --bundle two c2
		assert_success
		given_are user $kinds
	done
	given network
	edit_config two '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 1000000}} |
		.process.args = ["sh", "-c", "readlink /proc/self/ns/net; cut -d. -f1 /proc/uptime"]'
	run oci run --bundle two c2
	assert_success
	assert_line "$(readlink "/proc/$(oci state c1 | jq .pid)/ns/net")"
	[ "${lines[1]}" -ge 1000000 ]
	oci delete --force c1
	kill_hard "$holder"
	assert_nothing_left
}

@test "rootless: volumes are in the user's home, filled with the user's ids, and can be removed" {
	run as_user run --rm --volume v1:/etc busybox -- sh -c 'mkdir /etc/d; echo y >/etc/d/f; chown 5:5 /etc/d; chmod 700 /etc/d; stat -c %u /etc/passwd'
	assert_success
	assert_output 0
	[ -d "$HOME_DIR/.local/share/ctr/volumes/v1/_data" ]
	assert_equal "$(stat -c %u "$HOME_DIR/.local/share/ctr/volumes/v1/_data/d")" 700004
	run as_user run --rm --volume v1:/v busybox -- cat /v/d/f
	assert_output y
	run as_user volume rm v1
	assert_success
	[ -z "$(ls -A "$HOME_DIR/.local/share/ctr/volumes")" ]
	assert_nothing_left
}

@test "rootless: cp, export and diff reach what belongs to others of the user's ids" {
	as_user create --name c1 busybox -- sleep 1000
	as_user start c1
	as_user exec c1 sh -c 'mkdir /root/d; echo y >/root/d/f; chown -R 5:5 /root/d; chmod 700 /root/d'
	echo z >"$HOME_DIR/z"
	as_user cp "$HOME_DIR/z" c1:/root/d/z
	as_user cp c1:/root/d "$HOME_DIR/out"
	assert_equal "$(cat "$HOME_DIR/out/f" "$HOME_DIR/out/z")" "$(printf 'y\nz')"
	assert_equal "$(stat -c %u "$HOME_DIR/out/f")" "$ME"
	run as_user cp -a c1:/root/d "$HOME_DIR/kept"
	assert_success
	assert_output --partial "that is root's to do"
	run as_user diff c1
	assert_line 'A /root/d'
	assert_line 'A /root/d/f'
	as_user export --output "$HOME_DIR/e.tar" c1
	run tar --numeric-owner -tvf "$HOME_DIR/e.tar" root/d/f
	assert_output --partial ' 5/5 '
	as_user rm --force c1
	assert_nothing_left
}

@test "rootless: a container says that it is ready, in the foreground and by a monitor" {
	local i
	for i in --rm --detach; do
		user_does /usr/bin/python3 -uc '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
    print(s.recv(100).decode())' "$HOME_DIR/manager" >"$BATS_TEST_TMPDIR/heard" &
		BACKGROUND+=("$!")
		wait_until 5 test -S "$HOME_DIR/manager"
		NOTIFY_SOCKET=$HOME_DIR/manager as_user run $i --sdnotify=container --name c1 --user 1000 host -- systemd-notify --ready
		wait_until 5 grep -qx READY=1 "$BATS_TEST_TMPDIR/heard"
		as_user rm --force c1
		kill "$!"
		rm "$HOME_DIR/manager"
	done
}
