# What a container says of its state to the service manager of who runs it (NOTIFY_SOCKET): that it is heard,
# and that nothing else is.

load lib

OCI=$CTR_BUILD/bin/ctr-oci

setup() {
	ctr_setup
	S=$BATS_TEST_TMPDIR/manager
	HEARD=$BATS_TEST_TMPDIR/heard
	manager "$S" >"$HEARD" 2>"$BATS_TEST_TMPDIR/manager.log" 3>&- 4>&- &
	BACKGROUND+=("$!")
	wait_until 5 test -S "$S"
	snapshot_host
}

# manager ADDRESS: prints each message that comes, its lines with | between, and how many fds came with it.
# sd_notify_barrier(3) only waits for them to be closed.
manager() {
	exec /usr/bin/python3 -uc '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace("@", "\0", 1))
while True:
    data, fds, flags, who = socket.recv_fds(s, 65536, 16)
    [os.close(fd) for fd in fds]
    if data != b"BARRIER=1" or len(fds) != 1:
        print(data.decode().replace("\n", "|"), len(fds))' "$1"
}

# managed ARG...: ctr as a service manager starts it that expects to hear of it.
managed() {
	# shellcheck disable=SC2016
	NOTIFY_SOCKET=$S bash -c 'SYSTEMD_EXEC_PID=$$ exec "$@"' - "$CTR_BIN" "${CTR_FLAGS[@]}" "$@" 3>&- 4>&-
}

heard() {
	grep -qx -- "$1" "$HEARD"
}

# all_heard LINE...: these and no others.
all_heard() {
	[ "$(cat "$HEARD")" = "$(printf '%s 0\n' "$@")" ]
}

# A payload in Python that says what it is given, one message per word.
SAY='
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
for word in sys.argv[1:]:
    s.send(word.replace("|", "\n").encode())
'

@test "sdnotify: what the payload says is heard, by the tool that everybody has" {
	managed run --rm host -- sh -c 'systemd-notify --ready --status="half way"; systemd-notify RELOADING=1 STOPPING=1'
	wait_until 5 all_heard 'READY=1|STATUS=half way' 'RELOADING=1|STOPPING=1'
	# The same by the flag alone, where it isn't the manager's own child; and to a name without a file.
	: >"$HEARD"
	NOTIFY_SOCKET=$S ctr run --rm --sdnotify=container host -- systemd-notify --ready
	wait_until 5 all_heard READY=1
	assert_nothing_left
}

@test "sdnotify: a system is ready once it has booted" {
	managed run -d --name c1 --sdnotify=container --init=systemd host
	wait_until 20 grep -q '^READY=1' "$HEARD"
	# By then it knows how its boot went; of a machine's own units any may be one that fails in there.
	run ctr exec c1 systemctl is-system-running
	assert_output --regexp '^(running|degraded)$'
	ctr rm --force c1
	assert_nothing_left
}

@test "sdnotify: an abstract name" {
	manager @ctr-test-$$ >"$HEARD" 3>&- 4>&- &
	BACKGROUND+=("$!")
	wait_until 5 grep -q "@ctr-test-$$" /proc/net/unix
	NOTIFY_SOCKET=@ctr-test-$$ ctr run --rm --sdnotify=conmon busybox true
	wait_until 5 all_heard READY=1
}

@test "sdnotify: who only inherited NOTIFY_SOCKET says nothing, nor who isn't to" {
	local show='echo "${NOTIFY_SOCKET-none}"; ls -d /run/notify'
	NOTIFY_SOCKET=$S run ctr run --rm busybox sh -c "$show"
	assert_line none
	refute_line /run/notify
	run managed run --rm --sdnotify=ignore busybox sh -c "$show"
	assert_line none
	run managed run --rm --sdnotify=conmon busybox sh -c "$show"
	assert_line none
	refute_line /run/notify
	wait_until 5 all_heard READY=1
	run ctr run --rm --sdnotify=container busybox sh -c "$show"
	assert_line none
	NOTIFY_SOCKET=relative run ctr run --rm --sdnotify=container busybox true
	assert_failure 125
	assert_output --partial 'NOTIFY_SOCKET=relative: neither an absolute path nor @'
	run ctr run --rm --sdnotify=healthy busybox true
	assert_failure 125
	assert_output --partial '--sdnotify=healthy: there is no --health-cmd'
	assert_nothing_left
}

