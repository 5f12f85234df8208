# Bad input: each with an error that names the key or flag, a non-zero status, and nothing left.

load lib

setup() {
	ctr_setup
	bundle=$BATS_TEST_TMPDIR/b
	make_bundle "$bundle"
	snapshot_host
}

# refused WORDS: running the bundle fails and says WORDS
refused() {
	run ctr run --rm --bundle "$bundle"
	assert_failure
	assert_output --partial "$1"
	assert_nothing_left
}

@test "refusals: a config.json that is cut off, or no JSON at all" {
	head -c 100 "$bundle/config.json" >"$bundle/c" && mv "$bundle/c" "$bundle/config.json"
	refused config.json
	echo 'no json' >"$bundle/config.json"
	refused config.json
	rm "$bundle/config.json"
	refused config.json
}

@test "refusals: wrong types and numbers out of range" {
	edit_config "$bundle" '.process.args = "sh"'
	refused process.args
	edit_config "$bundle" '.process.args = ["/bin/true"] | .process.oomScoreAdj = 5000'
	refused process.oomScoreAdj
	edit_config "$bundle" 'del(.process.oomScoreAdj) | .process.user.uid = -1'
	refused process.user.uid
}

@test "refusals: 2^64-1 is fine where it is allowed" {
	jq '.process.rlimits = [{type: "RLIMIT_CORE", soft: 0, hard: 77777}]' "$bundle/config.json" |
		sed 's/77777/18446744073709551615/' >"$bundle/c" && mv "$bundle/c" "$bundle/config.json"
	run ctr run --rm --bundle "$bundle"
	assert_success
	sed -i 's/18446744073709551615/18446744073709551616/' "$bundle/config.json"
	refused process.rlimits
}

@test "refusals: duplicate keys" {
	sed -i '1s/{/{"hostname":"a",/' "$bundle/config.json"
	sed -i '0,/"hostname":"a",/s//"hostname":"a","hostname":"b",/' "$bundle/config.json"
	refused hostname
}

@test "refusals: what a stranger's text has to say is not a terminal's command" {
	edit_config "$bundle" '.process.cwd = "a\u001b]0;title\u0007b\nc"'
	refused $'a?]0;title?b\nc'
	run "$CTR_BUILD/bin/ctr-oci" --root "$CTR_ROOT" run --bundle "$bundle" c1
	assert_failure
	assert_output --partial 'a?]0;title?b'
}

@test "refusals: an unknown capability" {
	# In a bundle it is one that can't be granted, as the standard has it; on a command line a mistake.
	edit_config "$bundle" '.process.capabilities.bounding = ["CAP_FLY"]'
	run ctr run --rm --bundle "$bundle"
	assert_success
	assert_output --partial 'unknown capability CAP_FLY'
	run ctr run --rm --cap-add FLY busybox -- true
	assert_failure 125
	assert_output --partial FLY
}

@test "refusals: a missing rootfs, cwd, command" {
	edit_config "$bundle" '.root.path = "nothere"'
	refused root.path
	edit_config "$bundle" '.root.path = "rootfs" | .process.cwd = "/nothere"'
	refused process.cwd
	edit_config "$bundle" '.process.cwd = "relative"'
	refused process.cwd
	edit_config "$bundle" '.process.cwd = "/" | .process.args = ["/nothere"]'
	refused /nothere
}

@test "refusals: a mount destination that is a symlink out of the rootfs stays inside" {
	mkdir "$BATS_TEST_TMPDIR/outside"
	ln -s "../../outside" "$bundle/rootfs/link"
	edit_config "$bundle" '.mounts += [{destination: "/link", type: "tmpfs", source: "tmpfs"}]
		| .process.args = ["/bin/busybox", "touch", "/link/x"]'
	run ctr run --rm --bundle "$bundle"
	[ -z "$(ls -A "$BATS_TEST_TMPDIR/outside")" ]
	assert_nothing_left
}

@test "refusals: 10 000 levels of nesting, and 64 MB" {
	{
		printf '{"ociVersion":"1.0.2","x":'
		head -c 10000 /dev/zero | tr '\0' '['
		head -c 10000 /dev/zero | tr '\0' ']'
		printf '}'
	} >"$bundle/config.json"
	refused config.json
	{
		printf '{"ociVersion":"1.0.2","x":"'
		head -c 67108864 /dev/zero | tr '\0' a
		printf '"}'
	} >"$bundle/config.json"
	run ctr run --rm --bundle "$bundle"
	assert_failure
	assert_output --partial config.json
	assert_nothing_left
}

@test "refusals: flags with values that mean nothing" {
	local flag
	for flag in --memory=x --cpus=-1 --pids-limit=many --user=nosuchuser --volume=relative \
		--security-opt=nonsense --ulimit=nofile --network=moon --sysctl=kernel.panic=1; do
		run ctr run --rm "$flag" busybox -- true
		assert_failure 125
		assert_output --partial 'ctr: run:'
	done
	run ctr run --rm --name a/b busybox -- true
	assert_failure 125
	assert_nothing_left
}

