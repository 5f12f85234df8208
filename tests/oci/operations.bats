# runtime.md: the five operations, and what makes each of them fail.

load lib

@test "state: without an id, or of a container that isn't there, is an error" {
	run oci state
	assert_failure
	run oci state nosuch
	assert_failure
	assert_output --partial 'container "nosuch" does not exist'
}

@test "create: without an id is an error" {
	run oci create
	assert_failure
	run oci create --bundle "$BUNDLE"
	assert_failure
	assert_equal "$(oci list --quiet)" ''
	assert_nothing_left
}

@test "create: a bundle that isn't there, or holds no config.json, is an error" {
	run oci create --bundle "$BATS_TEST_TMPDIR/nosuch" c1
	assert_failure
	assert_output --partial nosuch
	mkdir "$BATS_TEST_TMPDIR/empty"
	run oci create --bundle "$BATS_TEST_TMPDIR/empty" c1
	assert_failure
	assert_output --partial config.json
	run oci state c1
	assert_failure
	rmdir "$BATS_TEST_TMPDIR/empty"
	assert_nothing_left
}

@test "create: an id that is taken is an error, and the container that has it is as it was" {
	local before
	started c1 .
	before=$(oci state c1)
	run oci create c1
	assert_failure
	assert_output --partial c1
	assert_equal "$(oci state c1)" "$before"
	oci delete --force c1
	# An id is free again once its container is deleted.
	create c1
	oci delete --force c1
	assert_nothing_left
}

@test "create: an id that is none is an error, and nothing is made" {
	local id
	for id in '' . .. a/b ../escaped -x $'a\nb' "$(printf 'x%.0s' {1..2000})"; do
		run oci create -- "$id"
		assert_failure
	done
	assert_equal "$(oci list --quiet)" ''
	assert_nothing_left
}

@test "create: makes the container, and its program doesn't run" {
	local pid
	config . 'touch /ran; sleep 1000'
	create c1
	status_is c1 created
	pid=$(oci state c1 | jq .pid)
	sleep 0.2
	[ ! -e rootfs/ran ]
	# Namespaces, root and hostname are there already.
	[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]
	[ -x "/proc/$pid/root/usr/bin/probe" ]
	assert_equal "$(nsenter -t "$pid" -u hostname)" bundle
	oci start c1
	wait_until 5 test -e rootfs/ran
	oci delete --force c1
	rm rootfs/ran
	assert_nothing_left
}

@test "create: what can't be applied is an error, and there is no container" {
	refuses '.mounts += [{destination: "/x", type: "nosuchfs", source: "x"}]' 'mounts[7]' nosuchfs
	refuses '.linux.sysctl = {"net.ipv4.no_such_key": "1"}' linux.sysctl no_such_key
	refuses '.linux.seccomp = {defaultAction: "SCMP_ACT_NOTIFY"}' listenerPath
	refuses '.hostname = ("x" * 65)' hostname
}

@test "create: later changes of config.json have no effect" {
	config . 'echo first; exec sleep 1000'
	create c1
	config '.process.env = ["PATH=/bin", "LATER=1"] | .annotations = {later: "1"}' 'echo second'
	oci start c1
	wait_until 5 grep -q . "$OUT"
	assert_equal "$(<"$OUT")" first
	run oci exec c1 env
	refute_output --partial LATER
	assert_equal "$(oci state c1 | jq .annotations)" null
	oci delete --force c1
	assert_nothing_left
}

@test "start: without an id, or of a container that isn't there, is an error" {
	run oci start
	assert_failure
	run oci start nosuch
	assert_failure
	assert_output --partial 'does not exist'
}

@test "start: runs the program, once; a second start is an error and changes nothing" {
	local before
	started c1 . 'echo run >>/runs; exec sleep 1000'
	status_is c1 running
	wait_until 5 test -s rootfs/runs
	before=$(oci state c1)
	run oci start c1
	assert_failure
	assert_output --partial running
	assert_equal "$(oci state c1)" "$before"
	oci kill c1 KILL
	wait_until 5 status_is c1 stopped
	run oci start c1
	assert_failure
	assert_output --partial stopped
	status_is c1 stopped
	assert_equal "$(<rootfs/runs)" run
	oci delete c1
	rm rootfs/runs
	assert_nothing_left
}

