# podman and conmon drive the plug-in.

load lib

setup_file() {
	have /usr/bin/podman /usr/bin/conmon
	private /var/lib/containers
	podman_config
	make_image "$BATS_FILE_TMPDIR/image.tar"
	podman load -q -i "$BATS_FILE_TMPDIR/image.tar"
	# Its own folders and groups come with the first container.
	podman run --rm --network none box:1 true
}

teardown() {
	podman rm --all --force --time 0 >/dev/null 2>&1
	ctr_teardown
}

podman() {
	/usr/bin/podman --log-level error --runtime ctr-oci "$@" 3>&- 4>&-
}

# pod_run ARG...: podman run, without a network.
pod_run() {
	podman run --network none "$@"
}

id_of() {
	podman inspect --format '{{.Id}}' "$1"
}

@test "podman: run gives back the output and the exit status" {
	split pod_run --rm box:1 sh -c 'echo out; echo err >&2; exit 7'
	assert_equal "$status" 7
	assert_equal "$out" out
	assert_equal "$errors" err
	assert_nothing_left
}

@test "podman: a command that is not there is 127, one that can't be run 126" {
	run pod_run --rm box:1 nosuch
	assert_failure 127
	assert_output --partial 'executable file not found in $PATH'
	run pod_run --rm box:1 /etc/passwd
	assert_failure 126
	assert_output --partial 'permission denied'
	run pod_run --rm box:1 /etc
	assert_failure 126
	assert_nothing_left
}

@test "podman: run in the background, logs, exec, top, kill, wait, rm" {
	run pod_run -d --name c1 box:1 sh -c 'echo out; echo err >&2; exec sleep 1000'
	assert_success
	id=$(id_of c1)
	ours /run/ctr-oci "$id"
	assert_equal "$(podman inspect --format '{{.OCIRuntime}}' c1)" ctr-oci
	wait_until 5 eval 'podman logs c1 2>&1 | grep -q err'
	run podman logs c1
	assert_line out
	assert_line err
	run podman exec c1 sh -c 'echo $HOME; ps; exit 5'
	assert_failure 5
	assert_line /root
	assert_line --partial 'sleep 1000'
	run podman exec --user user --workdir /tmp --env A=b c1 sh -c 'id -un; pwd; echo $A'
	assert_success
	assert_output $'user\n/tmp\nb'
	run podman top c1
	assert_line --partial 'sleep 1000'
	run podman kill c1
	assert_success
	run podman wait c1
	assert_output 137
	run podman rm c1
	assert_success
	run "$OCI" state "$id"
	assert_failure
	assert_output --partial 'does not exist'
	assert_nothing_left
}

@test "podman: exec shows what the command says and nothing of ours" {
	pod_run -d --name c1 box:1 sleep 1000
	split podman exec c1 sh -c 'echo out'
	assert_equal "$out" out
	assert_equal "$errors" ''
	run podman exec c1 nosuch
	assert_failure 127
	podman rm -f -t 0 c1
	assert_nothing_left
}

@test "podman: terminals, for run and for exec" {
	run in_tty /usr/bin/podman --log-level error --runtime ctr-oci run --rm -it --network none box:1 tty
	assert_success
	assert_line --partial '/dev/pts/0'
	pod_run -d --name c1 box:1 sleep 1000
	run in_tty /usr/bin/podman --log-level error --runtime ctr-oci exec -it c1 tty
	assert_success
	assert_line --partial /dev/pts/
	podman rm -f -t 0 c1
	assert_nothing_left
}

@test "podman: attach feeds and hears a container" {
	pod_run -d -i --name c1 box:1 sh -c 'read x; echo "got $x"; sleep 1'
	run podman attach c1 < <(sleep 1; echo word)
	assert_line 'got word'
	podman rm -f -t 0 c1
	assert_nothing_left
}

@test "podman: pause and unpause" {
	pod_run -d --name c1 box:1 sh -c 'while :; do date +%s%N; sleep 0.02; done'
	local id
	id=$(id_of c1)
	podman pause c1
	ours /run/ctr-oci "$id" paused
	assert_equal "$(podman inspect --format '{{.State.Status}}' c1)" paused
	run podman exec c1 true
	assert_failure
	podman unpause c1
	ours /run/ctr-oci "$id" running
	podman rm -f -t 0 c1
	assert_nothing_left
}

@test "podman: stop lets it end by itself, start runs it again" {
	pod_run -d --name c1 box:1 sh -c 'trap "exit 3" TERM; echo begin; while :; do sleep 0.1; done'
	wait_until 5 eval 'podman logs c1 | grep -q begin'
	podman stop -t 20 c1
	assert_equal "$(podman inspect --format '{{.State.ExitCode}}' c1)" 3
	podman start c1
	ours /run/ctr-oci "$(id_of c1)"
	podman restart -t 0 c1
	podman rm -f -t 0 c1
	podman create --network none --name c2 box:1 true
	podman init c2
	ours /run/ctr-oci "$(id_of c2)" created
	podman rm -f c2
	assert_nothing_left
}