@test "sdnotify: the container has a socket of its own, read-only mounted, for any of its users" {
	run managed run --rm --user 1000 host -- sh -c 'echo "$NOTIFY_SOCKET"; ls "${NOTIFY_SOCKET%/*}"; touch /run/notify/x;
		grep " /run/notify " /proc/self/mountinfo; systemd-notify --ready'
	assert_line /run/notify/notify.sock
	assert_line notify.sock
	assert_output --partial 'Read-only file system'
	assert_output --regexp ' /run/notify ro,nosuid,nodev,noexec'
	wait_until 5 all_heard READY=1
	# In a user namespace as well, and with a root that is read-only.
	managed run --rm --userns private --read-only host -- systemd-notify --ready
	wait_until 5 all_heard READY=1 READY=1
	# Where no other user of the host gets at it.
	managed run -d --name c1 busybox sleep 1000 >/dev/null
	assert_equal "$(stat -c %a "$CTR_ROOT/c1/notify")" 700
	ctr rm --force c1
	assert_nothing_left
}

@test "sdnotify: a hostile container is not heard" {
	managed run --rm host -- /usr/bin/python3 -c "$SAY" 'MAINPID=1|READY=1|FDSTORE=1' 'EXTEND_TIMEOUT_USEC=1' \
		$'STATUS=\e[2J\a!' 'X=1' 'WATCHDOG_USEC=1|WATCHDOG=1' "STATUS=$(printf '%3000s' '')" 'READY=2'
	wait_until 5 all_heard READY=1 'STATUS= [2J !' WATCHDOG=1
	: >"$HEARD"
	# With an fd that it wants kept.
	managed run --rm host -- /usr/bin/python3 -c '
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
socket.send_fds(s, [b"FDSTORE=1\nREADY=1"], [0, 1, 2])'
	wait_until 5 all_heard READY=1
	assert_nothing_left
}

@test "sdnotify: a flood waits in its own socket, and keeps nobody from the end" {
	local begin=$EPOCHSECONDS count
	managed run -d --name c1 host -- /usr/bin/python3 -c '
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
while True:
    s.send(b"STATUS=x")' >/dev/null
	sleep 2
	count=$(grep -c STATUS "$HEARD")
	# A hundred a second; on a machine with much to do two seconds are more.
	((count > 10 && count < 150 * (EPOCHSECONDS - begin + 1))) || fail "$count in $((EPOCHSECONDS - begin)) s"
	run ctr stop -t 0 c1
	assert_success
	ctr rm c1
	assert_nothing_left
}

@test "sdnotify: in the background the manager hears whose pid is its main one, in each life" {
	managed run -d --name c1 --restart always host -- sh -c 'systemd-notify --ready; exec sleep 1000' >/dev/null
	pid=$(ctr inspect --format '{{.State.Pid}}' c1)
	wait_until 5 heard 'READY=1 0'
	assert_equal "$(head -n 1 "$HEARD")" "MAINPID=$pid 0"
	kill -KILL "$pid"
	wait_until 10 eval '[ "$(grep -c READY=1 "$HEARD")" = 2 ]'
	heard "MAINPID=$(ctr inspect --format '{{.State.Pid}}' c1) 0"
	ctr rm --force c1
	: >"$HEARD"
	managed run -d --name c1 --sdnotify conmon busybox sleep 1000 >/dev/null
	wait_until 5 all_heard "MAINPID=$(ctr inspect --format '{{.State.Pid}}' c1)|READY=1"
	ctr rm --force c1
	# In the foreground the main process is ctr, which the manager knows.
	: >"$HEARD"
	managed run --name c1 host -- systemd-notify --ready
	wait_until 5 all_heard READY=1
	ctr rm c1
	assert_nothing_left
}

@test "sdnotify: nothing is lost when either of the two that keep it is killed" {
	managed run -d --name c1 host -- sh -c 'while [ ! -e /tmp/go ]; do sleep 0.05; done; rm /tmp/go
		systemd-notify --ready --no-block; exec sleep 1000' >/dev/null
	ctr exec c1 true
	for who in monitor keeper monitor; do
		kill_hard "$(monitors c1 "$who")"
		wait_until 5 eval '[ "$(monitors c1 | wc -l)" = 2 ]'
	done
	# One that says it while nobody listens.
	kill -STOP "$(monitors c1 monitor)"
	ctr exec c1 touch /tmp/go
	wait_until 5 eval '! ctr exec c1 test -e /tmp/go'
	sleep 0.2
	kill_hard "$(monitors c1 monitor)"
	wait_until 5 heard 'READY=1 0'
	ctr rm --force c1
	assert_nothing_left
}

