# config.json honoured: keys whose effect only the kernel can show. (The process object: process.bats.)

load lib

setup() {
	ctr_setup
	bundle=$BATS_TEST_TMPDIR/b
	make_bundle "$bundle"
	chmod 755 "$BATS_TEST_TMPDIR"
}

# runs FILTER SCRIPT: the bundle changed by FILTER, with a shell script as its process
runs() {
	edit_config "$bundle" --arg script "$2" "$1 | .process.args = [\"sh\", \"-c\", \$script]"
	run ctr run --rm --bundle "$bundle"
}

@test "bundle: hostname, domainname, root.readonly, cwd" {
	runs '.hostname = "named" | .domainname = "domain" | .root.readonly = true | .process.cwd = "/home"' \
		'hostname; cat /proc/sys/kernel/domainname; pwd; touch /x || echo readonly'
	assert_success
	assert_line named
	assert_line domain
	assert_line /home
	assert_line readonly
	assert_nothing_left
}

@test "bundle: all hooks, each with the state on stdin, its arguments and environment, in their order" {
	local point log=$BATS_TEST_TMPDIR/log
	# In the container's view too, for the hooks that run in there.
	mkdir "$bundle/rootfs/log"
	cat >"$BATS_TEST_TMPDIR/hook" <<-HOOK
		#!/bin/sh
		{ echo "\$1 \$WORD"; cat; echo; } >>$log
	HOOK
	printf '#!/bin/sh\n{ echo "$1 $WORD"; cat; echo; } >>/log/inside\n' >"$bundle/rootfs/hook"
	chmod 755 "$BATS_TEST_TMPDIR/hook" "$bundle/rootfs/hook"
	for point in prestart createRuntime createContainer poststart poststop; do
		edit_config "$bundle" --arg p $point --arg path "$BATS_TEST_TMPDIR/hook" \
			'.hooks[$p] = [{path: $path, args: ["hook", $p], env: ["WORD=said"], timeout: 20}]'
	done
	edit_config "$bundle" '.hooks.startContainer = [{path: "/hook", args: ["hook", "startContainer"], env: ["WORD=said"]}]'
	edit_config "$bundle" '.annotations = {"org.example": "value"}'
	run ctr run --rm --name hooked --bundle "$bundle"
	assert_success
	assert_output hello
	assert_equal "$(grep ' said' "$log" | tr '\n' ' ')" \
		'prestart said createRuntime said createContainer said poststart said poststop said '
	grep -q 'startContainer said' "$bundle/rootfs/log/inside"
	assert_equal "$(grep -v ' said' "$log" | jq -r '.id + " " + .annotations["org.example"]' | sort | uniq -c | tr -s ' ')" ' 5 hooked value'
	assert_equal "$(grep -v ' said' "$log" | jq -r .status | tr '\n' ' ')" 'creating creating creating running stopped '
	# After all is removed, the hooks' own log must not be taken for ours.
	rm -f "$log"
	assert_nothing_left
}

@test "bundle: a hook that fails or takes too long ends the start, and is named" {
	edit_config "$bundle" '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "echo no good >&2; exit 3"]}]'
	run ctr run --rm --bundle "$bundle"
	assert_failure
	assert_output --partial 'hooks.createRuntime[0]'
	assert_output --partial 'no good'
	edit_config "$bundle" '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "sleep 60"], timeout: 1}]'
	run ctr run --rm --bundle "$bundle"
	assert_failure
	assert_output --partial 'within 1 s'
	assert_nothing_left
}

