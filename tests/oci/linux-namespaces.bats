# config-linux.md: default filesystems, namespaces, id mappings, time offsets, sysctl, personality.

load lib

setup() {
	oci_setup
	OTHER=
}

teardown() {
	[ -z "$OTHER" ] || kill -KILL "$OTHER"
	oci_teardown
}

# other FLAG...: a process in namespaces of its own: $OTHER.
other() {
	unshare "$@" sh -c 'echo ready; exec sleep 1000' >"$BATS_TEST_TMPDIR/other" 3>&- 4>&- &
	wait_until 5 grep -q ready "$BATS_TEST_TMPDIR/other"
	wait_until 5 pgrep -x sleep >/dev/null
	OTHER=$(pgrep -n -x sleep)
	rm "$BATS_TEST_TMPDIR/other"
}

NS=(mnt:mount pid:pid net:network ipc:ipc uts:uts cgroup:cgroup time:time user:user)

@test "namespaces: the default filesystems are there" {
	runs . 'for at in /proc /sys /dev/pts /dev/shm; do awk -v at=$at "\$5 == at { while (\$1 != \"-\") sub(/^[^ ]* /, \"\"); print at, \$2 }" /proc/self/mountinfo; done'
	assert_output $'/proc proc\n/sys sysfs\n/dev/pts devpts\n/dev/shm tmpfs'
}