@test "sdnotify: healthy is what the health check says" {
	managed run -d --name c1 --sdnotify healthy --health-cmd 'test -e /tmp/well' --health-interval 100ms busybox sleep 1000 >/dev/null
	sleep 0.5
	run heard 'READY=1 0'
	assert_failure
	ctr exec c1 touch /tmp/well
	wait_until 5 heard 'READY=1 0'
	ctr rm --force c1
	assert_nothing_left
}

@test "sdnotify: the watchdog's time is the payload's, where it is for ctr" {
	# shellcheck disable=SC2016
	run bash -c 'NOTIFY_SOCKET=$0 SYSTEMD_EXEC_PID=$$ WATCHDOG_PID=$$ WATCHDOG_USEC=5000000 exec "$@"' "$S" \
		"$CTR_BIN" "${CTR_FLAGS[@]}" run --rm busybox sh -c 'echo $WATCHDOG_USEC $WATCHDOG_PID'
	assert_output 5000000
	WATCHDOG_PID=1 WATCHDOG_USEC=5000000 run managed run --rm busybox sh -c 'echo "$WATCHDOG_USEC"'
	assert_output ''
	assert_nothing_left
}

@test "sdnotify: start again and restart speak to the manager that they were started by" {
	managed run --name c1 host -- sh -c 'systemd-notify --ready || true'
	: >"$HEARD"
	ctr start --attach c1
	managed start --attach c1
	wait_until 5 all_heard READY=1
	ctr rm c1
	assert_nothing_left
}

@test "sdnotify: ctr-oci start waits until it is ready, and says READY=1 and the pid, as runc does" {
	B=$BATS_TEST_TMPDIR/b
	make_bundle "$B"
	edit_config "$B" --arg say "$SAY" '.process.args = ["sh", "-c", "sleep 0.5; exec /usr/bin/python3 -c \"$SAY\" \"STATUS=x|READY=1|MAINPID=1\" STOPPING=1"]
		| .process.env += ["SAY=" + $say]
		| .mounts += [["/usr", "/lib", "/lib64"][] | {destination: ., source: ., type: "bind", options: ["rbind", "ro"]}]'
	NOTIFY_SOCKET=$S "$OCI" --root "$CTR_ROOT" create --bundle "$B" --pid-file "$BATS_TEST_TMPDIR/pid" c1 3>&- 4>&- </dev/null >/dev/null 2>&1
	# What is kept of it isn't changed by that.
	run jq -r '.process.env[], .mounts[].destination' "$CTR_ROOT/c1/config.json"
	refute_line --partial notify
	NOTIFY_SOCKET=$S "$OCI" --root "$CTR_ROOT" start c1
	# It was heard by then.
	all_heard "READY=1|MAINPID=$(<"$BATS_TEST_TMPDIR/pid")"
	wait_until 5 state_is c1 stopped
	"$OCI" --root "$CTR_ROOT" delete c1
	: >"$HEARD"
	NOTIFY_SOCKET=$S "$OCI" --root "$CTR_ROOT" run --detach --bundle "$B" --pid-file "$BATS_TEST_TMPDIR/pid" c1 3>&- 4>&- </dev/null >/dev/null 2>&1
	all_heard "READY=1|MAINPID=$(<"$BATS_TEST_TMPDIR/pid")"
	"$OCI" --root "$CTR_ROOT" delete --force c1
	: >"$HEARD"
	NOTIFY_SOCKET=$S "$OCI" --root "$CTR_ROOT" run --bundle "$B" c1 3>&- 4>&-
	wait_until 5 heard 'READY=1|MAINPID=[0-9]* 0'
	# One that ends without a word keeps nobody.
	edit_config "$B" '.process.args = ["true"]'
	NOTIFY_SOCKET=$S timeout 10 "$OCI" --root "$CTR_ROOT" run --detach --bundle "$B" c1 3>&- 4>&- </dev/null >/dev/null 2>&1
	"$OCI" --root "$CTR_ROOT" delete --force c1
	rm -r "$B" "$BATS_TEST_TMPDIR/pid"
	assert_nothing_left
}
