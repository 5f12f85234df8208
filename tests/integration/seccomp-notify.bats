# SCMP_ACT_NOTIFY: the notify fd reaches an agent before the payload begins, and the agent answers.
# The agent is a program of its own (tests/helpers/seccomp-agent.c), and its log is what it saw.
# shellcheck disable=SC2154

load lib

setup() {
	ctr_setup
	bundle=$BATS_TEST_TMPDIR/b
	socket=$BATS_TEST_TMPDIR/agent.sock
	log=$BATS_TEST_TMPDIR/agent.log
	make_bundle "$bundle"
	start_agent
	notify mkdir mkdirat getppid sethostname
	snapshot_host
}

teardown() {
	[ -z "$agent" ] || kill -KILL "$agent" || true
	ctr_teardown
}

start_agent() {
	"$CTR_BUILD/tests/helpers/seccomp-agent" "$socket" "$log" </dev/null 2>"$log.err" 3>&- 4>&- &
	agent=$!
	wait_until 5 test -S "$socket"
}

stop_agent() {
	kill_hard "$agent"
	agent=
}

# notify SYSCALL...: the bundle's filter has the agent asked about these.
notify() {
	edit_config "$bundle" --arg socket "$socket" --arg names "$*" '.linux.seccomp = {
		defaultAction: "SCMP_ACT_ALLOW", listenerPath: $socket, listenerMetadata: "my data",
		syscalls: [{names: ($names / " "), action: "SCMP_ACT_NOTIFY"}]}'
}

# command TEXT: what the container's shell runs.
command_is() {
	edit_config "$bundle" --arg text "$1" '.process.args = ["sh", "-c", $text]'
}

# The N-th container process state that the agent got.
state_sent() {
	grep '^state ' "$log" | sed -n "$1s/^state //p" | jq -c "$2"
}

logged() {
	grep -qx "$1" "$log"
}

@test "notify: a call is answered by the agent, with a value or an error, and is not made" {
	command_is 'mkdir /made && echo "said yes"; [ -e /made ] || echo "not made"; echo "$PPID"; hostname x'
	run ctr run --rm --bundle "$bundle"
	assert_failure
	assert_line 'said yes'
	assert_line 'not made'
	assert_line 4242
	assert_output --partial 'sethostname: Not a XENIX named type file'
	wait_until 5 logged end
	logged 'call sethostname'
	assert_nothing_left
}

@test "notify: the agent gets one state and one fd in one connection" {
	edit_config "$bundle" '.annotations = {"my.key": "my value"} | .process.args = ["sleep", "1000"]'
	run ctr create --name c1 --bundle "$bundle"
	assert_success
	assert_equal "$(cat "$log")" ""
	run ctr start c1
	assert_success
	wait_until 5 grep -q ^state "$log"
	assert_equal "$(grep -c ^state "$log")" 1
	logged 'fds 1'
	assert_equal "$(state_sent 1 '[.ociVersion, .fds, .metadata]')" '["1.3.0",["seccompFd"],"my data"]'
	assert_equal "$(state_sent 1 .pid)" "$(ctr state c1 | jq .pid)"
	assert_equal "$(state_sent 1 .state.pid)" "$(ctr state c1 | jq .pid)"
	assert_equal "$(state_sent 1 '[.state.ociVersion, .state.id, .state.status, .state.bundle]')" \
		"[\"1.3.0\",\"c1\",\"created\",\"$bundle\"]"
	assert_equal "$(state_sent 1 '.state.annotations."my.key"')" '"my value"'
	run ctr rm --force c1
	assert_success
	assert_nothing_left
}

@test "notify: a state longer than one message takes" {
	edit_config "$bundle" '.annotations = {"long": ("x" * 400000)}'
	run ctr run --rm --bundle "$bundle"
	assert_success
	assert_output hello
	wait_until 5 logged end
	logged 'fds 1'
	assert_equal "$(state_sent 1 '.state.annotations.long | length')" 400000
}

