# features.md, features-linux.md: the document tells the truth, word by word.

load lib

setup() {
	oci_setup
	DOC=$BATS_TEST_TMPDIR/features
	oci features >"$DOC"
	snapshot_host
}

# words PATH: the strings of an array in the document.
words() {
	jq -r "$1[]" "$DOC"
}

# accepted FILTER: such a container can be made, and not a word of it is unknown.
accepted() {
	local log=$BATS_TEST_TMPDIR/log
	config --slurpfile f "$DOC" "$1"
	rm -f "$log"
	status=0
	oci --log "$log" --log-format json create c1 >"$OUT" 2>&1 </dev/null || status=$?
	output=$(<"$OUT")
	assert_success
	[ ! -s "$log" ] || ! grep -e unknown -e 'not in runtime spec' "$log"
	oci delete --force c1
}

@test "features: both versions are there, in order, and config.json may have either" {
	run jq -r '.ociVersionMin, .ociVersionMax' "$DOC"
	assert_output $'1.0.0\n1.3.0'
	accepted '.ociVersion = $f[0].ociVersionMin'
	accepted '.ociVersion = $f[0].ociVersionMax'
}

@test "features: no property but those of the standard, and none that is null" {
	run jq -r '[paths | map(select(type == "string")) | join(".")] | unique | .[]' "$DOC"
	assert_output "$(sort <<-'PATHS'
		annotations
		annotations.dev.ctr.version
		hooks
		linux
		linux.apparmor
		linux.apparmor.enabled
		linux.capabilities
		linux.cgroup
		linux.cgroup.rdma
		linux.cgroup.systemd
		linux.cgroup.systemdUser
		linux.cgroup.v1
		linux.cgroup.v2
		linux.intelRdt
		linux.intelRdt.enabled
		linux.memoryPolicy
		linux.memoryPolicy.flags
		linux.memoryPolicy.modes
		linux.mountExtensions
		linux.mountExtensions.idmap
		linux.mountExtensions.idmap.enabled
		linux.namespaces
		linux.netDevices
		linux.netDevices.enabled
		linux.seccomp
		linux.seccomp.actions
		linux.seccomp.archs
		linux.seccomp.enabled
		linux.seccomp.knownFlags
		linux.seccomp.operators
		linux.seccomp.supportedFlags
		linux.selinux
		linux.selinux.enabled
		mountOptions
		ociVersionMax
		ociVersionMin
		potentiallyUnsafeConfigAnnotations
	PATHS
	)"
	run jq '[.. | select(. == null)] | length' "$DOC"
	assert_output 0
}

@test "features: each hook is one that config.json may have" {
	accepted '.hooks = ($f[0].hooks | map({key: ., value: [{path: "/bin/true"}]}) | from_entries | .startContainer[0].path = "/bin/true")'
}

@test "features: each mount option is known, and none is a filesystem's own" {
	local option
	mkdir rootfs/made
	for option in $(words .mountOptions); do
		case $option in
		idmap | ridmap)
			config --arg o "$option" '.mounts += [{destination: "/made", source: "rootfs/home", options: ["rbind", $o],
				uidMappings: [{containerID: 0, hostID: 0, size: 9}], gidMappings: [{containerID: 0, hostID: 0, size: 9}]}]' ;;
		remount) config '.mounts += [{destination: "/made", type: "tmpfs", source: "t"}, {destination: "/made", type: "tmpfs", options: ["remount"]}]' ;;
		*bind | *private | *shared | *slave | *unbindable | r[a-z]* | *nofollow | copy-symlink)
			config --arg o "$option" '.mounts += [{destination: "/made", source: "rootfs/home", options: (["rbind"] + [$o] | unique)}]' ;;
		*) config --arg o "$option" '.mounts += [{destination: "/made", type: "tmpfs", source: "t", options: [$o]}]' ;;
		esac
		run oci run c1
		assert_success || fail "$option"
		assert_output hello
	done
	for option in size mode nr_inodes newinstance ptmxmode gid; do
		! words .mountOptions | grep -qx "$option" || fail "$option is a filesystem's"
	done
}

@test "features: each kind of namespace is known" {
	local kind
	for kind in $(words .linux.namespaces); do
		[ $kind != mount ] || continue
		refuses ".linux.namespaces = [{type: \"mount\"}, {type: \"$kind\", path: \"/nosuch\"}] | .linux.namespaces |= unique_by(.type) | del(.hostname)" "linux.namespaces ($kind).path"
	done
}

@test "features: each capability, seccomp word and memory policy is known" {
	accepted '.process.capabilities.bounding = $f[0].linux.capabilities'
	accepted '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: $f[0].linux.seccomp.archs,
		syscalls: ($f[0].linux.seccomp.actions - ["SCMP_ACT_NOTIFY"] | map({names: ["kcmp"], action: .}))}'
	accepted '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: ($f[0].linux.seccomp.operators
		| map({names: ["kcmp"], action: "SCMP_ACT_ERRNO", args: [{index: 0, value: 1, valueTwo: 1, op: .}]}))}'
	refuses '.linux.seccomp = {defaultAction: "SCMP_ACT_NOTIFY"}' listenerPath
	for mode in $(words .linux.memoryPolicy.modes); do
		config --arg m "$mode" '.linux.memoryPolicy = {mode: $m, nodes: "x"}'
		run oci create c1
		refute_output --partial unknown
	done
	for flag in $(words .linux.memoryPolicy.flags); do
		config --arg m "$flag" '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "x", flags: [$m]}'
		run oci create c1
		refute_output --partial unknown
	done
}

@test "features: supported seccomp flags are known ones, and work" {
	local flag
	run jq '.linux.seccomp | .supportedFlags - .knownFlags | length' "$DOC"
	assert_output 0
	for flag in $(words .linux.seccomp.supportedFlags); do
		[ $flag != SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV ] || continue
		config --arg f $flag '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", flags: [$f], syscalls: [{names: ["kcmp"], action: "SCMP_ACT_ERRNO"}]}'
		run oci run c1
		assert_output hello
	done
}

@test "features: what is said to be missing is refused, what is said to be there isn't" {
	run jq -e '.linux | .intelRdt.enabled == false and .cgroup.v1 == false and .cgroup.v2 and .cgroup.systemd and
		.netDevices.enabled and .mountExtensions.idmap.enabled and .seccomp.enabled' "$DOC"
	assert_success
	refuses '.linux.intelRdt = {}' linux.intelRdt
}

@test "features: annotations are strings by keys that aren't empty, and unsafe ones are named" {
	run jq -e '(.annotations | to_entries | all((.key | length > 0) and (.value | type == "string"))) and
		.potentiallyUnsafeConfigAnnotations == ["dev.ctr."]' "$DOC"
	assert_success
}

@test "features: are the program's own, the same wherever it runs" {
	run unshare --user --map-root-user "$OCI" features
	assert_output "$(<"$DOC")"
}
