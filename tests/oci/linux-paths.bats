# config-linux.md: masked and read-only paths, propagation of the root, mount label, memory policy, Intel RDT.

load lib

@test "paths: masked ones can't be read: files are empty, folders too, and what isn't there is no error" {
	runs '.linux.maskedPaths = ["/etc/passwd", "/home", "/proc/kcore", "/nosuch/path"] | .process.capabilities |= map_values(. + ["CAP_DAC_OVERRIDE"])' \
		'wc -c </etc/passwd; ls -A /home | wc -l; head -c 1 /proc/kcore | wc -c; echo x >/home/x || echo readonly'
	assert_equal "$(grep -c '^0$' <<<"$output")" 3
	assert_line readonly
}

@test "paths: read-only ones can be read and not written" {
	runs '.linux.readonlyPaths = ["/etc", "/proc/sys", "/nosuch/path"]' \
		'grep -c root /etc/passwd; echo x >>/etc/passwd || echo one; echo 1 >/proc/sys/net/ipv4/ip_forward || echo two; touch /writable && echo three'
	assert_line 1
	assert_line one
	assert_line two
	assert_line three
}

@test "paths: relative ones are errors" {
	refuses '.linux.maskedPaths = ["proc/kcore"]' 'linux.maskedPaths[0]' absolute
	refuses '.linux.readonlyPaths = ["/proc/sys", "proc/bus"]' 'linux.readonlyPaths[1]' absolute
	refuses '.linux.maskedPaths = "/proc/kcore"' linux.maskedPaths
	refuses '.linux.readonlyPaths = [5]' 'linux.readonlyPaths[0]'
}

@test "paths: a symlink in a masked or read-only path doesn't lead out of the root" {
	ln -s ../../../../../../../../etc/hostname rootfs/link
	local before
	before=$(stat -c %s /etc/hostname)
	runs '.linux.maskedPaths = ["/link"] | .linux.readonlyPaths = ["/link"]' 'echo ran'
	assert_equal "$(stat -c %s /etc/hostname)" "$before"
}

@test "propagation: the root is shared, slave, private or unbindable" {
	local word
	for word in shared slave private unbindable rshared rslave rprivate runbindable; do
		runs ".linux.rootfsPropagation = \"$word\"" 'awk "\$5 == \"/\"" /proc/self/mountinfo'
		assert_success
		case $word in
		*shared) assert_output --partial shared: ;;
		*unbindable) assert_output --partial unbindable ;;
		*) refute_output --partial shared: ;;
		esac
	done
	refuses '.linux.rootfsPropagation = "public"' linux.rootfsPropagation
}

@test "propagation: what the host mounts shows up in a slave, not in a private root" {
	local word
	mount --bind rootfs rootfs
	mount --make-shared rootfs
	mkdir rootfs/late
	for word in slave private; do
		started c1 ".linux.rootfsPropagation = \"$word\""
		mount -t tmpfs late rootfs/late
		touch rootfs/late/seen
		run oci exec c1 ls /late
		umount rootfs/late
		if [ $word = slave ]; then assert_output seen; else assert_output ''; fi
		oci delete --force c1
	done
	umount rootfs
}

@test "propagation: what a shared root mounts is not the host's" {
	started c1 '.linux.rootfsPropagation = "shared" | .process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])' \
		'mkdir /m; mount -t tmpfs inside /m && echo mounted; exec sleep 1000'
	wait_until 5 grep -q mounted "$OUT"
	run ! grep -q ' inside ' /proc/self/mountinfo
	oci delete --force c1
	rmdir rootfs/m
}

@test "label: mountLabel is a warning on a kernel without SELinux, else an option of mounts" {
	local log=$BATS_TEST_TMPDIR/log
	if [ -e /sys/fs/selinux/enforce ]; then
		runs '.linux.mountLabel = "system_u:object_r:container_file_t:s0"' 'grep " /dev " /proc/self/mountinfo'
		assert_output --partial context=
	else
		config '.linux.mountLabel = "system_u:object_r:container_file_t:s0"'
		run oci --log "$log" --log-format json run c1
		assert_output hello
		run warnings_in "$log"
		assert_output --partial linux.mountLabel
	fi
}

@test "memory policy: is the process's, with nodes and flags" {
	shows() {
		config "$1"
		edit_config . '.process.args = ["probe", "self"]'
		run oci run c1
		assert_success
	}
	shows '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"]}'
	assert_line "mempolicy $((2 | 1 << 15))"
	shows '.linux.memoryPolicy = {mode: "MPOL_INTERLEAVE", nodes: "0"}'
	assert_line 'mempolicy 3'
	shows '.linux.memoryPolicy = {mode: "MPOL_PREFERRED", nodes: "0"}'
	assert_line 'mempolicy 1'
	shows '.linux.memoryPolicy = {mode: "MPOL_LOCAL"}'
	assert_line 'mempolicy 4'
	shows '.linux.memoryPolicy = {mode: "MPOL_DEFAULT"}'
	assert_line 'mempolicy 0'
}

@test "memory policy: what can't be is named" {
	refuses '.linux.memoryPolicy = {mode: "MPOL_NOSUCH"}' linux.memoryPolicy.mode
	refuses '.linux.memoryPolicy = {nodes: "0"}' linux.memoryPolicy.mode
	refuses '.linux.memoryPolicy = {mode: "MPOL_BIND"}' linux.memoryPolicy nodes
	refuses '.linux.memoryPolicy = {mode: "MPOL_DEFAULT", nodes: "0"}' linux.memoryPolicy
	refuses '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "x"}' linux.memoryPolicy.nodes
	refuses '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_NOSUCH"]}' 'linux.memoryPolicy.flags[0]'
}

@test "intel rdt: is refused by name, whatever it asks" {
	refuses '.linux.intelRdt = {}' linux.intelRdt
	refuses '.linux.intelRdt = {closID: "group", schemata: ["L3:0=f"], l3CacheSchema: "L3:0=f", memBwSchema: "MB:0=20", enableMonitoring: true}' linux.intelRdt
	refuses '.linux.intelRdt = {schemata: "L3:0=f"}' linux.intelRdt.schemata
	runs . 'echo untouched'
	assert_output untouched
}