# Not one call may be needed between the load of the filter and the moment when the agent can answer.
@test "notify: every call, execve and write too, with and without no_new_privs" {
	local nnp
	for nnp in true false; do
		edit_config "$bundle" --argjson nnp "$nnp" '.process.noNewPrivileges = $nnp |
			.linux.seccomp.defaultAction = "SCMP_ACT_NOTIFY" | .linux.seccomp.syscalls = [] |
			.process.args = ["echo", "all asked"]'
		run timeout 60 "$CTR_BIN" "${CTR_FLAGS[@]}" run --rm --bundle "$bundle" 3>&-
		assert_success
		assert_output 'all asked'
	done
	# x86-64's numbers of write and execve; elsewhere there must be many all the same.
	[ "$(uname -m)" != x86_64 ] || { logged 'call 1'; logged 'call 59'; }
	[ "$(grep -c ^call "$log")" -gt 30 ]
	assert_nothing_left
}

@test "notify: exec hands over a filter of its own" {
	edit_config "$bundle" '.process.args = ["sleep", "1000"]'
	run ctr create --name c1 --bundle "$bundle"
	assert_success
	run ctr start c1
	assert_success
	run ctr exec c1 sh -c 'echo "$PPID"; mkdir /made; ls -d /made'
	assert_failure
	assert_line 4242
	assert_output --partial 'No such file'
	assert_equal "$(grep -c ^state "$log")" 2
	assert_equal "$(state_sent 2 '[.state.id, .state.status]')" '["c1","running"]'
	assert_equal "$(state_sent 2 .state.pid)" "$(ctr state c1 | jq .pid)"
	[ "$(state_sent 2 .pid)" != "$(state_sent 2 .state.pid)" ]
	assert_equal "$(state_sent 2 .metadata)" '"my data"'
}

@test "notify: with the small init, in a user namespace" {
	edit_config "$bundle" '.annotations = {"dev.ctr.init": "true"}'
	command_is 'echo "$PPID"; cat /proc/1/comm'
	run ctr run --rm --bundle "$bundle"
	assert_success
	assert_line 4242
	assert_line --partial ctr-init
	command_is 'echo "$PPID"'
	edit_config "$bundle" '.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
		.linux.gidMappings = .linux.uidMappings'
	run ctr run --rm --bundle "$bundle"
	assert_success
	assert_output 4242
}

@test "notify: with a time namespace, SECCOMP_FILTER_FLAG_TSYNC, a joined pid namespace" {
	edit_config "$bundle" '.linux.seccomp.flags = ["SECCOMP_FILTER_FLAG_TSYNC"] |
		.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 1000}}'
	command_is 'echo "$PPID"'
	run ctr run --rm --bundle "$bundle"
	assert_success
	assert_output 4242
	edit_config "$bundle" '(.linux.namespaces[] | select(.type == "pid")).path = "/proc/self/ns/pid"'
	run ctr run --rm --bundle "$bundle"
	assert_success
	assert_output 4242
	assert_nothing_left
}

@test "notify: nothing of the hand-over lives on in the payload: one thread, three fds" {
	local pid
	edit_config "$bundle" '.process.args = ["sleep", "1000"]'
	ctr create --name c1 --bundle "$bundle" </dev/null >/dev/null 2>&1
	run ctr start c1
	assert_success
	pid=$(ctr state c1 | jq .pid)
	wait_until 5 grep -q sleep "/proc/$pid/cmdline"
	assert_equal "$(ls "/proc/$pid/task")" "$pid"
	assert_equal "$(ls "/proc/$pid/fd")" $'0\n1\n2'
}

@test "notify: kill -9 of the agent: calls fail, those that wait as well, and the container lives" {
	notify mkdir mkdirat chdir
	command_is 'exec 2>&1; cd /tmp; echo "first $?"; mkdir /made; echo "second $?"; echo over'
	ctr_background run --name c1 --bundle "$bundle"
	wait_until 10 logged 'call chdir'
	stop_agent
	wait_until 10 grep -qx over "$ctr_out"
	run cat "$ctr_out"
	assert_line 'first 2'
	assert_line 'second 1'
	assert_output --partial 'Function not implemented'
	wait_until 5 process_gone "$ctr_pid"
	run ctr rm c1
	assert_success
	assert_nothing_left
}

