# config-linux.md: devices, default devices; runtime-linux.md: the links in /dev.

load lib

DEFAULTS=(null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0)

@test "devices: the default ones are there and work, as do the links" {
	local row name major minor
	runs . 'cd /dev; for n in null zero full random urandom tty; do stat -c "%n %F %t %T %a" $n; done
		for n in ptmx fd stdin stdout stderr; do echo $n $(readlink $n); done
		echo x >null; head -c 4 zero | wc -c; head -c 3 urandom | wc -c; { echo x >full; } 2>&1; stat -c %F /dev/ptmx /dev/pts/ptmx; ls -d console'
	for row in "${DEFAULTS[@]}"; do
		IFS=: read -r name major minor <<<"$row"
		assert_line "$name character special file $major $minor 666"
	done
	assert_line --regexp '^ptmx (/dev/)?pts/ptmx$'
	assert_line 'fd /proc/self/fd'
	assert_line 'stdin /proc/self/fd/0'
	assert_line 'stdout /proc/self/fd/1'
	assert_line 'stderr /proc/self/fd/2'
	assert_line 4
	assert_line 3
	assert_line --partial 'No space left'
	# Without terminal there is no console.
	assert_line --partial 'console: No such file'
}

@test "devices: default ones and links also where /dev is the rootfs's own folder" {
	runs 'del(.mounts[] | select(.destination | startswith("/dev")))' 'cd /dev; for n in null zero full random urandom tty; do stat -c "%n %t %T" $n; done; for n in fd stdin stdout stderr; do readlink $n; done'
	assert_line 'null 1 3'
	assert_line 'tty 5 0'
	assert_line /proc/self/fd/2
}

@test "devices: each that is listed, anywhere, with its mode and owner" {
	runs '.linux.devices = [
			{path: "/dev/made", type: "c", major: 1, minor: 5, fileMode: 420, uid: 3, gid: 4},
			{path: "/some/where/else", type: "u", major: 1, minor: 7},
			{path: "/dev/block", type: "b", major: 7, minor: 200, fileMode: 384},
			{path: "/dev/pipe", type: "p", fileMode: 438}]' \
		'stat -c "%n %F %t %T %a %u %g" /dev/made /some/where/else /dev/block /dev/pipe; head -c 2 /dev/made | wc -c'
	assert_line '/dev/made character special file 1 5 644 3 4'
	assert_line --partial '/some/where/else character special file 1 7 '
	assert_line '/dev/block block special file 7 c8 600 0 0'
	assert_line '/dev/pipe fifo 0 0 666 0 0'
	assert_line 2
}

@test "devices: one that is there already is taken, another file in its place is an error" {
	mkdir -p rootfs/opt
	mknod rootfs/opt/same c 1 5
	mknod rootfs/opt/other c 1 7
	mkfifo rootfs/opt/fifo
	echo text >rootfs/opt/file
	mkdir rootfs/opt/folder
	snapshot_host
	runs '.linux.devices = [{path: "/opt/same", type: "c", major: 1, minor: 5}, {path: "/opt/fifo", type: "p"}]' 'stat -c "%t %T" /opt/same'
	assert_output '1 5'
	refuses '.linux.devices = [{path: "/opt/other", type: "c", major: 1, minor: 5}]' 'linux.devices[0]' /opt/other
	refuses '.linux.devices = [{path: "/opt/fifo", type: "c", major: 1, minor: 5}]' 'linux.devices[0]' /opt/fifo
	refuses '.linux.devices = [{path: "/opt/folder", type: "c", major: 1, minor: 5}]' 'linux.devices[0]' /opt/folder
	refuses '.linux.devices = [{path: "/opt/file", type: "c", major: 1, minor: 5}]' 'linux.devices[0]' /opt/file
	assert_equal "$(<rootfs/opt/file)" text
}

