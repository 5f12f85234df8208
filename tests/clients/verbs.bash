# What each client asks of us, as one walk: run, exec, attach, logs, kill, pause, update, stats, rm. The walk
# is the same by the client's cgroupfs manager and by its systemd manager: DRIVER=, then `load verbs`, after lib
# and cri. What a client has no verb for is said at its walk.
# shellcheck disable=SC2154,SC2034

PODMAN=(/usr/bin/podman --log-level error --runtime ctr-oci --cgroup-manager "$DRIVER")
DOCKER=(/usr/bin/docker -H unix:///run/docker-test.sock)

podman() {
	"${PODMAN[@]}" "$@" 3>&- 4>&-
}

docker() {
	"${DOCKER[@]}" "$@" 3>&- 4>&-
}

docker_start() {
	config docker.json >"$BATS_FILE_TMPDIR/daemon.json"
	engine "$BATS_FILE_TMPDIR/docker.log" dockerd --config-file "$BATS_FILE_TMPDIR/daemon.json" \
		--default-runtime ctr --exec-opt "native.cgroupdriver=$DRIVER" --bridge none \
		--iptables=false --ip-forward=false -H "${DOCKER[2]}"
	wait_until 20 docker version || { cat "$BATS_FILE_TMPDIR/docker.log" >&2; return 1; }
	assert_equal "$(docker info --format '{{.CgroupDriver}} {{.CgroupVersion}}')" "$DRIVER 2"
	docker load -q -i "$BATS_FILE_TMPDIR/image.tar"
}

# Speaks on both streams, makes /n longer as long as it runs, answers, hears USR1.
PAYLOAD='trap "echo heard" USR1; echo out; echo err >&2
while :; do printf . >>/n; sleep 0.1; done &
while read -r word; do echo "got $word"; done
while :; do wait; done'

# ---- what the host sees of it ---------------------------------------------------------

# prop UNIT NAME: one property as systemctl shows it.
prop() {
	systemctl show --property "$2" --value "$1"
}

# gone UNIT: neither a unit nor a group of that name.
gone() {
	[ "$(prop "$1" LoadState)" = not-found ] && [ -z "$(find "$CGROUPS" -name "$1")" ]
}

# placed PID CGROUPFS-GROUP SLICE UNIT: it is where the client's manager wants it; $dir is that group.
placed() {
	pid=$1 dir=$CGROUPS$(sed -n 's/^0:://p' "/proc/$1/cgroup") unit=''
	if [ "$DRIVER" = cgroupfs ]; then
		assert_equal "$dir" "$CGROUPS$2"
	else
		unit=$4
		assert_equal "$dir" "$CGROUPS/$3/$4"
		assert_equal "$(prop "$unit" ActiveState)" active
		assert_equal "$(prop "$unit" Slice)" "${3##*/}"
		assert_equal "$(prop "$unit" DevicePolicy)" strict
	fi
}

# limits MIB PIDS PERCENT: the kernel's and systemd's words for them. PIDS is empty: the client can't ask for it.
limits() {
	assert_equal "$(<"$dir/memory.max")" $(($1 << 20))
	[ -z "$2" ] || assert_equal "$(<"$dir/pids.max")" "$2"
	assert_equal "$(<"$dir/cpu.max")" "$(($3 * 1000)) 100000"
	[ -n "$unit" ] || return 0
	assert_equal "$(prop "$unit" MemoryMax)" $(($1 << 20))
	[ -z "$2" ] || assert_equal "$(prop "$unit" TasksMax)" "$2"
	assert_equal "$(prop "$unit" CPUQuotaPerSecUSec)" "$(($3 * 10))ms"
}

steps() {
	stat -c %s "/proc/$pid/root/n"
}

# frozen COMMAND...: that stops the payload, which makes no step more.
frozen() {
	local before
	wait_until 5 steps >/dev/null
	"$@"
	assert_equal "$(<"$dir/cgroup.freeze")" 1
	grep -qx 'frozen 1' "$dir/cgroup.events"
	before=$(steps)
	sleep 2
	assert_equal "$(steps)" "$before"
}

# thawed COMMAND...: that lets it go on.
thawed() {
	local before
	before=$(steps)
	"$@"
	assert_equal "$(<"$dir/cgroup.freeze")" 0
	grep -qx 'frozen 0' "$dir/cgroup.events"
	wait_until 5 eval "[ \"\$(steps)\" -gt $before ]"
}

# keyboard: $keys, what is written there can be read there, and it has no end.
keyboard() {
	mkfifo "$BATS_TEST_TMPDIR/keys"
	exec {keys}<>"$BATS_TEST_TMPDIR/keys"
}

# attached COMMAND...: a program, not a function. A word goes in by it, and the answer comes out of it.
attached() {
	local client
	[ -p "$BATS_TEST_TMPDIR/keys" ] || keyboard
	"$@" <&"$keys" >"$BATS_TEST_TMPDIR/answer" 2>&1 3>&- 4>&- &
	client=$!
	BACKGROUND+=("$client")
	sleep 1
	echo word >&"$keys"
	wait_until 5 grep -q 'got word' "$BATS_TEST_TMPDIR/answer" || fail "$(<"$BATS_TEST_TMPDIR/answer")"
	kill_hard "$client"
	exec {keys}>&-
	rm "$BATS_TEST_TMPDIR"/{keys,answer}
}

# executed GROUP COMMAND...: its own status, and the container's group as it is seen in there.
executed() {
	run "${@:2}" sh -c 'cat /proc/self/cgroup; exit 5'
	assert_failure 5
	assert_output "0::$1"
}

said_all() {
	"$@" 2>&1 | grep -qx err
}

# logged COMMAND...: what it prints has come by the right streams.
logged() {
	wait_until 5 said_all "$@"
	split "$@"
	assert_equal "$out" out
	assert_equal "$errors" err
}

# removed: with its group and its unit.
removed() {
	[ -z "$unit" ] || wait_until 5 gone "$unit"
	wait_until 5 eval '[ ! -d "$dir" ]'
}

# ---- the walks ------------------------------------------------------------------------

podman_walk() {
	local id
	podman run -d -i --name c1 --network none --memory 64m --pids-limit 50 --cpus 0.5 --cpu-shares 2048 \
		box:1 sh -c "$PAYLOAD"
	id=$(podman inspect --format '{{.Id}}' c1)
	placed "$(podman inspect --format '{{.State.Pid}}' c1)" "/libpod_parent/libpod-$id" \
		machine.slice "libpod-$id.scope"
	limits 64 50 50
	[ "$(<"$dir/cpu.weight")" -gt 100 ]
	logged podman logs c1
	executed / podman exec c1
	attached "${PODMAN[@]}" attach --sig-proxy=false c1
	# It shows the limit that it was created with, whatever update has made of it.
	run podman stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' c1
	assert_output --regexp '^c1 [1-9][0-9]* [0-9.]+[kM]?B / 67.11MB$'
	podman update --memory 96m --cpus 0.25 c1
	limits 96 50 25
	frozen podman pause c1
	assert_equal "$(podman inspect --format '{{.State.Status}}' c1)" paused
	thawed podman unpause c1
	podman kill -s USR1 c1
	wait_until 5 eval 'podman logs c1 | grep -qx heard'
	podman kill c1
	assert_equal "$(podman wait c1)" 137
	podman rm c1
	removed
}

docker_walk() {
	local id
	docker run --security-opt apparmor=unconfined -d -i --name c1 --network none --memory 64m --pids-limit 50 \
		--cpus 0.5 box:1 sh -c "$PAYLOAD"
	id=$(docker inspect --format '{{.Id}}' c1)
	placed "$(docker inspect --format '{{.State.Pid}}' c1)" "/docker/$id" system.slice "docker-$id.scope"
	limits 64 50 50
	logged docker logs c1
	executed / docker exec c1
	attached "${DOCKER[@]}" attach --sig-proxy=false c1
	docker update --memory 96m --memory-swap 96m c1
	# The zeros that come with it have changed nothing else.
	limits 96 50 50
	# The shell, its loop, and at most times a sleep.
	run docker stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' c1
	assert_output --regexp '^c1 [23] [0-9.]+[KM]iB / 96MiB$'
	frozen docker pause c1
	assert_equal "$(docker inspect --format '{{.State.Status}}' c1)" paused
	thawed docker unpause c1
	docker kill -s USR1 c1
	wait_until 5 eval 'docker logs c1 | grep -qx heard'
	docker kill c1
	assert_equal "$(docker wait c1)" 137
	docker rm c1
	removed
}

# containerd's client has no verb `update` (the CRI's walk has containerd's), no flag for pids, and no `logs`:
# what comes nearest is a file that its shim writes, which a container has instead of being attached to.
containerd_walk() {
	local manager=() log=$BATS_TEST_TMPDIR/log
	[ "$DRIVER" = cgroupfs ] || manager=(--runc-systemd-cgroup --cgroup machine.slice:box:c1)
	# At the end of its input the client would have the container's input closed.
	keyboard
	client run -d --runc-binary "$OCI" --runc-root /run/oci-test "${manager[@]}" --memory-limit $((64 << 20)) \
		--cpus 0.5 "$IMAGE" c1 sh -c "$PAYLOAD" <&"$keys"
	placed "$(client task ls | awk '$1 == "c1" { print $2 }')" /default/c1 machine.slice box-c1.scope
	limits 64 '' 50
	# Its containers have no cgroup namespace.
	executed "${dir#"$CGROUPS"}" client_exec c1
	attached /usr/bin/ctr -a "$SOCKET" task attach c1
	run client task metrics c1
	assert_line --regexp "^memory.usage_limit +$((64 << 20)) *\$"
	assert_line --regexp '^pids.current +[1-9]'
	assert_line --regexp '^cpu.usage_usec +[1-9]'
	frozen client task pause c1
	client task ls | grep -q '^c1 .*PAUSED'
	thawed client task resume c1
	client_killed c1
	removed

	[ "$DRIVER" = cgroupfs ] || manager[2]=machine.slice:box:c2
	client run -d --runc-binary "$OCI" --runc-root /run/oci-test "${manager[@]}" --log-uri "file://$log" \
		"$IMAGE" c2 sh -c "$PAYLOAD"
	wait_until 5 eval 'grep -qx out "$log" && grep -qx err "$log"'
	client task kill -s USR1 c2
	wait_until 5 grep -qx heard "$log"
	client_killed c2
	rm "$log"
}

client_killed() {
	client task kill -s KILL "$1"
	wait_until 5 eval "client task ls | grep -q '^$1 .*STOPPED'"
	run client task rm "$1"
	assert_output --partial "task $1 exit with non-zero exit code 137"
	client container rm "$1"
}

# cri_exec ID COMMAND...: as exec, by ExecSync.
cri_exec() {
	cri ExecSync "$(printf '%s\n' "$@" | jq -Rnc '[inputs] | {container_id: .[0], cmd: .[1:], timeout: 20}')" >/dev/null
	jq -rj '.stdout // ""' "$BATS_TEST_TMPDIR/answer"
	return "$(jq '.exit_code // 0' "$BATS_TEST_TMPDIR/answer")"
}

# The kubelet's own log format: time, stream, F for a whole line.
cri_logs() {
	sed -n 's/^[^ ]* stdout F //p' "$logs/one.log"
	sed -n 's/^[^ ]* stderr F //p' "$logs/one.log" >&2
}

# As a kubelet drives containerd. Its protocol has no pause, which containerd's own client shows, and kill is a stop
# that gives no time.
cri_walk() {
	local one url engine
	pod_start
	one=$(ask .container_id CreateContainer "$(container "$pod" "$sandbox" one "$PAYLOAD" '{"cpu_period": 100000,
		"cpu_quota": 50000, "memory_limit_in_bytes": 67108864}' | jq -c '.config.stdin = true')")
	cri StartContainer "$(id "$one")"
	placed "$(client -n k8s.io task ls | awk -v id="$one" '$1 == id { print $2 }')" "/kubepods/pod1/$one" \
		kubepods.slice/kubepods-pod1.slice "cri-containerd-$one.scope"
	limits 64 '' 50
	logged cri_logs
	executed / cri_exec "$one"
	url=$(ask .url Attach "$(id "$one" | jq -c '. + {stdin: true, stdout: true, stderr: true}')")
	read -r engine <"$BATS_FILE_TMPDIR/engines"
	[ "$DRIVER" = cgroupfs ] || engine=$(tail -n 1 "$BATS_FILE_TMPDIR/engines")
	attached nsenter --net="/proc/$engine/ns/net" /usr/bin/python3 "$REPO/tests/clients/cri.py" attach "$url"
	[ "$(ask .stats.memory.working_set_bytes.value ContainerStats "$(id "$one")")" -gt 0 ]
	cri UpdateContainerResources "$(id "$one" | jq -c '.linux = {cpu_quota: 25000, memory_limit_in_bytes: 100663296}')"
	limits 96 '' 25
	frozen client -n k8s.io task pause "$one"
	client -n k8s.io task ls | grep -q "^$one .*PAUSED"
	thawed client -n k8s.io task resume "$one"
	client -n k8s.io task kill -s USR1 "$one"
	wait_until 5 eval 'cri_logs 2>/dev/null | grep -qx heard'
	cri StopContainer "$(id "$one" | jq -c '.timeout = 0')"
	assert_equal "$(ask '.status | "\(.state) \(.exit_code)"' ContainerStatus "$(id "$one")")" '2 137'
	cri RemoveContainer "$(id "$one")"
	removed
	pod_remove
}

# ---- buildah ------------------------------------------------------------------------------------

# Its bud leaves the cgroup manager out, and tells the plug-in only what it is told for it.
build() {
	local flags=()
	[ "$DRIVER $1" != 'systemd bud' ] || flags=(--runtime-flag systemd-cgroup)
	BUILDAH_ISOLATION=oci BUILDAH_RUNTIME=$OCI /usr/bin/buildah --cgroup-manager "$DRIVER" "$1" "${flags[@]}" \
		"${@:2}" 3>&- 4>&-
}

# For build_limited to look, however long that takes.
UNTIL_SEEN='until [ -e /seen ]; do sleep 0.1; done'

# build_limited MIB COMMAND...: what that runs has this limit, in a group, or a unit, of its own.
build_limited() {
	local client one=''
	"${@:2}" >"$BATS_TEST_TMPDIR/answer" 2>&1 &
	client=$!
	BACKGROUND+=("$client")
	running() { one=$("$OCI" list --quiet) && [ -n "$one" ] && ours /run/ctr-oci "$one"; }
	wait_until 20 running || fail "$(<"$BATS_TEST_TMPDIR/answer")"
	pid=$("$OCI" state "$one" | jq .pid)
	dir=$CGROUPS$(sed -n 's/^0:://p' "/proc/$pid/cgroup") unit=''
	[ "$DRIVER" = cgroupfs ] || unit=${dir##*/}
	[ "$DRIVER" = cgroupfs ] || assert_equal "$(prop "$unit" MemoryMax)" $(($1 << 20))
	assert_equal "$(<"$dir/memory.max")" $(($1 << 20))
	: >"/proc/$pid/root/seen"
	wait "$client" || fail "$(<"$BATS_TEST_TMPDIR/answer")"
	removed
}

buildah_walk() {
	build from --name b1 --memory 64m box:1
	build_limited 64 build run --network none b1 -- sh -c "$UNTIL_SEEN"
	run build run --network none b1 -- sh -c 'exit 7'
	assert_failure 7
	# More than it may have.
	run build run --network none b1 -- probe memory 100
	assert_failure
	assert_output --partial 'exited on killed'
	build rm b1
	printf 'FROM box:1\nRUN %s\n' "$UNTIL_SEEN" >"$BATS_TEST_TMPDIR/Dockerfile"
	build_limited 48 build bud --network none --isolation oci --memory 48m -t made "$BATS_TEST_TMPDIR"
	build rmi made
}