@test "podman: what its flags ask arrives in the container" {
	run pod_run --rm --user 1000:50 --hostname inner --read-only --tmpfs /t --cap-drop all \
		--cap-add kill --workdir /home --env A=b --security-opt no-new-privileges \
		-v "$BATS_TEST_TMPDIR:/vol:ro" box:1 sh -c '
			id -u; id -g; hostname; pwd; echo $A; touch /x /vol/x /t/x
			grep -E "CapBnd|NoNewPrivs|Seccomp:" /proc/self/status'
	assert_line 1000
	assert_line 50
	assert_line inner
	assert_line /home
	assert_line b
	assert_line --regexp 'touch: /x: Read-only'
	assert_line --regexp 'touch: /vol/x: Read-only'
	refute_line --regexp 'touch: /t/x'
	assert_line --regexp 'CapBnd:.0000000000000020'
	assert_line --regexp 'NoNewPrivs:.1'
	assert_line --regexp 'Seccomp:.2'
	assert_nothing_left
}

@test "podman: --privileged, --init and a pid namespace that is another's" {
	run pod_run --rm --privileged box:1 sh -c 'grep CapEff /proc/self/status; touch /sys/x'
	refute_output --partial 'Read-only'
	pod_run -d --name c1 box:1 sleep 1000
	run pod_run --rm --pid container:c1 box:1 ps
	assert_line --partial 'sleep 1000'
	podman rm -f -t 0 c1
	pod_run -d --name c2 --pid host box:1 sh -c 'sleep 1001 & exec sleep 1002'
	podman rm -f -t 0 c2
	run pgrep -f 'sleep 100[12]'
	assert_failure
	assert_nothing_left
}

@test "podman: update without the controller tells which one is missing" {
	[ ! -e /sys/fs/cgroup/cgroup.controllers ] || ! grep -qw cpu /sys/fs/cgroup/cgroup.controllers ||
		skip "this machine has the controller: vm-podman.bats has the update"
	pod_run -d --name c1 box:1 sleep 1000
	run podman update --cpus 1 c1
	assert_failure
	assert_output --partial 'linux.resources.cpu.quota'
	assert_output --partial 'no controller "cpu"'
	podman rm -f -t 0 c1
	assert_nothing_left
}

@test "podman: its hooks are run at every point, with the state on standard input" {
	local hooks=$BATS_TEST_TMPDIR/hooks point
	mkdir "$hooks"
	cat >"$hooks/hook" <<-'END'
	#!/bin/sh
	# createContainer runs in the container's namespaces, with the host's tree still in view.
	state=$(cat)
	pid=$(echo "$state" | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p')
	status=$(echo "$state" | sed -n 's/.*"status": *"\([a-z]*\)".*/\1/p')
	test -d "/proc/$pid/ns" && alive=alive || alive=gone
	echo "$2 $status $alive" >>"$(dirname "$0")/seen"
	END
	chmod 755 "$hooks/hook"
	for point in prestart createRuntime createContainer poststart poststop; do
		jq -n --arg hook "$hooks/hook" --arg point "$point" '{version: "1.0.0", when: {always: true},
			stages: [$point], hook: {path: $hook, args: ["hook", "-", $point]}}' \
			>"$hooks/$point.json"
	done
	podman --hooks-dir "$hooks" run -d --name c1 --network none box:1 sleep 1000
	podman --hooks-dir "$hooks" rm -f -t 0 c1
	run cat "$hooks/seen"
	assert_equal "$output" "\
prestart creating alive
createRuntime creating alive
createContainer creating alive
poststart running alive
poststop stopped gone"
	rm -r "$hooks"
	assert_nothing_left
}

@test "podman: --sdnotify=container: the manager hears of it, and the sockets are there" {
	local heard=$BATS_TEST_TMPDIR/heard address=$BATS_TEST_TMPDIR/manager host=(-v /usr:/usr:ro -v /lib:/lib:ro -v /lib64:/lib64:ro)
	/usr/bin/python3 -uc '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
    print(s.recv(1000).decode().replace("\n", "|"))' "$address" >"$heard" 3>&- 4>&- &
	BACKGROUND+=("$!")
	wait_until 5 test -S "$address"
	NOTIFY_SOCKET=$address pod_run -d --name c1 --sdnotify container "${host[@]}" box:1 sh -c 'systemd-notify --ready; exec sleep 1000'
	wait_until 5 grep -q 'READY=1' "$heard"
	podman rm --force --time 0 c1
	# shellcheck disable=SC2016
	run bash -c 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3</etc/hostname' - /usr/bin/podman --log-level error --runtime ctr-oci \
		run --rm --network none box:1 sh -c 'echo "$LISTEN_FDS $LISTEN_PID"; cat <&3'
	assert_output "1 1
$(</etc/hostname)"
	assert_nothing_left
}
