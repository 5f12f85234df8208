# dockerd with its own containerd, and the docker command, drive the plug-in.

load lib

setup_file() {
	have /usr/bin/docker /usr/sbin/dockerd /usr/bin/containerd
	private /var/lib/docker /var/lib/containerd
	config docker.json >"$BATS_FILE_TMPDIR/daemon.json"
	engine "$BATS_FILE_TMPDIR/log" dockerd --config-file "$BATS_FILE_TMPDIR/daemon.json" \
		--default-runtime ctr --exec-opt native.cgroupdriver=cgroupfs --oom-score-adjust 0 \
		--bridge none --iptables=false --ip-forward=false -H "$SOCKET"
	wait_until 20 docker version || { cat "$BATS_FILE_TMPDIR/log" >&2; return 1; }
	make_image "$BATS_FILE_TMPDIR/image.tar"
	docker load -q -i "$BATS_FILE_TMPDIR/image.tar"
	docker run --rm --network none box:1 true
}

teardown_file() {
	stop_engines
}

teardown() {
	docker ps --all --quiet | xargs -r /usr/bin/docker -H "$SOCKET" rm --force >/dev/null 2>&1
	ctr_teardown
}

SOCKET=unix:///run/docker-test.sock
OCI_ROOT=/run/docker/runtime-runc/moby

docker() {
	/usr/bin/docker -H "$SOCKET" "$@" 3>&- 4>&-
}

dock_run() {
	docker run --network none "$@"
}

id_of() {
	docker inspect --format '{{.Id}}' "$1"
}

@test "docker: run gives back the output and the exit status" {
	split dock_run --rm box:1 sh -c 'echo out; echo err >&2; exit 7'
	assert_equal "$status" 7
	assert_equal "$out" out
	assert_equal "$errors" err
	assert_nothing_left
}

@test "docker: a command that is not there is 127, one that can't be run 126" {
	run dock_run --rm box:1 nosuch
	assert_failure 127
	assert_output --partial 'executable file not found in $PATH'
	run dock_run --rm box:1 /etc/passwd
	assert_failure 126
	run dock_run --rm box:1 /etc
	assert_failure 126
	assert_output --partial 'directory'
	assert_nothing_left
}

@test "docker: run in the background, logs, exec, top, kill, wait, rm" {
	dock_run -d --name c1 box:1 sh -c 'echo out; echo err >&2; exec sleep 1000'
	ours "$OCI_ROOT" "$(id_of c1)"
	assert_equal "$(docker inspect --format '{{.HostConfig.Runtime}}' c1)" ctr
	wait_until 5 eval 'docker logs c1 2>&1 | grep -q err'
	run docker logs c1
	assert_line out
	assert_line err
	run docker exec c1 sh -c 'echo $HOME; ps; exit 5'
	assert_failure 5
	assert_line /root
	assert_line --partial 'sleep 1000'
	run docker exec --user user --workdir /tmp --env A=b c1 sh -c 'id -un; pwd; echo $A; echo $HOME'
	assert_output $'user\n/tmp\nb\n/home'
	run docker exec c1 nosuch
	assert_failure
	assert_output --partial 'executable file not found in $PATH'
	run docker top c1
	assert_line --partial 'sleep 1000'
	docker kill c1
	run docker wait c1
	assert_output 137
	docker rm c1
	assert_nothing_left
}

@test "docker: terminals, for run and for exec" {
	run in_tty /usr/bin/docker -H "$SOCKET" run --rm -it --network none box:1 tty
	assert_success
	assert_line --partial '/dev/pts/0'
	dock_run -d --name c1 box:1 sleep 1000
	run in_tty /usr/bin/docker -H "$SOCKET" exec -it c1 tty
	assert_success
	assert_line --partial /dev/pts/
	docker rm -f c1
	assert_nothing_left
}

@test "docker: attach feeds and hears a container" {
	dock_run -d -i --name c1 box:1 sh -c 'read x; echo "got $x"; sleep 1'
	# At the end of what is typed dockerd stops listening to the container too: it has none here.
	mkfifo "$BATS_TEST_TMPDIR/keys"
	exec {keys}<>"$BATS_TEST_TMPDIR/keys"
	echo word >&"$keys"
	run docker attach c1 <&"$keys"
	exec {keys}>&-
	assert_line 'got word'
	docker rm -f c1
	assert_nothing_left
}

@test "docker: pause, unpause, stats" {
	dock_run -d --name c1 box:1 sleep 1000
	docker pause c1
	ours "$OCI_ROOT" "$(id_of c1)" paused
	run docker ps
	assert_line --partial '(Paused)'
	docker unpause c1
	ours "$OCI_ROOT" "$(id_of c1)" running
	run docker stats --no-stream --format '{{.Name}} {{.CPUPerc}}' c1
	assert_success
	assert_output --regexp '^c1 [0-9.]+%$'
	docker rm -f c1
	assert_nothing_left
}

@test "docker: stop lets it end by itself; start and restart run it again" {
	dock_run -d --name c1 box:1 sh -c 'trap "exit 3" TERM; echo begin; while :; do sleep 0.1; done'
	wait_until 5 eval 'docker logs c1 | grep -q begin'
	docker stop -t 20 c1
	assert_equal "$(docker inspect --format '{{.State.ExitCode}}' c1)" 3
	docker start c1
	ours "$OCI_ROOT" "$(id_of c1)"
	docker restart -t 0 c1
	ours "$OCI_ROOT" "$(id_of c1)"
	docker rm -f c1
	docker create --name c2 --network none box:1 true
	docker rm c2
	assert_nothing_left
}

@test "docker: what its flags ask arrives in the container" {
	run dock_run --rm --user 1000:50 --hostname inner --read-only --tmpfs /t --cap-drop all \
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
	assert_nothing_left
}

@test "docker: --init, --privileged, the host's pid namespace" {
	run dock_run --rm --init box:1 ps
	assert_line --partial docker-init
	run dock_run --rm --privileged box:1 sh -c 'touch /sys/x'
	refute_output --partial 'Read-only'
	dock_run -d --name c2 --pid host box:1 sh -c 'sleep 1001 & exec sleep 1002'
	docker kill c2
	docker rm c2
	run pgrep -f 'sleep 100[12]'
	assert_failure
	assert_nothing_left
}