@test "bundle: namespaces by path, and offsets of the clocks" {
	local sleeper
	unshare --net --uts --ipc sh -c 'hostname other; exec sleep 1000' 3>&- &
	sleeper=$!
	BACKGROUND+=("$sleeper")
	wait_until 5 test "$(readlink /proc/self/ns/net)" != "$(readlink /proc/$sleeper/ns/net)"
	wait_until 5 grep -q sleep /proc/$sleeper/cmdline
	runs "(.linux.namespaces[] | select(.type == \"network\")).path = \"/proc/$sleeper/ns/net\"
		| (.linux.namespaces[] | select(.type == \"ipc\")).path = \"/proc/$sleeper/ns/ipc\"" \
		'readlink /proc/self/ns/net; readlink /proc/self/ns/ipc'
	assert_success
	assert_line "$(readlink /proc/$sleeper/ns/net)"
	assert_line "$(readlink /proc/$sleeper/ns/ipc)"
	kill -KILL "$sleeper"
	runs 'del(.linux.namespaces[].path) | .linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 1000000}}' \
		'cut -d. -f1 /proc/uptime'
	assert_success
	[ "$output" -gt 1000000 ]
}

@test "bundle: user namespace with its maps; sysctls of its own namespaces" {
	runs '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 70000, size: 1000}]
		| .linux.gidMappings = [{containerID: 0, hostID: 80000, size: 1000}]
		| .linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "1234"}' \
		'cat /proc/self/uid_map /proc/self/gid_map /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax'
	assert_success
	assert_line --regexp '^ *0 +70000 +1000$'
	assert_line --regexp '^ *0 +80000 +1000$'
	assert_line 1
	assert_line 1234
	assert_nothing_left
}

@test "bundle: options of mounts, also recursive ones, and of tmpfs" {
	local from=$BATS_TEST_TMPDIR/from
	mkdir -p "$from/sub"
	mount -t tmpfs below "$from/sub"
	runs "$(cat <<-FILTER
		.mounts += [
			{destination: "/ro", type: "bind", source: "$from", options: ["rbind", "ro"]},
			{destination: "/rro", type: "bind", source: "$from", options: ["rbind", "rro", "rnoexec"]},
			{destination: "/t", type: "tmpfs", source: "tmpfs", options: ["size=1m", "mode=0750", "noexec", "nosuid"]},
			{destination: "/up", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}]
		FILTER
	)" 'touch /ro/x; touch /ro/sub/x && echo below; touch /rro/sub/x || echo rro; grep " /rro/sub " /proc/self/mountinfo; grep " /t " /proc/self/mountinfo; stat -c %a /t'
	umount "$from/sub"
	assert_line below
	assert_line rro
	assert_line --regexp ' /rro/sub ro,.*noexec'
	assert_line --regexp ' /t rw,nosuid,noexec'
	assert_line 750
	rm -rf "$from"
}

@test "bundle: propagation of the root and of a mount" {
	local from=$BATS_TEST_TMPDIR/from
	mkdir -p "$from/late"
	mount --bind "$from" "$from"
	mount --make-shared "$from"
	edit_config "$bundle" --arg from "$from" '.mounts += [{destination: "/slave", type: "bind", source: $from, options: ["rbind", "rslave"]},
		{destination: "/private", type: "bind", source: $from, options: ["rbind", "rprivate"]}]
		| .linux.rootfsPropagation = "rslave" | .process.args = ["sleep", "1000"]'
	ctr create --name c1 --bundle "$bundle"
	ctr start c1
	mount -t tmpfs late "$from/late"
	touch "$from/late/seen"
	run ctr exec c1 ls /slave/late /private/late
	umount "$from/late"
	assert_line seen
	assert_equal "$(grep -c '^seen' <<<"$output")" 1
	ctr rm --force c1
	umount "$from"
	rm -rf "$from"
	assert_nothing_left
}

@test "bundle: devices, masked and read-only paths" {
	runs '.linux.devices = [{path: "/dev/made", type: "c", major: 1, minor: 5, fileMode: 416, uid: 3, gid: 4}]
		| .linux.maskedPaths = ["/etc/passwd", "/home"] | .linux.readonlyPaths = ["/root"]' \
		'stat -c "%t:%T %a %u %g" /dev/made; wc -c </etc/passwd; ls /home | wc -l; touch /root/x || echo readonly'
	assert_success
	assert_line '1:5 640 3 4'
	assert_equal "$(grep -c '^0$' <<<"$output")" 2
	assert_line readonly
	assert_nothing_left
}

@test "bundle: a seccomp object with actions, arguments and an errno" {
	runs '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"], syscalls: [
			{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28},
			{names: ["kill"], action: "SCMP_ACT_ERRNO", args: [{index: 1, value: 10, op: "SCMP_CMP_EQ"}]}]}' \
		'mkdir /m; trap "echo usr2" USR2; kill -USR2 $$; kill -USR1 $$ || echo refused'
	assert_output --partial 'No space left'
	assert_line usr2
	assert_line refused
	assert_nothing_left
}
