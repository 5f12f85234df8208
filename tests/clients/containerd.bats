# containerd drives the plug-in: by its own command, which is called ctr too, and as a kubelet does it.

load lib
load cri

setup_file() {
	containerd_start
	client_run --rm "$IMAGE" warm true
}

teardown_file() {
	stop_engines
}

client_run() {
	client run --runtime io.containerd.runc.v2 --runc-binary "$OCI" --runc-root /run/oci-test "$@"
}

client_remove() {
	client task kill -s KILL "$1" || true
	wait_until 5 eval "client task ls | grep -q '$1 .*STOPPED'"
	client task rm "$1" || true
	client container rm "$1"
}

@test "containerd: run gives back the output and the exit status" {
	split client_run --rm "$IMAGE" a1 sh -c 'echo out; echo err >&2; exit 7'
	assert_equal "$status" 7
	assert_equal "$out" out
	assert_equal "$errors" err
	assert_nothing_left
}

@test "containerd: a command that is not there is told" {
	run client_run --rm "$IMAGE" a2 nosuch
	assert_failure
	assert_output --partial 'executable file not found in $PATH'
	assert_nothing_left
}

@test "containerd: run in the background, exec, ps, pause, metrics, kill, rm" {
	client_run -d "$IMAGE" c1 sleep 1000
	ours /run/oci-test/default c1
	run client_exec c1 sh -c 'echo $HOME; ps; exit 4'
	assert_failure 4
	assert_line /root
	assert_line --partial 'sleep 1000'
	run client task ps c1
	assert_line --regexp "^$("$OCI" --root /run/oci-test/default state c1 | jq .pid) "
	client task pause c1
	ours /run/oci-test/default c1 paused
	client task resume c1
	run client task metrics c1
	assert_success
	assert_line --regexp '^cpu.usage_usec +[0-9]+'
	client_remove c1
	assert_nothing_left
}

@test "containerd: terminals, for run and for exec" {
	run in_tty /usr/bin/ctr -a "$SOCKET" run --rm -t --runc-binary "$OCI" "$IMAGE" t1 tty
	assert_success
	assert_line --partial /dev/pts/0
	client_run -d "$IMAGE" t2 sleep 1000
	# As client_exec: it is over when it has been heard.
	said=$BATS_TEST_TMPDIR/said
	TYPIST='wait_until 5 grep -q /dev/pts/ "$said" || true; echo' in_tty /usr/bin/ctr -a "$SOCKET" \
		task exec -t --exec-id e1 t2 sh -c 'tty; read -r go' >"$said"
	grep -q /dev/pts/ "$said"
	client_remove t2
	assert_nothing_left
}

@test "containerd: attach feeds and hears a container" {
	mkfifo "$BATS_TEST_TMPDIR/in"
	{ sleep $((TIME_SCALE * 2)); echo word; } >"$BATS_TEST_TMPDIR/in" 3>&- &
	run client_run --rm "$IMAGE" a3 sh -c 'read x; echo "got $x"' <"$BATS_TEST_TMPDIR/in"
	assert_line 'got word'
	assert_nothing_left
}

@test "containerd: as a kubelet: a pod of two containers, exec, logs, stats, stop, remove" {
	local sandbox pod one two logs=$BATS_TEST_TMPDIR/logs
	mkdir "$logs"
	sandbox=$(sandbox /kubepods/pod1 "$logs")
	assert_equal "$(ask .runtime_name Version)" containerd
	pod=$(ask .pod_sandbox_id RunPodSandbox \
		"{\"config\": $sandbox, \"runtime_handler\": \"ctr\"}")
	assert_equal "$(ask .status.runtime_handler PodSandboxStatus "{\"pod_sandbox_id\": \"$pod\"}")" ctr
	ours /run/containerd/runc/k8s.io "$pod"
	! have_cpu || [ -d "$CGROUPS/kubepods/pod1/$pod" ]

	one=$(ask .container_id CreateContainer "$(container "$pod" "$sandbox" one 'echo "A is $A, HOME $HOME"; exec sleep 1000')")
	two=$(ask .container_id CreateContainer "$(container "$pod" "$sandbox" two 'echo out; echo err >&2; exit 3')")
	cri StartContainer "$(id "$one")"
	cri StartContainer "$(id "$two")"
	ours /run/containerd/runc/k8s.io "$one"

	# States of the CRI: 1 is running, 2 is exited; in answers, zero is left out.
	assert_equal "$(ask .status.state ContainerStatus "$(id "$one")")" 1
	exited() { [ "$(ask .status.state ContainerStatus "$(id "$two")")" = 2 ]; }
	wait_until 5 exited
	assert_equal "$(ask .status.exit_code ContainerStatus "$(id "$two")")" 3
	run cat "$logs/one.log"
	assert_output --regexp ' stdout F A is b, HOME /root$'
	run cat "$logs/two.log"
	assert_line --regexp ' stdout F out$'
	assert_line --regexp ' stderr F err$'

	run cri ExecSync "$(id "$one" | jq -c '.cmd = ["sh", "-c", "echo in; echo no >&2; exit 6"]')"
	assert_success
	assert_output '{"stdout": "in\n", "stderr": "no\n", "exit_code": 6}'
	run cri ExecSync "$(id "$one" | jq -c '.cmd = ["nosuch"]')"
	assert_failure
	assert_output --partial 'executable file not found in $PATH'
	assert_equal "$(ask .stats.attributes.id ContainerStats "$(id "$one")")" "$one"

	cri StopContainer "$(id "$one" | jq -c '.timeout = 0')"
	assert_equal "$(ask .status.exit_code ContainerStatus "$(id "$one")")" 137
	cri RemoveContainer "$(id "$one")"
	cri RemoveContainer "$(id "$two")"
	cri StopPodSandbox "{\"pod_sandbox_id\": \"$pod\"}"
	cri RemovePodSandbox "{\"pod_sandbox_id\": \"$pod\"}"
	assert_equal "$("$OCI" --root /run/containerd/runc/k8s.io list --quiet)" ''
	assert_nothing_left
}

@test "containerd: as a kubelet: containers that share the pod's pid namespace end with it" {
	local sandbox pod one
	sandbox='{"metadata": {"name": "shared", "uid": "u2", "namespace": "default"},
		"linux": {"security_context": {"namespace_options": {"network": 2, "pid": 0}}}}'
	pod=$(ask .pod_sandbox_id RunPodSandbox "{\"config\": $sandbox, \"runtime_handler\": \"ctr\"}")
	one=$(ask .container_id CreateContainer "$(jq -nc --arg pod "$pod" --argjson sandbox "$sandbox" \
		--arg image "$IMAGE" '{pod_sandbox_id: $pod, sandbox_config: $sandbox, config: {
			metadata: {name: "one"}, image: {image: $image},
			command: ["sh", "-c", "sleep 1001 & exec sleep 1002"],
			linux: {security_context: {namespace_options: {network: 2, pid: 0}}}}}')")
	cri StartContainer "{\"container_id\": \"$one\"}"
	run cri ExecSync "{\"container_id\": \"$one\", \"cmd\": [\"ps\"]}"
	assert_output --partial 'sleep 1001'
	cri StopContainer "{\"container_id\": \"$one\"}"
	run pgrep -f 'sleep 100[12]'
	assert_failure
	cri RemoveContainer "{\"container_id\": \"$one\"}"
	cri StopPodSandbox "{\"pod_sandbox_id\": \"$pod\"}"
	cri RemovePodSandbox "{\"pod_sandbox_id\": \"$pod\"}"
	assert_nothing_left
}
