# Sockets that a service manager hands on (LISTEN_FDS), and other fds of the caller's.

load lib

OCI=$CTR_BUILD/bin/ctr-oci

# Answers each connection of fd 3 with what it was told of, and the pid that it has. It serves for ever.
SERVER='
import os, socket
env = os.environ
listen = socket.socket(fileno=3)
while True:
    c = listen.accept()[0]
    c.sendall(("%s %s %d %s" % (env.get("LISTEN_FDS"), env.get("LISTEN_FDNAMES"), os.getpid(),
               int(env.get("LISTEN_PID", 0)) == os.getpid())).encode())
    c.close()
'

# activated OPTIONS... -- COMMAND: the real activator, in the background. It starts the command at the first
# connection, in its own place.
activated() {
	systemd-socket-activate "$@" </dev/null >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- 4>&- &
	activator=$!
	BACKGROUND+=("$activator")
}

# ask PATH: connect, and print the answer.
ask() {
	/usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(20)
s.connect(sys.argv[1])
print(s.recv(200).decode())' "$1" 3>&-
}

# serves PATH: somebody answers there who is who LISTEN_PID says.
serves() {
	ask "$1" 2>/dev/null | grep -q '^1 .* 1 True$'
}

@test "activation: run hands the sockets on, first in the row, with their names" {
	local s=$BATS_TEST_TMPDIR/s
	activated -l "$s" -l "$s.2" --fdname=web:admin "$CTR_BIN" "${CTR_FLAGS[@]}" run --rm --name c1 host -- \
		/usr/bin/python3 -c "$SERVER"
	wait_until 5 test -S "$s.2"
	run ask "$s"
	assert_output '2 web:admin 1 True'
	# The same process answers again; ctr itself is where the activator was.
	run ask "$s"
	assert_output '2 web:admin 1 True'
	assert_equal "$(cat "/proc/$activator/comm")" ctr
	ctr stop -t 0 c1
	rm "$s" "$s.2"
	assert_nothing_left
}

@test "activation: below --init and beside the host's processes LISTEN_PID is the payload's" {
	local s=$BATS_TEST_TMPDIR/s
	activated -l "$s" "$CTR_BIN" "${CTR_FLAGS[@]}" run --rm --init --name c1 host -- /usr/bin/python3 -c "$SERVER"
	wait_until 5 test -S "$s"
	run ask "$s"
	assert_output --regexp '^1 [^ ]+ 2 True$'
	ctr stop -t 0 c1
	rm "$s"
	activated -l "$s" "$CTR_BIN" "${CTR_FLAGS[@]}" run --rm --pid host --name c1 host -- /usr/bin/python3 -c "$SERVER"
	wait_until 5 test -S "$s"
	run ask "$s"
	assert_output --regexp "^1 [^ ]+ [0-9]{2,} True\$"
	ctr stop -t 0 c1
	rm "$s"
	assert_nothing_left
}

@test "activation: what stays has them in each of its lives, whoever of its two keepers is killed" {
	local s=$BATS_TEST_TMPDIR/s
	activated -l "$s" "$CTR_BIN" "${CTR_FLAGS[@]}" run -d --restart always --name c1 host -- /usr/bin/python3 -c "$SERVER"
	wait_until 5 test -S "$s"
	wait_until 10 serves "$s"
	wait "$activator"
	kill_hard "$(monitors c1 monitor)"
	wait_until 5 eval '[ "$(monitors c1 | wc -l)" = 2 ]'
	kill_hard "$(monitors c1 keeper)"
	wait_until 5 eval '[ "$(monitors c1 | wc -l)" = 2 ]'
	# It ends, and is started again by the monitor after those.
	pid=$(ctr inspect --format '{{.State.Pid}}' c1)
	kill -KILL "$pid"
	wait_until 10 serves "$s"
	[ "$(ctr inspect --format '{{.State.Pid}}' c1)" != "$pid" ]
	# And by hand, by another monitor.
	run ctr restart -t 0 c1
	assert_success
	wait_until 10 serves "$s"
	# Nobody holds them any more once it is stopped.
	ctr stop -t 0 c1
	run ask "$s"
	assert_failure
	run ctr start c1
	assert_failure
	assert_output --partial 'made with 1 fds (--preserve-fds, LISTEN_FDS), which went with its last life'
	# But who brings others starts it.
	rm "$s"
	activated -l "$s" "$CTR_BIN" "${CTR_FLAGS[@]}" start c1
	wait_until 5 test -S "$s"
	wait_until 10 serves "$s"
	ctr rm --force c1
	rm "$s"
	assert_nothing_left
}

@test "activation: create takes them, start of what is created does not" {
	local s=$BATS_TEST_TMPDIR/s
	activated -l "$s" "$CTR_BIN" "${CTR_FLAGS[@]}" create --name c1 host -- /usr/bin/python3 -c "$SERVER"
	wait_until 5 test -S "$s"
	ask "$s" >"$BATS_TEST_TMPDIR/answer" &
	asker=$!
	wait_until 5 state_is c1 created
	run bash -c 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3</dev/null' - "$CTR_BIN" "${CTR_FLAGS[@]}" start c1
	assert_failure
	assert_output --partial 'LISTEN_FDS=1: container "c1" is created already'
	ctr start c1
	wait "$asker"
	assert_equal "$(cut -d ' ' -f 1,3,4 "$BATS_TEST_TMPDIR/answer")" '1 1 True'
	ctr rm --force c1
	rm "$s" "$BATS_TEST_TMPDIR/answer"
	assert_nothing_left
}

