# podman and docker with their systemd cgroup managers: the plug-in asks systemd for each container's
# scope, under the name that the engine expects, for it looks there itself.
# vm: --systemd -m 3000
# limit: 1200

load lib

setup_file() {
	have /usr/bin/podman /usr/bin/docker /usr/sbin/dockerd
	private /var/lib/containers /var/lib/docker /var/lib/containerd
	podman_config
	sed -i 's/cgroupfs/systemd/' /etc/containers/containers.conf
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
	/usr/bin/podman --log-level error --runtime ctr-oci --cgroup-manager systemd "$@" 3>&- 4>&-
}

SOCKET=unix:///run/docker-test.sock
docker() {
	/usr/bin/docker -H "$SOCKET" "$@" 3>&- 4>&-
}

# prop UNIT NAME: one property as systemctl shows it.
prop() {
	systemctl show --property "$2" --value "$1"
}

# gone UNIT: neither a unit nor a group of that name.
gone() {
	[ "$(prop "$1" LoadState)" = not-found ] && [ -z "$(find "$CGROUPS" -name "$1")" ]
}

@test "podman: a scope of machine.slice; exec, stats, update, rm" {
	podman run -d --name c1 --network none --memory 64m --pids-limit 50 --cpus 0.5 box:1 sleep 1000
	id=$(podman inspect --format '{{.Id}}' c1)
	unit=libpod-$id.scope dir=$CGROUPS/machine.slice/libpod-$id.scope
	assert_equal "$(prop "$unit" ActiveState)" active
	assert_equal "$(prop "$unit" Slice)" machine.slice
	assert_equal "$(prop "$unit" MemoryMax)" $((64 << 20))
	assert_equal "$(prop "$unit" TasksMax)" 50
	assert_equal "$(prop "$unit" CPUQuotaPerSecUSec)" 500ms
	assert_equal "$(prop "$unit" DevicePolicy)" strict
	grep -qx "$(podman inspect --format '{{.State.Pid}}' c1)" "$dir/cgroup.procs"
	run podman exec c1 sh -c 'cat /proc/self/cgroup; exit 5'
	assert_failure 5
	assert_output 0::/
	run podman stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' c1
	assert_success
	assert_output --regexp '^c1 [1-9][0-9]* [0-9.]+[kM]?B / 67.11MB'
	run podman update --memory 96m --cpus 0.25 c1
	assert_success
	assert_equal "$(prop "$unit" MemoryMax)" $((96 << 20))
	assert_equal "$(<"$dir/memory.max")" $((96 << 20))
	assert_equal "$(<"$dir/cpu.max")" '25000 100000'
	systemctl daemon-reload
	run podman exec c1 sh -c ': >/dev/null && echo yes'
	assert_output yes
	podman pause c1
	podman unpause c1
	podman stop -t 0 c1
	wait_until 5 gone "$unit"
	podman start c1
	assert_equal "$(prop "$unit" ActiveState)" active
	podman rm -f -t 0 c1
	wait_until 5 gone "$unit"
}

@test "podman: a pod is a slice that its containers' scopes are in" {
	podman pod create --name p1 --infra=false --cgroup-parent machine.slice
	podman run -d --name c1 --pod p1 --network none box:1 sleep 1000
	id=$(podman inspect --format '{{.Id}}' c1)
	assert_equal "$(prop "libpod-$id.scope" ActiveState)" active
	prop "libpod-$id.scope" Slice | grep -qE '^machine(-libpod_pod_[0-9a-f]+)?\.slice$'
	podman pod rm --force --time 0 p1
	wait_until 5 gone "libpod-$id.scope"
}

@test "podman: a container that wants too much memory is killed" {
	run podman run --name c1 --network none --memory 16m --memory-swap 16m box:1 probe memory 64
	assert_failure 137
	podman rm -f -t 0 c1
}

@test "docker: native.cgroupdriver=systemd; exec, stats, update, rm" {
	config docker.json >"$BATS_FILE_TMPDIR/daemon.json"
	engine "$BATS_FILE_TMPDIR/log" dockerd --config-file "$BATS_FILE_TMPDIR/daemon.json" \
		--default-runtime ctr --exec-opt native.cgroupdriver=systemd --bridge none \
		--iptables=false --ip-forward=false -H "$SOCKET"
	wait_until 20 docker version || { cat "$BATS_FILE_TMPDIR/log" >&2; return 1; }
	assert_equal "$(docker info --format '{{.CgroupDriver}} {{.CgroupVersion}}')" 'systemd 2'
	docker load -q -i "$BATS_FILE_TMPDIR/image.tar"
	docker run --security-opt apparmor=unconfined -d --name c1 --network none --memory 64m --pids-limit 50 --cpus 0.5 box:1 sleep 1000
	id=$(docker inspect --format '{{.Id}}' c1)
	unit=docker-$id.scope dir=$CGROUPS/system.slice/docker-$id.scope
	assert_equal "$(prop "$unit" ActiveState)" active
	assert_equal "$(prop "$unit" MemoryMax)" $((64 << 20))
	assert_equal "$(prop "$unit" TasksMax)" 50
	assert_equal "$(<"$dir/cgroup.procs")" "$(docker inspect --format '{{.State.Pid}}' c1)"
	run docker exec c1 sh -c 'cat /proc/self/cgroup; exit 5'
	assert_failure 5
	assert_output 0::/
	run docker update --memory 96m --memory-swap 96m c1
	assert_success
	assert_equal "$(prop "$unit" MemoryMax)" $((96 << 20))
	assert_equal "$(<"$dir/memory.max")" $((96 << 20))
	# The zeros that come with it have changed nothing else.
	assert_equal "$(prop "$unit" TasksMax)" 50
	assert_equal "$(<"$dir/pids.max")" 50
	assert_equal "$(<"$dir/cpu.max")" '50000 100000'
	run docker stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' c1
	assert_output --regexp '^c1 1 [0-9.]+[KM]iB / 96MiB$'
	docker run --security-opt apparmor=unconfined -d --name c2 --network none --cgroup-parent web-one.slice box:1 sleep 1000
	assert_equal "$(prop "docker-$(docker inspect --format '{{.Id}}' c2).scope" ControlGroup)" \
		"/web.slice/web-one.slice/docker-$(docker inspect --format '{{.Id}}' c2).scope"
	run docker run --security-opt apparmor=unconfined --name c3 --network none --memory 16m --memory-swap 16m box:1 probe memory 64
	# Whether containerd sees why is a race with systemd, which removes the group of what has ended.
	assert_failure 137
	docker rm -f c1 c2 c3
	wait_until 5 gone "$unit"
}