@test "namespaces: each kind that is listed is a new one, each that is not is the runtime's" {
	local pair kind file list each
	chmod 711 "$BUNDLE"
	for pair in "${NS[@]}"; do
		file=${pair%:*} kind=${pair#*:}
		# Alone with mount, which a root of its own needs.
		list=$(jq -nc --arg k "$kind" '["mount", $k] | unique | map({type: .})')
		config "del(.hostname) | .linux.namespaces = $list | del(.mounts[] | select(.type == \"cgroup\" or .type == \"sysfs\" or .type == \"mqueue\"))" \
			'cd /proc/self/ns; for n in mnt pid net ipc uts cgroup time user; do echo $n $(readlink $n); done'
		[ "$kind" != user ] || edit_config . '.linux.uidMappings = [{containerID: 0, hostID: 0, size: 1000}] | .linux.gidMappings = .linux.uidMappings'
		run oci run c1
		assert_success
		for each in "${NS[@]}"; do
			each=${each%:*}
			if [[ " $file mnt " == *" $each "* ]]; then
				refute_line "$each $(readlink "/proc/self/ns/$each")"
			else
				assert_line "$each $(readlink "/proc/self/ns/$each")"
			fi
		done
	done
}

@test "namespaces: what a new one hides" {
	local key
	key=$(ipcmk -M 4096 | grep -o '[0-9]*$')
	runs . 'echo processes $(ls /proc | grep -c "^[0-9]"); echo interfaces $(ls /sys/class/net); echo segments $(($(wc -l </proc/sysvipc/shm) - 1)); cat /proc/self/cgroup; hostname other; hostname'
	ipcrm -m "$key"
	assert_success
	# sh, and two of the pipe.
	assert_line --regexp '^processes [1-4]$'
	assert_line 'interfaces lo'
	assert_line 'segments 0'
	assert_line 0::/
	assert_line bundle
	[ "$(hostname)" != other ]
}

@test "namespaces: a path is the namespace that the container gets, of each kind" {
	local file kind
	other --net --ipc --uts --pid --cgroup --time --fork
	for pair in net:network ipc:ipc uts:uts pid:pid cgroup:cgroup time:time; do
		file=${pair%:*} kind=${pair#*:}
		config "del(.hostname) | .linux.namespaces = [{type: \"mount\"}, {type: \"$kind\", path: \"/proc/$OTHER/ns/$file\"}]
			| del(.mounts[] | select(.type == \"cgroup\" or .type == \"sysfs\" or .type == \"mqueue\"))" "readlink /proc/self/ns/$file"
		run oci run c1
		assert_success
		assert_output "$(readlink "/proc/$OTHER/ns/$file")"
	done
}

@test "namespaces: a user namespace by path" {
	chmod 711 "$BUNDLE"
	other --user --map-root-user
	runs ".linux.namespaces += [{type: \"user\", path: \"/proc/$OTHER/ns/user\"}] | del(.mounts[] | select(.type == \"cgroup\"))" \
		'readlink /proc/self/ns/user'
	assert_output "$(readlink "/proc/$OTHER/ns/user")"
}

@test "namespaces: a path that is relative, is none, or of another kind is an error" {
	refuses '(.linux.namespaces[] | select(.type == "network")).path = "proc/self/ns/net"' linux.namespaces network absolute
	refuses '(.linux.namespaces[] | select(.type == "network")).path = "/nosuch"' linux.namespaces network
	refuses '(.linux.namespaces[] | select(.type == "network")).path = "/etc/passwd"' linux.namespaces network
	refuses '(.linux.namespaces[] | select(.type == "network")).path = "/proc/self/ns/uts"' linux.namespaces network 'another kind'
}

@test "namespaces: one kind twice, an unknown kind, none are errors" {
	refuses '.linux.namespaces += [{type: "ipc"}]' 'linux.namespaces[6]' ipc
	refuses '.linux.namespaces += [{type: "moon"}]' 'linux.namespaces[6].type' moon
	refuses '.linux.namespaces += [{}]' 'linux.namespaces[6].type'
}

@test "namespaces: without mount the host's mounts would be changed, which is refused" {
	refuses '.linux.namespaces |= map(select(.type != "mount"))' linux.namespaces mount
}

@test "mappings: ids are mapped as they stand, and files keep their owners" {
	chmod 711 "$BUNDLE"
	: >rootfs/home/file
	chown 123:456 rootfs/home/file
	runs '.linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 70000, size: 100}, {containerID: 200, hostID: 123, size: 1}]
		| .linux.gidMappings = [{containerID: 0, hostID: 80000, size: 50}, {containerID: 300, hostID: 456, size: 2}]' \
		'cat /proc/self/uid_map /proc/self/gid_map; stat -c "%u %g" /home/file /etc/passwd'
	assert_line --regexp '^ +0 +70000 +100$'
	assert_line --regexp '^ +200 +123 +1$'
	assert_line --regexp '^ +0 +80000 +50$'
	assert_line --regexp '^ +300 +456 +2$'
	assert_line '200 300'
	assert_line '65534 65534'
	assert_equal "$(stat -c '%u %g' rootfs/home/file rootfs/etc/passwd)" $'123 456\n0 0'
}

@test "mappings: without a user namespace, incomplete or empty they are errors" {
	local map='[{containerID: 0, hostID: 70000, size: 10}]' user='.linux.namespaces += [{type: "user"}]'
	refuses ".linux.uidMappings = $map | .linux.gidMappings = $map" linux.uidMappings 'user namespace'
	refuses "$user | .linux.uidMappings = $map" linux.gidMappings
	refuses "$user | .linux.gidMappings = $map" linux.uidMappings
	refuses "$user | .linux.gidMappings = $map | .linux.uidMappings = [{hostID: 0, size: 1}]" 'linux.uidMappings[0].containerID'
	refuses "$user | .linux.gidMappings = $map | .linux.uidMappings = [{containerID: 0, size: 1}]" 'linux.uidMappings[0].hostID'
	refuses "$user | .linux.gidMappings = $map | .linux.uidMappings = [{containerID: 0, hostID: 0}]" 'linux.uidMappings[0].size'
	refuses "$user | .linux.gidMappings = $map | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 0}]" 'linux.uidMappings[0].size'
}

@test "time: offsets of both clocks, in seconds and nanoseconds" {
	runs '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 1000000}, monotonic: {secs: 500, nanosecs: 7}}' \
		'cat /proc/self/timens_offsets; cut -d. -f1 /proc/uptime'
	assert_success
	assert_line --regexp '^monotonic +500 +7$'
	assert_line --regexp '^boottime +1000000 +0$'
	[ "${lines[2]}" -gt 1000000 ]
}

@test "time: offsets without a new time namespace, and of unknown clocks, are errors" {
	refuses '.linux.timeOffsets = {boottime: {secs: 1}}' linux.timeOffsets
	refuses '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {realtime: {secs: 1}}' linux.timeOffsets.realtime
	refuses '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {nanosecs: 1000000000}}' linux.timeOffsets.boottime.nanosecs
}

@test "sysctl: those of its own namespaces are set, and the host's stay" {
	local before
	before=$(</proc/sys/kernel/msgmax)
	runs '.linux.sysctl = {"net.ipv4.ip_forward": "1", "net.core.somaxconn": "256", "kernel.msgmax": "4321", "net/ipv4/ip_default_ttl": "33"}' \
		'cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_default_ttl'
	assert_output $'1\n256\n4321\n33'
	assert_equal "$(</proc/sys/kernel/msgmax)" "$before"
}

@test "sysctl: of the whole host, unknown, or of a namespace that isn't its own, is an error" {
	refuses '.linux.sysctl = {"vm.swappiness": "1"}' linux.sysctl vm.swappiness
	refuses '.linux.sysctl = {"net.ipv4.ip_forward": "1"} | .linux.namespaces |= map(select(.type != "network"))' linux.sysctl net.ipv4.ip_forward
	refuses '.linux.sysctl = {"kernel.msgmax": "1"} | .linux.namespaces |= map(select(.type != "ipc"))' linux.sysctl kernel.msgmax
	refuses '.linux.sysctl = {"net.ipv4.no_such": "1"}' linux.sysctl net.ipv4.no_such
	refuses '.linux.sysctl = {"net.ipv4.ip_forward": "many"}' linux.sysctl net.ipv4.ip_forward
	refuses '.linux.sysctl = {"net.ipv4.ip_forward": 1}' linux.sysctl
	refuses '.linux.sysctl = {"net.ipv4.../../../kernel/core_pattern": "x"}' linux.sysctl
}

@test "personality: LINUX32 shows another machine, LINUX the kernel's own" {
	[ "$(uname -m)" = x86_64 ] || skip 'only known of x86-64'
	runs '.linux.personality = {domain: "LINUX32"}' 'uname -m'
	assert_output i686
	runs '.linux.personality = {domain: "LINUX"}' 'uname -m'
	assert_output x86_64
	refuses '.linux.personality = {domain: "BSD"}' linux.personality.domain
	refuses '.linux.personality = {}' linux.personality.domain
	refuses '.linux.personality = {domain: "LINUX", flags: ["ADDR_NO_RANDOMIZE"]}' linux.personality.flags
}
