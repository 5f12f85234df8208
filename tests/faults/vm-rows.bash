# The rows of the stage tables that need systemd or a controller: cases, and what may be left counted with
# the units. `load vm-rows` after lib, faults and rows, in files that run in the test VM under systemd.

setup_file() {
	# A user's systemd is asked for below; its tmpfiles would empty /tmp, with bats in it.
	systemctl mask --runtime systemd-tmpfiles-setup.service
	systemctl start ctrtest.slice
	make_bundle "$BATS_FILE_TMPDIR/plain"
	edit_config "$BATS_FILE_TMPDIR/plain" '.process.args = ["sleep", "1000"]'
}

teardown_file() {
	systemctl stop ctrtest.slice
}

setup() {
	local bundle
	rows_begin
	chmod 755 "$BATS_FILE_TMPDIR"
	for bundle in scope slice moved; do
		mkdir "$bundle"
		ln -s "$BATS_FILE_TMPDIR/plain/rootfs" "$bundle/rootfs"
		cp "$BATS_FILE_TMPDIR/plain/config.json" "$bundle"
	done
	edit_config scope '.linux.cgroupsPath = "ctrtest.slice::ctr-c1" | .linux.resources = {pids: {limit: 44},
		devices: [{allow: false, access: "rwm"}], unified: {"memory.high": "60M"}}'
	edit_config slice '.linux.cgroupsPath = "::ctrtest-own.slice"'
	edit_config moved '.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 1000, size: 1}] | .linux.gidMappings = .linux.uidMappings'
	snapshot_host
}

teardown() {
	rows_teardown
	# For who asks what all the cases of a file have walked.
	cp -f walked.* "$BATS_FILE_TMPDIR" 2>/dev/null || true
}

# In the host's mount namespace: what systemd mounts at /run/user isn't seen in ours.
AS_USER="nsenter --target 1 --mount setpriv --reuid 1000 --regid 1000 --clear-groups env -i PATH=$PATH HOME=/home XDG_RUNTIME_DIR=/run/user/1000"

oci() {
	if [ -e user ]; then
		$AS_USER systemd-run --user --scope --quiet -p Delegate=yes -- "$OCI" --root "$CTR_ROOT/user" --systemd-cgroup "$@" 3>&- 4>&-
	else
		"$OCI" --root "$CTR_ROOT" "$@" 3>&- 4>&-
	fi
}

case_begin() {
	[ "$1" = moved ] || return 0
	oci create --bundle "$PWD/moved" c1 </dev/null >said.create 2>&1 || fail "$(<said.create)"
	oci start c1
}

case_command() {
	local oci="$OCI --root $CTR_ROOT"
	case $1 in
	scope | slice) echo "$oci --systemd-cgroup create --bundle $1 c1 && $oci start c1" ;;
	closed) echo "$CTR_BIN --root $CTR_ROOT run --rm --name c1 --cgroup-conf pids.max=0 --rootfs $PWD/scope/rootfs true" ;;
	# From a process outside of the user's units, into which it may not clone.
	moved) echo "$AS_USER $OCI --root $CTR_ROOT/user exec c1 true" ;;
	esac
}

# Of what a case walks, the rows that are nobody else's.
only_new() {
	grep -E "^[^"$'\t'"]*($ELSEWHERE)" rows >new
	mv new rows
}

# Also our units, loaded or as files.
host_files() {
	find "$CTR_ROOT" "$TMPDIR" /run/ctr /tmp/ctr* -mindepth 1 -xdev -printf 'file %p\n' 2>/dev/null |
		grep -Ev "${KEPT_FILES:-/(cache|\.seccomp|\.events(\.1)?)(/|$)|/tmp/ctr-(vm|bench|fuzz)}" | sort || true
	find /run/systemd/transient /run/user/1000/systemd/transient -name '*ctr*' -printf 'file %p\n' 2>/dev/null | sort
	systemctl list-units --all --plain --no-legend 'ctr*' 2>/dev/null |
		awk '$3 != "inactive" || $2 != "loaded" { print "unit " $1 }'
}

# An ordinary user, with a systemd of its own.
user_begins() {
	getent passwd 1000 >/dev/null || useradd --uid 1000 ctrtest
	systemctl start user@1000.service
	# It would be started by whoever asks first.
	$AS_USER systemctl --user start dbus.service
	mkdir -m 700 "$CTR_ROOT/user"
	chown 1000:1000 "$CTR_ROOT/user"
	ln -s "$CTR_ROOT/user" user
	snapshot_host
}

user_ends() {
	rm user
	systemctl stop user@1000.service
}
