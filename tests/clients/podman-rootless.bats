# podman of an ordinary user drives the plug-in, as the root of podman's user namespace.

load lib

setup_file() {
	local file
	have /usr/bin/podman /usr/bin/conmon /usr/bin/newuidmap
	private /run/rootless
	# What a path of the builder's may hide from others.
	cp "$OCI" /run/rootless/ctr-oci
	OCI=/run/rootless/ctr-oci podman_config
	make_image /run/rootless/image.tar
	for file in passwd group subuid subgid; do
		cp "/etc/$file" "/run/rootless/$file"
		mount --bind "/run/rootless/$file" "/etc/$file"
	done
	echo 'ann:x:5000:5000::/run/rootless/home:/bin/bash' >>/etc/passwd
	echo 'ann:x:5000:' >>/etc/group
	echo 'ann:200000:65536' | tee -a /etc/subuid >>/etc/subgid
	chmod 644 /run/rootless/*
	chmod 755 /run/rootless/ctr-oci
	install -d -o 5000 -g 5000 /run/rootless/home /run/rootless/run
	podman load -q -i /run/rootless/image.tar
	podman run --rm --network none box:1 true
}

teardown() {
	podman rm --all --force --time 0 >/dev/null 2>&1
	ctr_teardown
}

# Its helper that holds the user namespace open lives as long as the user is logged in.
teardown_file() {
	pkill -u 5000 || true
}

as_ann() {
	(cd /run/rootless/home && exec setpriv --reuid 5000 --regid 5000 --clear-groups \
		env -i PATH="$PATH" HOME=/run/rootless/home XDG_RUNTIME_DIR=/run/rootless/run USER=ann \
		"$@" 3>&- 4>&-)
}

podman() {
	as_ann /usr/bin/podman --log-level error --runtime ctr-oci "$@"
}

@test "podman rootless: run gives back the output and the exit status" {
	split podman run --rm --network none box:1 sh -c 'id -u; sed "s/ \+/ /g" /proc/self/uid_map; echo err >&2; exit 7'
	assert_equal "$status" 7
	assert_equal "$out" $'0\n 0 5000 1\n 1 200000 65536'
	assert_equal "$errors" err
	assert_nothing_left
}

@test "podman rootless: exec, kill, rm; the state is the user's" {
	podman run -d --name c1 --network none box:1 sh -c 'echo out; exec sleep 1000'
	run podman exec c1 sh -c 'id -u; ps; exit 5'
	assert_failure 5
	assert_line 0
	assert_line --partial 'sleep 1000'
	run podman exec --user user c1 id -u
	assert_output 1000
	[ -d "/run/rootless/run/ctr-oci/$(podman inspect --format '{{.Id}}' c1)" ]
	run podman logs c1
	assert_output out
	podman kill c1
	podman rm c1
	assert_nothing_left
}

@test "podman rootless: without any cgroup" {
	run podman run --rm --network none --cgroups=disabled box:1 echo hello
	assert_output hello
	assert_nothing_left
}

# A container of the pod's own holds its namespaces. Its image is ours: podman would build one.
pod() {
	podman pod create --name "$1" --network none --infra-image box:1 --infra-command "/bin/sleep 1000" "${@:2}"
}

@test "podman rootless: the containers of a pod share what a pod has" {
	pod p1 --share net,ipc,uts,pid
	podman run -d --name c1 --pod p1 box:1 sleep 1001
	run podman run --rm --pod p1 box:1 sh -c 'hostname; ps; readlink /proc/self/ns/net; readlink /proc/self/ns/ipc'
	assert_success
	assert_line p1
	assert_line --partial 'sleep 1000'
	assert_line --partial 'sleep 1001'
	assert_line "$(podman exec c1 readlink /proc/self/ns/net)"
	assert_line "$(podman exec c1 readlink /proc/self/ns/ipc)"
	podman pod stop --time 0 p1
	podman pod start p1
	[ "$(podman inspect --format '{{.State.Status}}' c1)" = running ]
	podman pod rm --force --time 0 p1
	assert_nothing_left
}

@test "podman rootless: the namespaces of another container" {
	podman run -d --name c1 --network none box:1 sleep 1001
	run podman run --rm --network container:c1 --pid container:c1 --ipc container:c1 --uts container:c1 \
		box:1 sh -c 'for i in net pid ipc uts; do readlink /proc/self/ns/$i; done; ps'
	assert_success
	assert_line --partial 'sleep 1001'
	for kind in net pid ipc uts; do
		assert_line "$(podman exec c1 readlink /proc/self/ns/$kind)"
	done
	podman kill c1
	podman rm c1
	assert_nothing_left
}
