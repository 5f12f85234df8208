# runtime.md: the state document.

load lib

@test "state: has ociVersion, id, status, pid, bundle and annotations, of the right types" {
	started c1 '.annotations = {"org.example.key": "value", "org.example.empty": ""}'
	run oci state c1
	assert_success
	run jq -e --arg bundle "$BUNDLE" '
		(.ociVersion | test("^1\\.[0-9]+\\.[0-9]+")) and .id == "c1" and .status == "running" and
		(.pid | type == "number" and . > 1) and .bundle == $bundle and
		.annotations == {"org.example.key": "value", "org.example.empty": ""}' <<<"$output"
	assert_success
	oci delete --force c1
}

@test "state: without annotations it has none, or an empty map" {
	started c1 .
	run jq -e '(.annotations // {}) == {}' <<<"$(oci state c1)"
	assert_success
	oci delete --force c1
}

@test "state: pid is the process as the host sees it, when created and when running" {
	local pid
	config . 'exec sleep 1000'
	create c1
	pid=$(oci state c1 | jq .pid)
	[ -d "/proc/$pid" ]
	[ "$(readlink "/proc/$pid/ns/pid")" != "$(readlink /proc/self/ns/pid)" ]
	oci start c1
	assert_equal "$(oci state c1 | jq .pid)" "$pid"
	wait_until 5 grep -q sleep "/proc/$pid/cmdline"
	oci delete --force c1
}

@test "state: status is created, running, stopped, as its life goes" {
	config . 'while [ ! -e /end ]; do sleep 0.02; done'
	create c1
	status_is c1 created
	oci start c1
	status_is c1 running
	touch rootfs/end
	wait_until 5 status_is c1 stopped
	oci delete c1
	run oci state c1
	assert_failure
	rm rootfs/end
}

@test "state: a status of its own stands for a state that the standard has not" {
	started c1 .
	oci pause c1
	status_is c1 paused
	oci resume c1
	status_is c1 running
	oci delete --force c1
}

@test "state: the bundle's path is absolute also where it was given relative" {
	config . 'exec sleep 1000'
	cd ..
	create --bundle bundle c1
	assert_equal "$(oci state c1 | jq -r .bundle)" "$BUNDLE"
	oci delete --force c1
}

@test "scope: who made a container can use each operation on it" {
	config . 'exec sleep 1000'
	create c1
	oci state c1 >/dev/null
	oci start c1
	oci kill c1 KILL
	wait_until 5 status_is c1 stopped
	oci delete c1
	assert_nothing_left
}
