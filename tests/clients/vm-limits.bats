# Engines and their limits: what needs cgroup controllers.
# vm: -m 3000
# limit: 900

load lib
DRIVER=cgroupfs
load verbs

setup_file() {
	have /usr/bin/podman /usr/bin/buildah /usr/bin/docker /usr/sbin/dockerd
	private /var/lib/containers /var/lib/docker /var/lib/containerd
	podman_config
	make_image "$BATS_FILE_TMPDIR/image.tar"
	podman load -q -i "$BATS_FILE_TMPDIR/image.tar"
	podman run --rm --network none box:1 true
	docker_start
}

teardown() {
	podman rm --all --force --time 0 >/dev/null 2>&1
	ctr_teardown
}

teardown_file() {
	stop_engines
}

@test "podman, cgroupfs: run, exec, attach, logs, kill, pause, update, stats, rm" {
	podman_walk
	assert_nothing_left
}

@test "podman: a container that wants too much memory is killed" {
	run podman run --name c1 --network none --memory 16m --memory-swap 16m box:1 probe memory 64
	assert_failure 137
	podman rm -f -t 0 c1
	assert_nothing_left
}

# bats test_tags=long
@test "docker, cgroupfs: run, exec, attach, logs, kill, pause, update, stats, rm" {
	docker_walk
}

@test "docker: a container that wants too much memory is killed, and docker says why" {
	run docker run --security-opt apparmor=unconfined --name c2 --network none --memory 16m --memory-swap 16m box:1 probe memory 64
	assert_failure 137
	wait_until 5 eval '[ "$(docker inspect --format "{{.State.OOMKilled}}" c2)" = true ]'
	docker rm -f c2
}

@test "oci update, events: flags, want of memory" {
	OCI_FLAGS=(--root "$CTR_ROOT")
	make_bundle "$BATS_TEST_TMPDIR/b"
	edit_config "$BATS_TEST_TMPDIR/b" '.process.args = ["sh", "-c", "while sleep 1; do probe memory 64; done"] |
		.linux.resources = {memory: {limit: 16777216, swap: 16777216}}'
	"$OCI" "${OCI_FLAGS[@]}" create --bundle "$BATS_TEST_TMPDIR/b" c1 3>&- 4>&-
	dir=$CGROUPS/ctr/c1
	run "$OCI" "${OCI_FLAGS[@]}" update --pids-limit 77 --cpu-quota 20000 --cpu-period 50000 --cpu-share 512 c1
	assert_success
	assert_equal "$(<"$dir/pids.max")" 77
	assert_equal "$(<"$dir/cpu.max")" '20000 50000'
	# Memory and swap together, beside the memory that was there.
	run "$OCI" "${OCI_FLAGS[@]}" update --memory-swap 24m c1
	assert_success
	assert_equal "$(<"$dir/memory.swap.max")" $((8 << 20))
	run "$OCI" "${OCI_FLAGS[@]}" events --stats c1
	assert_equal "$(jq '.data.memory.usage.limit, .data.pids.limit' <<<"$output")" $'16777216\n77'
	"$OCI" "${OCI_FLAGS[@]}" update --memory-swap 16m c1
	"$OCI" "${OCI_FLAGS[@]}" events --interval 1m c1 >"$BATS_TEST_TMPDIR/events" 3>&- 4>&- &
	"$OCI" "${OCI_FLAGS[@]}" start c1
	wait_until 10 grep -q '{"type":"oom","id":"c1"}' "$BATS_TEST_TMPDIR/events"
	"$OCI" "${OCI_FLAGS[@]}" kill c1 KILL
	wait $!
	"$OCI" "${OCI_FLAGS[@]}" delete --force c1
	rm -r "$BATS_TEST_TMPDIR"/{b,events}
	assert_nothing_left
}

# bats test_tags=long
@test "buildah, cgroupfs: run and bud with a limit of memory" {
	buildah_walk
}