# chdir is held until a signal came in between. Without the flag that breaks it off.
@test "notify: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV keeps a call that the agent has taken up" {
	local flags
	notify chdir
	command_is 'trap "echo got it" USR1; cd /tmp; echo "$? $PWD"'
	for flags in '["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]' '[]'; do
		edit_config "$bundle" --argjson flags "$flags" '.linux.seccomp.flags = $flags'
		rm -f "$log.release"
		: >"$log"
		ctr_background run --rm --name c1 --bundle "$bundle"
		wait_until 10 logged 'call chdir'
		ctr kill --signal USR1 c1
		sleep 0.3
		touch "$log.release"
		wait_until 5 process_gone "$ctr_pid"
		grep -qx 'got it' "$ctr_out"
		if [ "$flags" = '[]' ]; then
			wait_until 5 logged 'lost chdir'
			grep -q 'Interrupted system call' "$ctr_out"
		else
			! logged 'lost chdir' || fail 'interrupted all the same'
			grep -qx '0 /tmp' "$ctr_out"
		fi
	done
	assert_nothing_left
}

@test "notify: without a path, with a path to nothing, to a file, to a socket nobody listens at" {
	edit_config "$bundle" 'del(.linux.seccomp.listenerPath, .linux.seccomp.listenerMetadata)'
	refused 'linux.seccomp.listenerPath: an action is SCMP_ACT_NOTIFY'
	edit_config "$bundle" '.linux.seccomp.listenerMetadata = "x"'
	refused 'linux.seccomp.listenerMetadata: without listenerPath'
	edit_config "$bundle" '.linux.seccomp.listenerPath = "/nonexistent/agent"'
	refused 'linux.seccomp.listenerPath: look for the agent'\''s socket /nonexistent/agent: No such file'
	edit_config "$bundle" --arg path "$log" '.linux.seccomp.listenerPath = $path'
	refused "linux.seccomp.listenerPath: $log is no socket"
	stop_agent
	edit_config "$bundle" --arg path "$socket" '.linux.seccomp.listenerPath = $path'
	refused "connect to the agent at $socket: Connection refused"
}

refused() {
	run ctr run --rm --bundle "$bundle"
	assert_failure
	assert_output --partial "$1"
	assert_nothing_left
}

@test "notify: a path without an action of that kind is ignored" {
	edit_config "$bundle" '.linux.seccomp.syscalls = [] | .linux.seccomp.listenerPath = "/nonexistent"'
	run ctr run --rm --bundle "$bundle"
	assert_success
	assert_output hello
}

@test "notify: the agent is gone when the container starts, and when a command is executed in it" {
	edit_config "$bundle" '.process.args = ["sleep", "1000"]'
	run ctr create --name c1 --bundle "$bundle"
	assert_success
	stop_agent
	run ctr start c1
	assert_failure
	assert_output --partial 'connect to the agent at'
	wait_until 5 state_is c1 stopped
	run ctr rm c1
	assert_success
	start_agent
	run ctr create --name c1 --bundle "$bundle"
	assert_success
	run ctr start c1
	assert_success
	stop_agent
	run ctr exec c1 true
	assert_failure
	assert_output --partial 'connect to the agent at'
	state_is c1 running
	run ctr rm --force c1
	assert_success
	assert_nothing_left
}

@test "notify: a command that can't be executed is told although execve was notified" {
	notify execve execveat sendmsg
	edit_config "$bundle" '.process.args = ["/etc/passwd"]'
	run ctr run --rm --bundle "$bundle"
	assert_failure 126
	assert_output --partial /etc/passwd
	assert_nothing_left
}

# Its second connection is the one to the agent.
@test "notify: kill -9 of ctr start between the load of the filter and the agent" {
	local pid
	edit_config "$bundle" '.process.args = ["sleep", "1000"]'
	run ctr create --name c1 --bundle "$bundle"
	assert_success
	strace -qq -o /dev/null -e trace=connect -e inject=connect:delay_enter=3000000:when=2 \
		"$CTR_BIN" "${CTR_FLAGS[@]}" start c1 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	pid=$!
	wait_until 10 filter_is_loaded "$(ctr state c1 | jq .pid)"
	kill -KILL "$(pgrep -P "$pid" -x ctr)"
	wait "$pid" || true
	wait_until 5 state_is c1 stopped
	run ctr rm c1
	assert_success
	assert_equal "$(cat "$log")" ""
	assert_nothing_left
}

filter_is_loaded() {
	grep -q '^Seccomp:.*2' "/proc/$1/status"
}