@test "start: of a container without process is an error, and it stays created" {
	config 'del(.process)'
	create c1 || fail "$(<"$OUT")"
	status_is c1 created
	run oci start c1
	assert_failure
	assert_output --partial process
	status_is c1 created
	oci kill c1 KILL
	wait_until 5 status_is c1 stopped
	oci delete c1
	assert_nothing_left
}

@test "kill: without an id, or of a container that isn't there, is an error" {
	run oci kill
	assert_failure
	run oci kill nosuch TERM
	assert_failure
	assert_output --partial 'does not exist'
}

@test "kill: the process gets the very signal, by name and by number" {
	started c1 . 'trap "echo usr1" USR1; trap "echo term; exit 3" TERM; echo ready; while :; do sleep 0.05; done'
	wait_until 5 grep -q ready "$OUT"
	oci kill c1 USR1
	wait_until 5 grep -q usr1 "$OUT"
	oci kill c1 10
	wait_until 5 eval '[ "$(grep -c usr1 "$OUT")" = 2 ]'
	oci kill c1
	wait_until 5 grep -q term "$OUT"
	wait_until 5 status_is c1 stopped
	oci delete c1
	assert_nothing_left
}

@test "kill: a created container can be killed, a stopped one is an error" {
	config . 'touch /ran'
	create c1
	oci kill c1 KILL
	wait_until 5 status_is c1 stopped
	[ ! -e rootfs/ran ]
	run oci kill c1 KILL
	assert_failure
	assert_output --partial 'not running'
	status_is c1 stopped
	oci delete c1
	assert_nothing_left
}

@test "delete: without an id, or of a container that isn't there, is an error" {
	run oci delete
	assert_failure
	run oci delete nosuch
	assert_failure
	assert_output --partial 'does not exist'
}

@test "delete: of a container that isn't stopped is an error and changes nothing" {
	config . 'exec sleep 1000'
	create c1
	run oci delete c1
	assert_failure
	assert_output --partial created
	status_is c1 created
	oci start c1
	run oci delete c1
	assert_failure
	assert_output --partial running
	status_is c1 running
	oci kill c1 KILL
	wait_until 5 status_is c1 stopped
	oci delete c1
	assert_nothing_left
}

@test "delete: takes away what create made, and nothing else" {
	local net=$BATS_TEST_TMPDIR/net
	# A namespace and a folder of somebody else's, which the container was only given.
	: >"$net"
	unshare --net="$net" true
	mkdir "$BATS_TEST_TMPDIR/volume"
	config --arg net "$net" --arg volume "$BATS_TEST_TMPDIR/volume" '
		(.linux.namespaces[] | select(.type == "network")).path = $net
		| .mounts += [{destination: "/volume", type: "bind", source: $volume, options: ["bind"]}]
		| .linux.cgroupsPath = "/oci-delete/c1"
		| .process.args = ["sh", "-c", "touch /volume/kept; exec sleep 1000"]'
	create c1
	[ -d "$CGROUPS/oci-delete/c1" ]
	oci start c1
	wait_until 5 test -e "$BATS_TEST_TMPDIR/volume/kept"
	oci kill c1 KILL
	wait_until 5 status_is c1 stopped
	oci delete c1
	run oci state c1
	assert_failure
	[ ! -e "$CGROUPS/oci-delete" ]
	[ -e "$BATS_TEST_TMPDIR/volume/kept" ]
	nsenter --net="$net" true
	umount "$net"
	rm -r "$net" "$BATS_TEST_TMPDIR/volume"
	assert_nothing_left
}

@test "errors: an operation that failed leaves all as it was" {
	local before
	started c1 .
	before=$(oci state c1)
	# Far along, in the child, after mounts and hooks.
	edit_config . '.process.args = ["/nosuch/program"]'
	run -127 oci create c2
	run oci state c2
	assert_failure
	run oci kill c1 NOSUCHSIGNAL
	assert_failure
	run oci delete c1
	assert_failure
	assert_equal "$(oci state c1)" "$before"
	oci delete --force c1
	assert_nothing_left
}