@test "refusals: the host's own namespace, given by its path, is still the host's" {
	local before
	before=$(uname -n)
	edit_config "$bundle" '.linux.namespaces |= map(if .type == "uts" then .path = "/proc/self/ns/uts" else . end)
		| .hostname = "stolen"'
	refused hostname
	assert_equal "$(uname -n)" "$before"
	run ctr run --rm --network ns:/proc/self/ns/net --sysctl net.ipv4.ip_forward=1 busybox -- true
	assert_failure 125
	assert_output --partial net.ipv4.ip_forward
}

@test "refusals: a command that is not there is 127, one that can't be run is 126" {
	run ctr run --rm busybox -- nosuch
	assert_failure 127
	assert_output --partial 'exec: "nosuch": executable file not found in $PATH'
	run ctr run --rm busybox -- /nosuch
	assert_failure 127
	run ctr run --rm busybox -- /etc/passwd
	assert_failure 126
	assert_output --partial 'permission denied'
	run ctr run --rm busybox -- /etc
	assert_failure 126
	printf 'no program' >"$bundle/rootfs/junk"
	chmod 755 "$bundle/rootfs/junk"
	run ctr run --rm --bundle "$bundle" -- /junk
	assert_failure 126
	assert_output --partial 'exec format error'
	# An ELF file of a processor's that nobody emulates: s390x, but with its bytes the other way around.
	head -c 4096 "$(command -v busybox)" >"$bundle/rootfs/junk"
	printf '\026\0' | dd of="$bundle/rootfs/junk" bs=1 seek=18 conv=notrunc status=none
	run ctr run --rm --bundle "$bundle" -- /junk
	assert_failure 126
	assert_output --partial "exec format error: it is built for s390x, and the kernel here is $(uname -m)'s"
	printf '#!/nosuch\n' >"$bundle/rootfs/script"
	chmod 755 "$bundle/rootfs/script"
	run ctr run --rm --bundle "$bundle" -- /script
	assert_failure 127
	rm "$bundle/rootfs/junk" "$bundle/rootfs/script"
	assert_nothing_left
}

@test "refusals: a root that is a file, is empty, is the host's own" {
	edit_config "$bundle" '.root.path = "config.json"'
	refused root.path
	edit_config "$bundle" '.root.path = ""'
	refused root.path
	edit_config "$bundle" 'del(.root)'
	refused root
	edit_config "$bundle" '.root = {path: "/nothere/at/all"}'
	refused /nothere/at/all
}

@test "refusals: each key of a wrong type is named by its whole path" {
	local row
	for row in '.linux.namespaces[0].type = 5|linux.namespaces[0].type' \
		'.linux.namespaces[0].type = "moon"|linux.namespaces[0].type' \
		'.mounts[1].options = "ro"|mounts[1].options' \
		'.mounts[1].options = ["nosuid", 7]|mounts[1].options[1]' \
		'.process.rlimits = [{"type":"RLIMIT_CORE","soft":-1,"hard":1}]|process.rlimits[0].soft' \
		'.process.rlimits = [{"type":"RLIMIT_NO","soft":1,"hard":1}]|process.rlimits[0].type' \
		'.process.capabilities.effective = [1]|process.capabilities.effective[0]' \
		'.linux.resources.memory.limit = "1g"|linux.resources.memory.limit' \
		'.linux.resources.devices = [{"allow":true,"type":"q"}]|linux.resources.devices[0].type' \
		'.hooks.prestart = [{"path":5}]|hooks.prestart[0].path' \
		'.annotations = {"a": 5}|annotations.a' \
		'.process.env = [["A","B"]]|process.env[0]' \
		'.linux.seccomp = {"defaultAction":"SCMP_ACT_NO"}|linux.seccomp.defaultAction' \
		'.ociVersion = 1|ociVersion' \
		'.ociVersion = "2.0"|ociVersion' \
		'.process.user.uid = 4294967295|process.user.uid' \
		'.process.user.gid = 4294967295|process.user.gid' \
		'.process.user.additionalGids = [4294967295]|process.user.additionalGids[0]' \
		'.process.rlimits = [{type: "RLIMIT_CORE", soft: 0, hard: 1}, {type: "RLIMIT_CORE", soft: 0, hard: 2}]|process.rlimits[1]' \
		'.linux.devices = [{path: "/dev/x", type: "c"}]|linux.devices[0].major' \
		'.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: [], action: "SCMP_ACT_ERRNO"}]}|linux.seccomp.syscalls[0].names' \
		'.linux.cgroupsPath = "../x"|cgroup' \
		'.linux.cgroupsPath = "/a/../../x"|cgroup' \
		'.linux.resources.memory.swappiness = 300|linux.resources.memory.swappiness' \
		'.linux.intelRdt = {closID: "x"}|linux.intelRdt: this' \
		'.process = []|process' '.mounts = {}|mounts' '.linux = "x"|linux'; do
		cp "$bundle/config.json" "$bundle/saved"
		edit_config "$bundle" "${row%|*}"
		refused "${row#*|}"
		mv "$bundle/saved" "$bundle/config.json"
	done
}
