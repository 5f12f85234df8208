# podman, docker and containerd with their systemd cgroup managers: the plug-in asks systemd for each container's
# scope, under the name that the engine expects, for it looks there itself.
# vm: --systemd -m 3000
# limit: 1200

load lib
load cri
DRIVER=systemd
load verbs

setup_file() {
	have /usr/bin/podman /usr/bin/buildah /usr/bin/docker /usr/sbin/dockerd
	private /var/lib/containers /var/lib/docker
	podman_config
	sed -i 's/cgroupfs/systemd/' /etc/containers/containers.conf
	make_image "$BATS_FILE_TMPDIR/image.tar"
	podman load -q -i "$BATS_FILE_TMPDIR/image.tar"
	podman run --rm --network none box:1 true
	docker_start
	containerd_start
}

teardown() {
	podman rm --all --force --time 0 >/dev/null 2>&1
	ctr_teardown
}

teardown_file() {
	stop_engines
}

@test "podman, systemd: run, exec, attach, logs, kill, pause, update, stats, rm" {
	podman_walk
}

# bats test_tags=long
@test "podman: a scope stays what it is over a daemon-reload, and is new at a new start" {
	podman run -d --name c1 --network none box:1 sleep 1000
	unit=libpod-$(podman inspect --format '{{.Id}}' c1).scope
	systemctl daemon-reload
	run podman exec c1 sh -c ': >/dev/null && echo yes'
	assert_output yes
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

@test "docker, systemd: run, exec, attach, logs, kill, pause, update, stats, rm" {
	docker_walk
}

@test "docker: a scope in a slice of the user's, and one that wants too much memory" {
	docker run --security-opt apparmor=unconfined -d --name c2 --network none --cgroup-parent web-one.slice box:1 sleep 1000
	assert_equal "$(prop "docker-$(docker inspect --format '{{.Id}}' c2).scope" ControlGroup)" \
		"/web.slice/web-one.slice/docker-$(docker inspect --format '{{.Id}}' c2).scope"
	run docker run --security-opt apparmor=unconfined --name c3 --network none --memory 16m --memory-swap 16m box:1 probe memory 64
	# Whether containerd sees why is a race with systemd, which removes the group of what has ended.
	assert_failure 137
	docker rm -f c2 c3
}

@test "containerd, systemd: run, exec, attach, kill, pause, metrics, rm" {
	containerd_walk
}

# bats test_tags=long
@test "cri, systemd: a pod's container: exec, attach, logs, stats, update, pause, kill, rm" {
	cri_walk
}

# bats test_tags=long
@test "buildah, systemd: run and bud with a limit of memory" {
	buildah_walk
}
