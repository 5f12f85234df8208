# vm: --systemd -m 2560
# limit: 1200
# The unit template on a systemd that runs: what is active and when, what is stopped, and by socket.

load lib

setup_file() {
	# Pulled in by any service that waits for the basics, it would empty /tmp, with bats in it.
	systemctl mask --runtime systemd-tmpfiles-setup.service systemd-tmpfiles-clean.timer
	sed "s,/usr/local/bin/ctr,$CTR_BIN,; s,^Wants=.*,,; s,^After=.*,," "$REPO/configs/ctr@.service" \
		>/run/systemd/system/ctr@.service
	mkdir -p /etc/ctr
	systemctl daemon-reload
}

setup() {
	# The slice of all instances of the template stays once it is there.
	systemctl start system-ctr.slice
	ctr_setup
	LOG=$BATS_TEST_TMPDIR/log
}

teardown() {
	systemctl stop ctr@web.socket ctr@web.service 2>/dev/null
	systemctl reset-failed 2>/dev/null
	rm -f /run/systemd/system/ctr@web.socket /etc/ctr/web.conf
	ctr_teardown
}

# conf WORDS: what the service runs.
conf() {
	printf 'CTR_ROOT=%s\nRUN=%s\n' "$CTR_ROOT" "$*" >/etc/ctr/web.conf
}

prop() {
	systemctl show --property "$1" --value "ctr@web.${2-service}"
}

is() {
	[ "$(prop "$1")" = "$2" ]
}

# A payload in a file that the container sees.
payload() {
	printf '#!/bin/bash\n%s\n' "$1" >"$BATS_TEST_TMPDIR/payload"
	chmod 755 "$BATS_TEST_TMPDIR/payload"
	conf "--volume $BATS_TEST_TMPDIR:/t ${2-} host -- /t/payload"
}

@test "unit: active once the payload says so, with its status; stop is in order" {
	payload 'trap "echo asked >>/t/log; exit 0" TERM
		until [ -e /t/go ]; do sleep 0.2; done
		systemd-notify --ready --status="serving"
		while :; do sleep 0.2; done'
	systemctl start --no-block ctr@web
	wait_until 10 state_is web running
	assert_equal "$(prop ActiveState)" activating
	touch "$BATS_TEST_TMPDIR/go"
	wait_until 10 is ActiveState active
	assert_equal "$(prop SubState)" running
	assert_equal "$(prop StatusText)" serving
	# The main process is ctr, that of a container which is removed at its end.
	assert_equal "$(cat "/proc/$(prop MainPID)/comm")" ctr
	systemctl stop ctr@web
	assert_equal "$(cat "$LOG")" asked
	assert_equal "$(prop ActiveState) $(prop Result)" 'inactive success'
	run ctr inspect web
	assert_failure
	rm "$LOG" "$BATS_TEST_TMPDIR/go" "$BATS_TEST_TMPDIR/payload"
	assert_nothing_left
}

@test "unit: one that fails is started again by systemd; ctr killed by force leaves nothing in its way" {
	payload 'systemd-notify --ready; exec sleep 1000'
	systemctl start ctr@web
	pid=$(prop MainPID)
	kill -KILL "$pid"
	wait_until 20 eval '[ "$(prop MainPID)" != "$pid" ] && is ActiveState active'
	assert_equal "$(prop NRestarts)" 1
	assert_equal "$(ctr ps --quiet | wc -l)" 1
	systemctl stop ctr@web
	rm "$BATS_TEST_TMPDIR/payload"
	assert_nothing_left
}

# bats test_tags=long
@test "unit: conmon and a monitor beside it: ready when it runs" {
	conf "--sdnotify=conmon --log-driver=k8s-file busybox -- sleep 1000"
	systemctl start ctr@web
	assert_equal "$(prop ActiveState) $(prop SubState)" 'active running'
	state_is web running
	systemctl stop ctr@web
	assert_nothing_left
}

@test "unit: a socket starts it, and the first connection is answered" {
	printf '[Socket]\nListenStream=%s\nFileDescriptorName=web\n' "$BATS_TEST_TMPDIR/s" \
		>/run/systemd/system/ctr@web.socket
	systemctl daemon-reload
	printf '%s\n' 'import os, socket' \
		's = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)' \
		's.connect(os.environ["NOTIFY_SOCKET"])' \
		's.send(b"READY=1")' \
		'l = socket.socket(fileno=3)' \
		'while True:' \
		'    c = l.accept()[0]' \
		'    c.sendall((os.environ["LISTEN_FDNAMES"] + " " + os.environ["LISTEN_PID"]).encode())' \
		'    c.close()' >"$BATS_TEST_TMPDIR/server.py"
	conf "--volume $BATS_TEST_TMPDIR:/t host -- /usr/bin/python3 /t/server.py"
	systemctl start ctr@web.socket
	assert_equal "$(prop ActiveState)" inactive
	run /usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(60)
s.connect(sys.argv[1])
print(s.recv(100).decode())' "$BATS_TEST_TMPDIR/s"
	assert_output 'web 1'
	wait_until 10 is ActiveState active
	systemctl stop ctr@web.socket ctr@web
	rm -f "$BATS_TEST_TMPDIR/s" "$BATS_TEST_TMPDIR/server.py"
	assert_nothing_left
}

@test "unit: in the background its main process is the container's" {
	conf "--sdnotify=conmon busybox -- sleep 1000"
	mkdir -p /run/systemd/system/ctr@web.service.d
	printf '[Service]\nExecStart=\nExecStart=%s run -d --name %%i $RUN\n' "$CTR_BIN" >/run/systemd/system/ctr@web.service.d/d.conf
	systemctl daemon-reload
	systemctl start ctr@web
	assert_equal "$(prop ActiveState) $(prop SubState)" 'active running'
	assert_equal "$(prop MainPID)" "$(ctr inspect --format '{{.State.Pid}}' web)"
	systemctl stop ctr@web
	run ctr inspect web
	assert_failure
	rm -r /run/systemd/system/ctr@web.service.d
	systemctl daemon-reload
	assert_nothing_left
}