@test "activation: what is meant for another process stays outside, and what can't be right is refused" {
	local show='echo "${LISTEN_FDS-no}"; ls /proc/self/fd | tr "\n" " "'
	run bash -c 'LISTEN_FDS=1 LISTEN_PID=1 exec "$@" 3</dev/null 4<&-' - "$CTR_BIN" "${CTR_FLAGS[@]}" run --rm busybox sh -c "$show"
	assert_output $'no\n0 1 2 3 '
	run bash -c 'LISTEN_FDS=many LISTEN_PID=$$ exec "$@"' - "$CTR_BIN" "${CTR_FLAGS[@]}" run --rm busybox true
	assert_failure 125
	assert_output --partial 'LISTEN_FDS=many: not a number'
	run bash -c 'LISTEN_FDS=2 LISTEN_PID=$$ exec "$@" 3</dev/null 4<&-' - "$CTR_BIN" "${CTR_FLAGS[@]}" run --rm busybox true
	assert_failure 125
	assert_output --partial 'LISTEN_FDS=2: fd 4 is not open'
	run bash -c 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3</ 4<&-' - "$CTR_BIN" "${CTR_FLAGS[@]}" run --rm busybox true
	assert_failure 125
	assert_output --partial "LISTEN_FDS=1: fd 3 is a folder of the host's"
	run bash -c 'exec "$@" 3</dev/null 4<&-' - "$CTR_BIN" "${CTR_FLAGS[@]}" run --rm --preserve-fds 2 busybox true
	assert_failure 125
	assert_output --partial '--preserve-fds 2: fd 4 is not open'
	run bash -c 'exec "$@" 3<&-' - "$CTR_BIN" "${CTR_FLAGS[@]}" exec --preserve-fds 1 c1 true
	assert_failure
	assert_output --partial '--preserve-fds 1: fd 3 is not open'
	run bash -c 'exec "$@" 3<&-' - "$OCI" --root "$CTR_ROOT" create --preserve-fds 1 c1
	assert_failure
	assert_output --partial '--preserve-fds 1: fd 3 is not open'
	assert_nothing_left
}

@test "preserve-fds: they arrive in a container that stays, and nowhere else" {
	local f=$BATS_TEST_TMPDIR/f
	echo kept >"$f"
	printf '#!/bin/sh\nls -l /proc/self/fd >"%s/hook"\n' "$TMPDIR" >"$BATS_TEST_TMPDIR/hook.sh"
	chmod +x "$BATS_TEST_TMPDIR/hook.sh"
	"$CTR_BIN" "${CTR_FLAGS[@]}" run -d --preserve-fds 2 --name c1 busybox -- \
		sh -c 'cat <&4; ls /proc/self/fd | tr "\n" " "; exec sleep 1000' 3</dev/null 4<"$f" >/dev/null
	wait_until 5 eval 'ctr logs c1 | grep -q 0'
	run ctr logs c1
	assert_output $'kept\n0 1 2 3 4 5 '
	# Neither what is executed in it later has them, nor is there one too many.
	run ctr exec c1 ls /proc/self/fd
	assert_output $'0\n1\n2\n3'
	run bash -c 'for i in {3..302}; do eval "exec $i</dev/null"; done; exec "$@"' - \
		"$CTR_BIN" "${CTR_FLAGS[@]}" run -d --preserve-fds 300 --name c2 busybox true
	assert_failure 125
	assert_output --partial "300 fds for a container that stays: more than 252 can't be kept"
	run bash -c 'for i in {3..254}; do eval "exec $i</dev/null"; done; exec "$@"' - \
		"$CTR_BIN" "${CTR_FLAGS[@]}" run -t --preserve-fds 252 --name c2 busybox sh -c 'ls /proc/self/fd | wc -l'
	assert_success
	assert_output --partial 256
	ctr rm c2
	ctr rm --force c1
	rm "$f" "$BATS_TEST_TMPDIR/hook.sh"
	assert_nothing_left
}

@test "activation: systemd finds nothing wrong with the unit template" {
	mkdir "$BATS_TEST_TMPDIR/units"
	sed "s,/usr/local/bin/ctr,$CTR_BIN," "$REPO/configs/ctr@.service" >"$BATS_TEST_TMPDIR/units/ctr@web.service"
	run systemd-analyze verify --man=no "$BATS_TEST_TMPDIR/units/ctr@web.service" 3>&-
	assert_success
	assert_output ''
	# It would have said so.
	sed -i 's/^Type=notify/Type=notify-ctr/' "$BATS_TEST_TMPDIR/units/ctr@web.service"
	run systemd-analyze verify --man=no "$BATS_TEST_TMPDIR/units/ctr@web.service" 3>&-
	assert_output --partial notify-ctr
	rm -r "$BATS_TEST_TMPDIR/units"
}
