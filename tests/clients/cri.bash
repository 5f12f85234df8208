# containerd for one test file, and the calls that a kubelet makes of it: `load cri` after lib.
# shellcheck disable=SC2154

SOCKET=/run/containerd-test.sock
IMAGE=docker.io/library/box:1

# Without the controller the pod's cpu.shares would be refused.
have_cpu() {
	grep -qw cpu "$CGROUPS/cgroup.controllers"
}

# Their ctr, not ours.
client() {
	/usr/bin/ctr -a "$SOCKET" "$@" 3>&- 4>&-
}

# client_exec ID COMMAND...: `task exec` of a command that isn't over before it has been heard. What the client hasn't
# opened by the end, it drops: on a busy machine it lost the output of one in 40, as it does with runc and crun.
client_exec() {
	local client go status=0 said=$BATS_TEST_TMPDIR/exec
	mkfifo "$said.go"
	exec {go}<>"$said.go"
	client task exec --exec-id e1 "$1" sh -c '"$@"; status=$?; read -r go; exit $status' sh "${@:2}" \
		<&"$go" >"$said" &
	client=$!
	wait_until 5 test -s "$said" || true
	echo go >&"$go"
	wait "$client" || status=$?
	exec {go}>&-
	cat "$said"
	rm "$said" "$said.go"
	return "$status"
}

containerd_start() {
	have /usr/bin/ctr /usr/bin/containerd /usr/bin/containerd-shim-runc-v2 /usr/bin/python3
	private /var/lib/containerd
	{
		cat <<-CONF
		version = 2
		[grpc]
		address = "$SOCKET"
		[plugins."io.containerd.grpc.v1.cri"]
		sandbox_image = "docker.io/library/pause:1"
		disable_hugetlb_controller = true
		restrict_oom_score_adj = true
		disable_cgroup = $(have_cpu && echo false || echo true)
		CONF
		config containerd.toml
		[ "${DRIVER-}" != systemd ] || echo '    SystemdCgroup = true'
	} >"$BATS_FILE_TMPDIR/config.toml"
	engine "$BATS_FILE_TMPDIR/log" containerd -c "$BATS_FILE_TMPDIR/config.toml"
	wait_until 20 client version || { cat "$BATS_FILE_TMPDIR/log" >&2; return 1; }
	make_image "$BATS_FILE_TMPDIR/image.tar"
	client images import "$BATS_FILE_TMPDIR/image.tar"
	client -n k8s.io images import "$BATS_FILE_TMPDIR/image.tar"
	make_image "$BATS_FILE_TMPDIR/pause.tar" pause sleep 100000
	client -n k8s.io images import "$BATS_FILE_TMPDIR/pause.tar"
}

# cri CALL [REQUEST]: prints the response; fails when that is an error.
cri() {
	jq -nc --arg call "$1" --argjson request "${2:-{\}}" '{$call, $request}' |
		/usr/bin/python3 "$REPO/tests/clients/cri.py" "$SOCKET" | tee "$BATS_TEST_TMPDIR/answer" &&
		jq -e '.error | not' "$BATS_TEST_TMPDIR/answer" >/dev/null
}

# ask FILTER CALL [REQUEST]: one field of the response.
ask() {
	local filter=$1
	shift
	cri "$@" >/dev/null || { cat "$BATS_TEST_TMPDIR/answer" >&2; return 1; }
	jq -r "$filter" "$BATS_TEST_TMPDIR/answer"
}

# A pod's sandbox in this group of the host, with a folder for logs; a container in the pod, which runs a
# script; the request that only names a container.
sandbox() {
	jq -nc --arg group "$1" --arg logs "$2" '{
		metadata: {name: "pod", uid: "u1", namespace: "default", attempt: 1},
		log_directory: $logs,
		linux: {cgroup_parent: $group,
			security_context: {namespace_options: {network: 2, pid: 1}}}}'
}

# container POD SANDBOX NAME SCRIPT [RESOURCES]
container() {
	jq -nc --arg pod "$1" --argjson sandbox "$2" --arg name "$3" --arg image "$IMAGE" --arg script "$4" \
		--argjson resources "${5:-{\}}" '{pod_sandbox_id: $pod, sandbox_config: $sandbox, config: {
			metadata: {name: $name}, image: {image: $image}, log_path: "\($name).log",
			command: ["sh", "-c"], args: [$script], envs: [{key: "A", value: "b"}],
			linux: {$resources, security_context: {namespace_options: {network: 2, pid: 1},
				masked_paths: ["/proc/kcore"], readonly_paths: ["/proc/sys"]}}}}'
}

# The pod that most tests begin with.
pod_start() {
	logs=$BATS_TEST_TMPDIR/logs group=/kubepods/pod1
	[ "${DRIVER-}" != systemd ] || group=kubepods-pod1.slice
	mkdir "$logs"
	sandbox=$(sandbox "$group" "$logs" | jq -c --arg name "pod$BATS_TEST_NUMBER" '.metadata.name = $name')
	pod=$(ask .pod_sandbox_id RunPodSandbox "{\"config\": $sandbox, \"runtime_handler\": \"ctr\"}")
	ours /run/containerd/runc/k8s.io "$pod"
}

pod_remove() {
	cri StopPodSandbox "{\"pod_sandbox_id\": \"$pod\"}"
	cri RemovePodSandbox "{\"pod_sandbox_id\": \"$pod\"}"
	assert_equal "$("$OCI" --root /run/containerd/runc/k8s.io list --quiet)" ''
	[ -z "$(find "$CGROUPS" -name "*$pod*")" ]
}

id() {
	jq -nc --arg id "$1" '{container_id: $id}'
}
