# Engines and their limits: what needs cgroup controllers.
# vm: -m 3000
# limit: 900

load lib

setup_file() {
	have /usr/bin/podman /usr/bin/docker /usr/sbin/dockerd
	private /var/lib/containers /var/lib/docker /var/lib/containerd
	podman_config
	make_image "$BATS_FILE_TMPDIR/image.tar"
	podman load -q -i "$BATS_FILE_TMPDIR/image.tar"
	podman run --rm --network none box:1 true
}

teardown() {
	podman rm --all --force --time 0 >/dev/null 2>&1
	ctr_teardown
}

teardown_file() {
	stop_engines
}

podman() {
	/usr/bin/podman --log-level error --runtime ctr-oci "$@" 3>&- 4>&-
}

SOCKET=unix:///run/docker-test.sock
docker() {
	/usr/bin/docker -H "$SOCKET" "$@" 3>&- 4>&-
}

# group ENGINE NAME: the folder of a container's cgroup.
group() {
	echo "$CGROUPS$(sed -n 's/^0:://p' "/proc/$("$1" inspect --format '{{.State.Pid}}' "$2")/cgroup")"
}

@test "podman: limits arrive, update changes them, stats shows them" {
	podman run -d --name c1 --network none --memory 64m --pids-limit 50 --cpus 0.5 --cpu-shares 2048 box:1 sleep 1000
	local dir
	dir=$(group podman c1)
	assert_equal "$(<"$dir/memory.max")" $((64 << 20))
	assert_equal "$(<"$dir/pids.max")" 50
	assert_equal "$(<"$dir/cpu.max")" '50000 100000'
	[ "$(<"$dir/cpu.weight")" -gt 100 ]
	run podman update --memory 96m --cpus 0.25 c1
	assert_success
	assert_equal "$(<"$dir/memory.max")" $((96 << 20))
	assert_equal "$(<"$dir/cpu.max")" '25000 100000'
	run podman stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' c1
	assert_success
	assert_output --regexp '^c1 [1-9][0-9]* [0-9.]+[kM]?B / '
	podman rm -f -t 0 c1
	assert_nothing_left
}

@test "podman: a container that wants too much memory is killed" {
	run podman run --name c1 --network none --memory 16m --memory-swap 16m box:1 probe memory 64
	assert_failure 137
	podman rm -f -t 0 c1
	assert_nothing_left
}

@test "docker: limits arrive, update changes them, stats shows them" {
	config docker.json >"$BATS_FILE_TMPDIR/daemon.json"
	engine "$BATS_FILE_TMPDIR/log" dockerd --config-file "$BATS_FILE_TMPDIR/daemon.json" \
		--default-runtime ctr --exec-opt native.cgroupdriver=cgroupfs --bridge none \
		--iptables=false --ip-forward=false -H "$SOCKET"
	wait_until 20 docker version || { cat "$BATS_FILE_TMPDIR/log" >&2; return 1; }
	docker load -q -i "$BATS_FILE_TMPDIR/image.tar"
	docker run --security-opt apparmor=unconfined -d --name c1 --network none --memory 64m --pids-limit 50 --cpus 0.5 box:1 sleep 1000
	local dir
	dir=$(group docker c1)
	assert_equal "$(<"$dir/memory.max")" $((64 << 20))
	assert_equal "$(<"$dir/pids.max")" 50
	assert_equal "$(<"$dir/cpu.max")" '50000 100000'
	run docker update --memory 96m --memory-swap 96m c1
	assert_success
	assert_equal "$(<"$dir/memory.max")" $((96 << 20))
	# The zeros that come with it have changed nothing else.
	assert_equal "$(<"$dir/pids.max")" 50
	assert_equal "$(<"$dir/cpu.max")" '50000 100000'
	run docker stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' c1
	assert_output --regexp '^c1 1 [0-9.]+[KM]iB / 96MiB$'
	run docker run --security-opt apparmor=unconfined --name c2 --network none --memory 16m --memory-swap 16m box:1 probe memory 64
	assert_failure 137
	wait_until 5 eval '[ "$(docker inspect --format "{{.State.OOMKilled}}" c2)" = true ]'
	docker rm -f c1 c2
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
