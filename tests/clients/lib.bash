# What the tests of engines share: `load lib`. The engines are Debian's packages, and drive our plug-in
# by the very files of configs/; they keep what they have on filesystems that go away with the test's
# mount namespace.
# shellcheck disable=SC2034,SC2154
load ../integration/lib

# have PROGRAM...: the packages are there, or the test says why it can't run.
have() {
	local program
	for program; do
		[ -x "$program" ] || skip "$program is not installed (make deps-test)"
	done
}

# config FILE: one of configs/, with the program that was just built instead of an installed one.
config() {
	sed "s#/usr/local/bin/ctr-oci#$OCI#" "$REPO/configs/$1"
}

# podman binds its storage over itself while it needs it, and takes that away when it feels like it.
host_mounts() {
	awk '$5 != "/var/lib/containers/storage/overlay" { print "mount " $5 }' /proc/self/mountinfo | sort
}

# A group that it makes to see which controllers it would get.
host_cgroups() {
	find "$CGROUPS" -mindepth 1 -type d ! -name podman_probe -printf 'cgroup /%P\n' |
		awk '$2 != "/harness"' | sort
}

# private DIR...: a fresh tmpfs over each, for this file's run.
private() {
	local dir
	for dir; do
		mkdir -p "$dir"
		mount -t tmpfs -o mode=755 tmpfs "$dir"
	done
}

# make_image FILE [NAME [COMMAND...]]: an archive in docker's format with one image, "box", of busybox and
# the probe, whose command is sh.
make_image() {
	local work layer config name=${2-box}
	work=$(mktemp -d "$BATS_FILE_TMPDIR/image.XXXXXX")
	make_bundle "$work/bundle"
	tar -C "$work/bundle/rootfs" -cf "$work/layer.tar" .
	layer=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
	jq -n --arg layer "sha256:$layer" '{
		architecture: "amd64", os: "linux",
		config: {Cmd: $ARGS.positional, Env: ["PATH=/bin"]},
		rootfs: {type: "layers", diff_ids: [$layer]}
	}' --args "${@:3}" >"$work/config.json"
	[ $# -gt 2 ] || sed -i 's/"Cmd": \[\]/"Cmd": ["sh"]/' "$work/config.json"
	config=$(sha256sum "$work/config.json" | cut -d' ' -f1)
	mv "$work/config.json" "$work/$config.json"
	jq -n --arg config "$config.json" --arg name "docker.io/library/$name:1" \
		'[{Config: $config, RepoTags: [$name], Layers: ["layer.tar"]}]' \
		>"$work/manifest.json"
	tar -C "$work" -cf "$1" manifest.json "$config.json" layer.tar
	rm -rf "$work"
}

# ours ROOT ID [STATUS]: is that container in our program's hands, and in this status?
ours() {
	[ "$("$OCI" --root "$1" state "$2" 2>/dev/null | jq -r .status)" = "${3:-running}" ]
}

# engine LOG COMMAND...: start a daemon for this file, in a network namespace of its own, where it may listen.
engine() {
	local log=$1
	shift
	unshare --net -- sh -c 'busybox ip link set lo up && exec "$@"' sh "$@" >"$log" 2>&1 </dev/null 3>&- 4>&- &
	echo $! >>"$BATS_FILE_TMPDIR/engines"
}

stop_engines() {
	local pid
	[ -f "$BATS_FILE_TMPDIR/engines" ] || return 0
	while read -r pid; do
		kill -TERM "$pid" 2>/dev/null || continue
		wait_until 10 process_gone "$pid" || kill -KILL "$pid"
	done <"$BATS_FILE_TMPDIR/engines"
}

# split COMMAND...: run it; $out and $errors are what it wrote to each, $status its exit status.
split() {
	status=0
	"$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/errors" 3>&- || status=$?
	out=$(<"$BATS_TEST_TMPDIR/out") errors=$(<"$BATS_TEST_TMPDIR/errors")
}

# What podman and buildah are told here: what this machine can't do is left out, the rest by our drop-in.
podman_config() {
	private /etc/containers
	mkdir /etc/containers/containers.conf.d
	config podman.conf >/etc/containers/containers.conf.d/50-ctr.conf
	cat >/etc/containers/containers.conf <<-'CONF'
	[containers]
	pids_limit = 0
	log_driver = "k8s-file"
	[engine]
	cgroup_manager = "cgroupfs"
	events_logger = "file"
	CONF
	echo '{"default": [{"type": "insecureAcceptAnything"}]}' >/etc/containers/policy.json
	: >/etc/containers/registries.conf
}

# Daemons clean up behind the back of the command that asked for it.
assert_nothing_left() {
	wait_until 5 nothing_left 2>/dev/null || fail "$LEFT"
}