@test "devices: what is missing or wrong is named" {
	refuses '.linux.devices = [{type: "c", major: 1, minor: 5}]' 'linux.devices[0].path'
	refuses '.linux.devices = [{path: "/dev/x", major: 1, minor: 5}]' 'linux.devices[0].type'
	refuses '.linux.devices = [{path: "/dev/x", type: "q", major: 1, minor: 5}]' 'linux.devices[0].type'
	refuses '.linux.devices = [{path: "/dev/x", type: "c"}]' 'linux.devices[0].major'
	refuses '.linux.devices = [{path: "/dev/x", type: "c", major: 1}]' 'linux.devices[0].minor'
	refuses '.linux.devices = [{path: "/dev/x", type: "b", minor: 1}]' 'linux.devices[0].major'
	refuses '.linux.devices = [{path: "/dev/x", type: "c", major: -1, minor: 5}]' 'linux.devices[0]' major
	refuses '.linux.devices = [{path: "/dev/x", type: "c", major: 1, minor: 5, fileMode: 4294967296}]' 'linux.devices[0].fileMode'
	refuses '.linux.devices = [{path: "dev/x", type: "c", major: 1, minor: 5}]' 'linux.devices[0]' absolute
}

@test "devices: owners are ids of the container, and in a user namespace a node works" {
	chmod 711 "$BUNDLE"
	runs '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 70000, size: 1000}]
		| .linux.gidMappings = .linux.uidMappings | .linux.devices = [{path: "/dev/zero", type: "c", major: 1, minor: 5}]' \
		'head -c 5 /dev/zero | wc -c; echo x >/dev/null && echo null'
	assert_output $'5\nnull'
}

@test "devices: rules of access are applied in the listed order, the last that fits counts" {
	local caps='.process.capabilities |= map_values(. + ["CAP_MKNOD"])'
	# The default ones stay, and so does making nodes, as long as no rule of the list is about them.
	runs "$caps | .linux.resources.devices = [{allow: false, access: \"rwm\"}]" \
		'cat </dev/null && echo null; mknod /b c 10 200; cat </b'
	assert_line null
	assert_output --partial "can't open /b: Operation not permitted"
	runs "$caps | .linux.resources.devices = [{allow: false, access: \"rwm\"}, {allow: false, type: \"b\", access: \"m\"},
		{allow: false, type: \"c\", major: 1, minor: 5, access: \"w\"}]" \
		'mknod /k b 7 3 || echo refused; head -c 1 /dev/zero | wc -c; { echo x >/dev/zero; } 2>&1'
	assert_line refused
	assert_line 1
	assert_output --partial "can't create /dev/zero: Operation not permitted"
	runs "$caps | .linux.resources.devices = [{allow: false, access: \"rwm\"}, {allow: true, type: \"c\", major: 10, minor: 200, access: \"m\"},
		{allow: true, type: \"b\", major: 7, access: \"m\"}, {allow: false, type: \"b\", major: 7, minor: 3, access: \"m\"}]" \
		'rm -f /b; mknod /b c 10 200 && echo b; cat </b; mknod /l b 7 4 && echo l; mknod /k b 7 3 || echo no k'
	assert_line b
	assert_line l
	assert_line 'no k'
	assert_output --partial "can't open /b: Operation not permitted"
	runs "$caps | .linux.resources.devices = [{allow: true, type: \"b\", major: 7, minor: 3, access: \"m\"}, {allow: false, type: \"b\", access: \"rwm\"}]" \
		'rm -f /k; mknod /k b 7 3 || echo refused'
	assert_line refused
}

@test "devices: rules that are wrong are named" {
	refuses '.linux.resources.devices = [{access: "rwm"}]' 'linux.resources.devices[0].allow'
	refuses '.linux.resources.devices = [{allow: true, access: "rwx"}]' 'linux.resources.devices[0].access'
	refuses '.linux.resources.devices = [{allow: true, type: "p"}]' 'linux.resources.devices[0].type'
	refuses '.linux.resources.devices = [{allow: true, major: "1"}]' 'linux.resources.devices[0].major'
}
