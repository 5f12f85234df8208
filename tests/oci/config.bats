# config.md: version, root, hostname, annotations; unknown properties and invalid values.

load lib

@test "config: ociVersion must be there, of SemVer, and of a version 1" {
	local version
	refuses 'del(.ociVersion)' ociVersion
	for version in 1 1.0 1.0.0.0 01.0.0 1.0.0- 1.0.0-a..b 1.0.0-01 v1.0.0 '1.0.0 ' one 2.0.0 0.9.0 ''; do
		config --arg v "$version" '.ociVersion = $v'
		run oci create c1
		assert_failure
		assert_output --partial ociVersion
	done
	assert_nothing_left
}

@test "config: every version 1 is taken, a later one than ours with a warning" {
	local version log=$BATS_TEST_TMPDIR/log
	for version in 1.0.0 1.0.0-rc5 1.0.2-dev 1.1.0+dev 1.2.1 1.3.0 1.3.0-rc.1+build.007; do
		config --arg v "$version" '.ociVersion = $v'
		run oci --log "$log" --log-format json run c1
		assert_output hello
	done
	[ ! -s "$log" ] || fail "$(<"$log")"
	config '.ociVersion = "1.99.0"'
	run oci --log "$log" --log-format json run c1
	assert_output hello
	run warnings_in "$log"
	assert_output --partial 1.99.0
}

@test "config: root.path is relative to the bundle, or absolute" {
	cd /
	for path in rootfs ./rootfs "$BUNDLE/rootfs" rootfs/; do
		jq --arg p "$path" '.root.path = $p' "$BUNDLE/base.json" >"$BUNDLE/config.json"
		run oci run --bundle "$BUNDLE" c1
		assert_output hello
	done
}

@test "config: a root that isn't there, is no folder, or isn't named is an error" {
	: >file
	snapshot_host
	refuses 'del(.root)' root
	refuses '.root = {}' root.path
	refuses '.root.path = ""' root.path
	refuses '.root.path = "nosuch"' root.path nosuch
	refuses '.root.path = "file"' root.path
}

@test "config: root.readonly is a read-only root, and the default is not" {
	runs '.root.readonly = true' 'touch /x || echo readonly; touch /dev/shm/x && echo shm'
	assert_line readonly
	assert_line shm
	[ ! -e rootfs/x ]
	runs 'del(.root.readonly)' 'touch /x && echo written'
	assert_line written
	[ -e rootfs/x ]
}

@test "config: hostname and domainname are what the container sees, and the host's stay" {
	local host
	host=$(hostname)
	runs '.hostname = "inside" | .domainname = "inside.example"' 'hostname; cat /proc/sys/kernel/domainname'
	assert_output $'inside\ninside.example'
	assert_equal "$(hostname)" "$host"
	# Where they would be the host's they are refused.
	refuses '.linux.namespaces |= map(select(.type != "uts"))' hostname uts
	refuses 'del(.hostname) | .domainname = "x" | .linux.namespaces |= map(select(.type != "uts"))' domainname
}

@test "config: annotations are a map of strings, and keys that nobody knows are fine" {
	config '.annotations = {"org.example.unknown": "x", "a": "", "org.opencontainers.image.os": "linux"}'
	run oci run c1
	assert_output hello
	started c1 '.annotations = {"a=b": "c=d", "a": "x", "\u00fc": "\n"}'
	assert_equal "$(oci state c1 | jq -c .annotations)" '{"a=b":"c=d","a":"x","ü":"\n"}'
	oci delete --force c1
	refuses '.annotations = {"": "x"}' annotations
	refuses '.annotations = {"a": 5}' annotations.a
	refuses '.annotations = {"a": null}' annotations.a
	refuses '.annotations = ["a"]' annotations
}

@test "config: an unknown property is ignored, wherever it stands, and a warning" {
	local log=$BATS_TEST_TMPDIR/log path
	config 'def add: .unheardOf = {"a": [1]};
		add | .root |= add | .process |= add | .process.user |= add | .process.capabilities |= add
		| .mounts[0] |= add | .linux |= add | .linux.namespaces[0] |= add
		| .process.rlimits = [{type: "RLIMIT_CORE", soft: 0, hard: 0} | add]
		| .hooks = {createRuntime: [{path: "/bin/true"} | add]} | .hooks |= add
		| .linux.resources = ({memory: ({} | add), cpu: ({} | add), pids: ({} | add), blockIO: ({} | add)} | add)
		| .linux.seccomp = ({defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["kcmp"], action: "SCMP_ACT_ERRNO"} | add]} | add)
		| .linux.devices = [{path: "/dev/made", type: "c", major: 1, minor: 3} | add]
		| .linux.personality = ({domain: "LINUX"} | add)'
	run oci --log "$log" --log-format json run c1
	assert_success
	assert_output hello
	run warnings_in "$log"
	for path in unheardOf root.unheardOf process.unheardOf process.user.unheardOf process.capabilities.unheardOf \
		'process.rlimits[0].unheardOf' 'mounts[0].unheardOf' hooks.unheardOf 'hooks.createRuntime[0].unheardOf' \
		linux.unheardOf 'linux.namespaces[0].unheardOf' linux.resources.unheardOf linux.resources.memory.unheardOf \
		linux.resources.cpu.unheardOf linux.resources.pids.unheardOf linux.resources.blockIO.unheardOf \
		linux.seccomp.unheardOf 'linux.seccomp.syscalls[0].unheardOf' 'linux.devices[0].unheardOf' linux.personality.unheardOf; do
		assert_line --partial "$path: "
	done
	rm "$log"
}

@test "config: what is another platform's is refused by name" {
	refuses '.windows = {layerFolders: ["x"]}' windows
	refuses '.solaris = {}' solaris
	refuses '.zos = {}' zos
	refuses '.freebsd = {}' freebsd
}

@test "config: vm: its kernel's path is needed, other launchers, images and hardware are refused by name" {
	refuses '.vm = {kernel: {path: "/nothere"}}' /nothere
	refuses '.vm = {kernel: {}}' vm.kernel.path
	refuses '.vm = {hypervisor: {path: "/x"}}' vm.hypervisor
	refuses '.vm = {image: {path: "/x", format: "raw"}}' vm.image
	refuses '.vm = {hwConfig: {deviceTree: "/x"}}' vm.hwConfig.deviceTree
	refuses '.vm = {hwConfig: {vcpus: 33}}' vm.hwConfig.vcpus
	refuses '.vm = {hwConfig: {memory: 1048576}}' vm.hwConfig.memory
	refuses '.vm = {hwConfig: {nested: "yes"}}' vm.hwConfig.nested
}

@test "config: without linux it is a process in no namespace of its own, which is refused" {
	refuses 'del(.linux) | del(.hostname)' linux.namespaces mount
}
