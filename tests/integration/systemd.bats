# The systemd cgroup manager where there is no systemd: told, and nothing begun. With one: vm-systemd.bats.

load lib

setup() {
	ctr_setup
	make_bundle "$BATS_TEST_TMPDIR/b"
}

# refused WORDS ARG...: a create that fails with these words and leaves nothing.
refused() {
	run oci "${@:2}" create --bundle "$BATS_TEST_TMPDIR/b" c1
	assert_failure 1
	assert_output --partial "$1"
	[ ! -e "$CTR_ROOT/c1" ]
}

@test "systemd: without its bus the error says so, by the flag that asked" {
	refused "--systemd-cgroup: systemd's bus does not answer at /run/dbus/system_bus_socket: there is none; use the cgroupfs manager" --systemd-cgroup
	refused "--cgroup-manager systemd: systemd's bus does not answer at" --cgroup-manager systemd
	run ctr run --rm --cgroup-manager systemd busybox true
	assert_failure 125
	assert_output --partial "--cgroup-manager systemd: systemd's bus does not answer at"
	rm -r "$BATS_TEST_TMPDIR/b"
	assert_nothing_left
}

@test "systemd: a socket that nobody listens at, or no bus at all, is told with its address" {
	mkdir -p /run/dbus
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/run/dbus/system_bus_socket")'
	refused "systemd's bus does not answer at unix:path=/run/dbus/system_bus_socket: Connection refused" --systemd-cgroup
	DBUS_SYSTEM_BUS_ADDRESS=nonsense refused "systemd's bus does not answer at nonsense" --systemd-cgroup
	rm -r /run/dbus "$BATS_TEST_TMPDIR/b"
	assert_nothing_left
}

@test "systemd: a bus without a systemd on it is none" {
	dbus-daemon --session --nofork --address "unix:path=$BATS_TEST_TMPDIR/bus" 3>&- 4>&- >"$BATS_TEST_TMPDIR/log" 2>&1 &
	BACKGROUND+=($!)
	wait_until 5 [ -S "$BATS_TEST_TMPDIR/bus" ]
	DBUS_SYSTEM_BUS_ADDRESS=unix:path=$BATS_TEST_TMPDIR/bus refused \
		"systemd's bus does not answer at unix:path=$BATS_TEST_TMPDIR/bus: " --systemd-cgroup
	assert_output --partial 'org.freedesktop.systemd1'
}

@test "systemd: cgroupsPath is looked at before anybody is asked" {
	local row
	for row in '/ctr/c1|SLICE:PREFIX:NAME' 'machine:p:n|can'\''t be a slice' 'a--b.slice:p:n|can'\''t be a slice' 'a.slice:p:n/m|can'\''t be the name of a unit'; do
		edit_config "$BATS_TEST_TMPDIR/b" --arg path "${row%%|*}" '.linux.cgroupsPath = $path'
		refused "linux.cgroupsPath: \"" --systemd-cgroup
		assert_output --partial "${row#*|}"
	done
}

@test "systemd: managers that don't go together, or aren't any" {
	refused "--systemd-cgroup: can't go with --cgroup-manager cgroupfs" --systemd-cgroup --cgroup-manager cgroupfs
	run ctr run --rm --cgroup-manager lots busybox true
	assert_failure 125
	assert_output --partial '--cgroup-manager: "lots" is not cgroupfs, systemd or disabled'
	run ctr run --rm --cgroup-manager disabled --cgroupns host busybox cat /proc/self/cgroup
	assert_success
	assert_output --partial 0::/harness
}

@test "systemd: features says that both of its kinds are there" {
	run oci features
	assert_equal "$(jq -c '.linux.cgroup | [.systemd, .systemdUser]' <<<"$output")" '[true,true]'
}

@test "systemd: ctr-systemd is no program to be used by hand" {
	run "$CTR_BUILD/bin/ctr-systemd" </dev/null
	assert_failure 2
	assert_output --partial 'not for use by hand'
}
