# The plug-in's verbs, as engines call them: what is printed, logged and returned.
# limit: 150
# shellcheck disable=SC2154

load lib

setup() {
	ctr_setup
	BUNDLE=$BATS_TEST_TMPDIR/bundle
	make_bundle "$BUNDLE"
	cd "$BUNDLE" || return
	snapshot_host
}

teardown() {
	local id
	for id in $(oci list --quiet 2>/dev/null); do
		oci delete --force "$id"
	done
	ctr_teardown
}

# running ID [FILTER]: a container that sleeps.
running() {
	edit_config "$BUNDLE" '.process.args = ["sleep", "1000"]'
	[ $# -lt 2 ] || edit_config "$BUNDLE" "$2"
	oci create "$1"
	oci start "$1"
}

# logged FILE: the one JSON object in a log, as "LEVEL: TEXT"; fails for two objects or none.
logged() {
	jq -rse 'if length == 1 then .[0] | "\(.level): \(.msg)" else error("\(length) objects") end' "$1"
}

@test "oci exec: flags change the container's own process" {
	running c1
	run oci exec --user 1000:50 -g 7 -g 8 --cwd /tmp -e A=b -e PATH=/bin:/x --no-new-privs c1 \
		sh -c 'id -u; id -g; id -G; pwd; echo $A $PATH; exit 7'
	assert_failure 7
	assert_output $'1000\n50\n50 7 8\n/tmp\nb /bin:/x'
	run oci exec -c CAP_NET_RAW c1 grep -E 'Cap(Bnd|Inh|Prm|Amb)' /proc/self/status
	assert_line --regexp 'CapBnd:.0000000020002420'
	assert_line --regexp 'CapPrm:.0000000020002420'
	# CVE-2022-29162
	assert_line --regexp 'CapInh:.0000000000000000'
	assert_line --regexp 'CapAmb:.0000000000000000'
	run oci exec c1
	assert_failure 1
	assert_output --partial 'what is to be run?'
	run oci exec --user joe c1 true
	assert_failure 1
	assert_output --partial '--user: "joe" is no id'
	oci delete --force c1
	assert_nothing_left
}

@test "oci exec: --process takes a whole process object" {
	running c1
	jq -n '{args: ["sh", "-c", "id -u; umask; pwd; ulimit -n; echo $A"], cwd: "/home", env: ["A=b", "PATH=/bin"],
		user: {uid: 1000, gid: 1000, umask: 63}, rlimits: [{type: "RLIMIT_NOFILE", soft: 77, hard: 88}]}' \
		>"$BATS_TEST_TMPDIR/process.json"
	run oci exec --process "$BATS_TEST_TMPDIR/process.json" c1
	assert_success
	assert_output $'1000\n0077\n/home\n77\nb'
	echo '{"args": [], "cwd": "/"}' >"$BATS_TEST_TMPDIR/empty.json"
	run oci exec --process "$BATS_TEST_TMPDIR/empty.json" c1
	assert_failure 1
	assert_output --partial 'process.args'
	echo '{"args": ["true"], "cwd": "tmp"}' >"$BATS_TEST_TMPDIR/relative.json"
	run oci exec -p "$BATS_TEST_TMPDIR/relative.json" c1
	assert_failure 1
	assert_output --partial 'process.cwd'
	oci delete --force c1
	assert_nothing_left
}

@test "oci exec: in the background it is our caller's to reap, and its pid is in a file" {
	running c1
	oci exec --detach --pid-file "$BATS_TEST_TMPDIR/pid" c1 sleep 1001
	run tr '\0' ' ' <"/proc/$(<"$BATS_TEST_TMPDIR/pid")/cmdline"
	assert_output 'sleep 1001 '
	# A subreaper gets what is orphaned: here, the view's first process.
	assert_equal "$(awk '{ print $4 }' "/proc/$(<"$BATS_TEST_TMPDIR/pid")/stat")" 1
	run oci exec --detach --tty c1 sleep 1002
	assert_failure 1
	assert_output --partial -- '--console-socket'
	rm "$BATS_TEST_TMPDIR/pid"
	oci delete --force c1
	assert_nothing_left
}

@test "oci exec: what can't be run is told in the words and statuses that engines know" {
	running c1
	run oci exec c1 nosuch
	assert_failure 127
	assert_output --partial 'exec: "nosuch": executable file not found in $PATH'
	run oci exec c1 /nosuch
	assert_failure 127
	assert_output --partial 'no such file or directory'
	run oci exec c1 /etc
	assert_failure 126
	assert_output --partial 'permission denied'
	run oci exec c1 /etc/passwd
	assert_failure 126
	assert_output --partial 'permission denied'
	oci pause c1
	run oci exec c1 true
	assert_failure 1
	assert_output --partial 'paused'
	ctr_out=$(mktemp "$BATS_TEST_TMPDIR/paused.XXXXXX")
	"$OCI" --root "$CTR_ROOT" exec --ignore-paused c1 echo late >"$ctr_out" 3>&- 4>&- &
	sleep 0.3
	assert_equal "$(<"$ctr_out")" ''
	oci resume c1
	wait $!
	assert_equal "$(<"$ctr_out")" late
	oci kill c1 KILL
	wait_until 5 eval '[ "$(oci state c1 | jq -r .status)" = stopped ]'
	run oci exec c1 true
	assert_failure 1
	assert_output --partial 'container not running'
	rm "$ctr_out"
	oci delete c1
	assert_nothing_left
}

@test "oci exec: --cgroup is a group below the container's, and can't be anything else" {
	running c1 '.linux.cgroupsPath = "/oci-test/c1"'
	mkdir "$CGROUPS/oci-test/c1/sub"
	oci exec --detach --cgroup /sub c1 sleep 1001
	run cat "$CGROUPS/oci-test/c1/sub/cgroup.procs"
	assert_output
	run oci exec --cgroup nosuch c1 true
	assert_failure 1
	assert_output --partial -- '--cgroup'
	run oci exec --cgroup ../.. c1 cat /proc/self/cgroup
	refute_output --partial '/../..'
	oci delete --force c1
	[ ! -e "$CGROUPS/oci-test" ]
	assert_nothing_left
}

@test "oci: HOME is what the container's passwd says, where nobody else says it" {
	run oci run c1
	assert_output hello
	edit_config "$BUNDLE" '.process.env = ["PATH=/bin"] | .process.args = ["sh", "-c", "echo $HOME"]'
	run oci run c1
	assert_output /root
	edit_config "$BUNDLE" '.process.user = {uid: 1000, gid: 1000}'
	run oci run c1
	assert_output /home
	edit_config "$BUNDLE" '.process.user = {uid: 4711, gid: 1}'
	run oci run c1
	assert_output /
	# Somebody hostile made it: it is waited for by nobody.
	rm rootfs/etc/passwd
	mkfifo rootfs/etc/passwd
	run timeout $((5 * TIME_SCALE)) "$OCI" --root "$CTR_ROOT" run c1
	assert_output /
	edit_config "$BUNDLE" '.process.env = ["PATH=/bin", "HOME=/x"]'
	run oci run c1
	assert_output /x
	assert_nothing_left
}

@test "oci create: an error is one JSON object in the log, and on standard error too" {
	local log=$BATS_TEST_TMPDIR/log
	edit_config "$BUNDLE" '.process.args = ["nosuch"] | .process.rlimits = [
		{type: "RLIMIT_NPROC", soft: 1048576000, hard: 1048576000}] | .unheardOf = 1'
	run oci --log "$log" --log-format json create c1
	assert_failure
	assert_output --partial 'executable file not found in $PATH'
	run logged "$log"
	assert_success
	assert_output --regexp '^error: .*executable file not found in \$PATH: no such file or directory$'
	rm "$log"
	run oci --log "$log" create c1
	assert_failure
	run cat "$log"
	assert_output --regexp '^time="[^"]*Z" level=error msg=".*exec: \\"nosuch\\".*"$'
	rm "$log"
	assert_nothing_left
}

@test "oci create: a warning is in the log alone, not in what the payload says" {
	local log=$BATS_TEST_TMPDIR/log
	edit_config "$BUNDLE" '.unheardOf = 1'
	run oci --log "$log" --log-format json run c1
	assert_output hello
	run logged "$log"
	assert_output --regexp '^warning: .*unheardOf'
	run oci run c1
	assert_output hello
	run oci --debug run c1
	assert_line --regexp 'warning: .*unheardOf'
	assert_line --regexp 'debug: +[0-9.]+ ms  mount the rootfs'
	assert_line hello
	rm "$log"
	assert_nothing_left
}

@test "oci create: leaked fds don't live in the waiting container, preserved ones do" {
	edit_config "$BUNDLE" '.process.args = ["sh", "-c", "cat <&3; ls /proc/self/fd | wc -l"]'
	echo kept >"$BATS_TEST_TMPDIR/kept"
	exec 6>"$BATS_TEST_TMPDIR/leaked"
	"$OCI" --root "$CTR_ROOT" create --pid-file "$BATS_TEST_TMPDIR/pid" --preserve-fds 1 c1 \
		3<"$BATS_TEST_TMPDIR/kept" >"$BATS_TEST_TMPDIR/out"
	run ls -l "/proc/$(<"$BATS_TEST_TMPDIR/pid")/fd"
	assert_line --partial /kept
	refute_line --partial /leaked
	exec 6>&-
	oci start c1
	wait_until 5 grep -q '^[0-9]' "$BATS_TEST_TMPDIR/out"
	run cat "$BATS_TEST_TMPDIR/out"
	# 0, 1, 2, 3, and the folder that ls has open.
	assert_output $'kept\n5'
	oci delete --force c1
	rm "$BATS_TEST_TMPDIR"/{kept,leaked,out,pid}
	assert_nothing_left
}

@test "oci run: sockets of systemd's arrive, as process 1 finds them" {
	edit_config "$BUNDLE" '.process.args = ["sh", "-c", "echo $LISTEN_FDS $LISTEN_PID; cat <&3"]'
	echo socket >"$BATS_TEST_TMPDIR/socket"
	run bash -c 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3<"$0" 4<&-' "$BATS_TEST_TMPDIR/socket" \
		"$OCI" --root "$CTR_ROOT" run c1
	assert_output $'1 1\nsocket'
	# Meant for another process: not ours to hand on.
	run bash -c 'LISTEN_FDS=1 LISTEN_PID=1 exec "$@" 3<"$0" 4<&-' "$BATS_TEST_TMPDIR/socket" \
		"$OCI" --root "$CTR_ROOT" run c1
	refute_output --partial socket
	rm "$BATS_TEST_TMPDIR/socket"
	assert_nothing_left
}

@test "oci: a console socket gets the terminal, of create and of exec" {
	local socket=$BATS_TEST_TMPDIR/s out=$BATS_TEST_TMPDIR/out pid
	edit_config "$BUNDLE" '.process.terminal = true | .process.args = ["sh", "-c", "tty; exec sleep 1000"]'
	run oci create c1
	assert_failure
	assert_output --partial -- '--console-socket'
	/usr/bin/python3 "$REPO/tests/clients/recvtty.py" "$socket" >"$out" 3>&- 4>&- &
	pid=$!
	wait_until 5 test -S "$socket"
	oci create --console-socket "$socket" c1
	oci start c1
	wait_until 5 grep -q /dev/ "$out"
	run tr -d '\r' <"$out"
	assert_line 'message c1, 1 fd'
	assert_line /dev/pts/0
	rm "$socket"
	/usr/bin/python3 "$REPO/tests/clients/recvtty.py" "$socket" >"$out.2" 3>&- 4>&- &
	wait_until 5 test -S "$socket"
	run oci exec --tty --console-socket "$socket" c1 sh -c 'tty; exit 4'
	assert_failure 4
	wait $!
	run tr -d '\r' <"$out.2"
	assert_line /dev/pts/1
	oci delete --force c1
	wait "$pid"
	rm "$socket" "$out" "$out.2"
	assert_nothing_left
}

@test "oci: a whole id is asked for, the start of one is nobody" {
	running 0123456789abcdef
	run oci state 0123
	assert_failure 1
	assert_output --partial 'container "0123" does not exist'
	run oci delete --force 0123
	assert_success
	run oci state 0123456789abcdef
	assert_success
	oci delete --force 0123456789abcdef
	assert_nothing_left
}

@test "oci kill, delete: the words by which engines know that it is done already" {
	run oci kill nosuch
	assert_failure 1
	assert_output --partial 'container "nosuch" does not exist'
	run oci delete nosuch
	assert_failure 1
	assert_output --partial 'does not exist'
	run oci delete --force nosuch
	assert_success
	running c1
	run oci delete c1
	assert_failure 1
	assert_output --partial 'running'
	run oci kill c1 NOSUCH
	assert_failure 1
	assert_output --partial 'no signal "NOSUCH"'
	oci kill c1 9
	wait_until 5 eval '[ "$(oci state c1 | jq -r .status)" = stopped ]'
	assert_equal "$(oci state c1 | jq .pid)" 0
	run oci kill c1 9
	assert_failure 1
	assert_output --partial 'container not running'
	run oci kill --all c1 9
	assert_success
	oci delete c1
	oci create c2
	run oci delete c2
	assert_failure 1
	oci delete --force c2
	assert_nothing_left
}

@test "oci kill --all: reaches what is left when the first process has ended" {
	running c1 '.linux.namespaces |= map(select(.type != "pid")) |
		.process.args = ["sh", "-c", "sleep 1001 & exec sleep 1002"]'
	wait_until 5 pgrep -f 'sleep 1001'
	oci kill c1 KILL
	wait_until 5 eval '[ "$(oci state c1 | jq -r .status)" = stopped ]'
	pgrep -f 'sleep 1001'
	run oci kill --all c1 KILL
	assert_success
	process_ended() { ! pgrep -f 'sleep 1001' >/dev/null; }
	wait_until 5 process_ended
	oci delete c1
	assert_nothing_left
}

@test "oci ps: pids as a bare array, or by ps" {
	running c1
	oci exec --detach c1 sleep 1001
	run oci ps --format json c1
	assert_success
	assert_equal "$(jq -c 'length' <<<"$output")" 2
	assert_equal "$(jq '.[0]' <<<"$output")" "$(oci state c1 | jq .pid)"
	run oci ps c1
	assert_equal "${#lines[@]}" 3
	assert_line --regexp '^UID +PID '
	assert_line --partial 'sleep 1001'
	run oci ps c1 -o pid,args
	assert_equal "${#lines[@]}" 3
	assert_line --regexp '^ *[0-9]+ sleep 1000$'
	run oci ps c1 -o args
	assert_failure 1
	assert_output --partial 'no column PID'
	oci delete --force c1
	assert_nothing_left
}

@test "oci update: zeros ask for nothing, kernel memory is a word of the past" {
	running c1
	run oci update --resources - c1 <<<'{"memory": {"limit": 0, "swap": 0, "kernel": 0, "reservation": 0},
		"cpu": {"shares": 0, "quota": 0, "period": 0, "cpus": "", "mems": ""}, "blockIO": {"weight": 0}}'
	assert_success
	assert_output ''
	run oci update --kernel-memory 64m c1
	assert_success
	assert_output --partial 'memory.kernel: ignored'
	run oci update --resources - c1 <<<'{"memory": {"limit": "much"}}'
	assert_failure 1
	assert_output --partial 'standard input: memory.limit: expected an integer'
	run oci update --cpu-rt-runtime 1000 c1
	assert_failure 1
	assert_output --partial 'cpu.realtimeRuntime'
	oci delete --force c1
	run oci update --memory 64m c1
	assert_failure 1
	assert_output --partial 'does not exist'
	assert_nothing_left
}

@test "oci events: stats once, then until the container has ended" {
	running c1
	run oci events --stats c1
	assert_success
	assert_equal "${#lines[@]}" 1
	assert_equal "$(jq -r '"\(.type) \(.id)"' <<<"$output")" 'stats c1'
	run jq -e '.data | .cpu.usage.total > 0 and (.pids | has("current")) and (.memory.usage | has("limit"))' <<<"$output"
	assert_success
	"$OCI" --root "$CTR_ROOT" events --interval 50ms c1 >"$BATS_TEST_TMPDIR/events" 3>&- 4>&- &
	more_than_two() { [ "$(grep -c '"stats"' "$BATS_TEST_TMPDIR/events")" -gt 2 ]; }
	wait_until 5 more_than_two
	oci kill c1 KILL
	wait $!
	run oci events c1
	assert_failure 1
	assert_output --partial 'container not running'
	run oci events --interval soon c1
	assert_failure 1
	assert_output --partial -- '--interval: "soon" is no time'
	oci delete c1
	rm "$BATS_TEST_TMPDIR/events"
	assert_nothing_left
}

@test "oci features: the standard's document, from what the program knows" {
	run oci features
	assert_success
	run jq -e '
		.ociVersionMin == "1.0.0" and (.ociVersionMax | startswith("1.")) and
		(.hooks | length) == 6 and (.mountOptions | index("rro") and index("idmap") and index("tmpcopyup")) and
		(.linux | (.namespaces | length) == 8 and (.capabilities | index("CAP_SYS_ADMIN")) and
			.cgroup.v2 and (.cgroup.v1 | not) and .seccomp.enabled and
			(.seccomp.actions | index("SCMP_ACT_ERRNO")) and (.seccomp.archs | index("SCMP_ARCH_X86_64")) and
			(.seccomp.operators | index("SCMP_CMP_MASKED_EQ")) and
			(.seccomp.supportedFlags - .seccomp.knownFlags | length) == 0 and
			(.seccomp.supportedFlags | index("SECCOMP_FILTER_FLAG_LOG")) and
			.mountExtensions.idmap.enabled) and
		(.potentiallyUnsafeConfigAnnotations == ["dev.ctr."])' <<<"$output"
	assert_success
	assert_nothing_left
}

@test "oci spec: a config.json that runs, for root and for an ordinary user" {
	rm config.json
	run oci spec
	assert_success
	run oci spec
	assert_failure 1
	assert_output --partial 'is there already'
	assert_equal "$(jq -c '[.process.terminal, .root.readonly]' config.json)" '[true,true]'
	edit_config "$BUNDLE" '.process.terminal = false | .process.args = ["echo", "runs"] | del(.linux.resources)'
	run oci run c1
	assert_output runs
	mkdir "$BATS_TEST_TMPDIR/rootless"
	run oci spec --rootless --bundle "$BATS_TEST_TMPDIR/rootless"
	assert_success
	run jq -e '(.linux | has("resources") | not) and .linux.uidMappings[0].size == 1 and
		([.linux.namespaces[].type] | index("user")) and ([.mounts[].options[]? | select(startswith("gid="))] == [])' \
		"$BATS_TEST_TMPDIR/rootless/config.json"
	assert_success
	rm -r "$BATS_TEST_TMPDIR/rootless"
	assert_nothing_left
}

@test "oci: --version in three lines, and what isn't there fails" {
	run oci --version
	assert_success
	assert_line --regexp '^ctr-oci version [0-9]'
	assert_line --regexp '^commit: '
	assert_line --regexp '^spec: 1\.'
	# podman asks so whether there are checkpoints.
	run oci checkpoint --help
	assert_success
	assert_output --partial '--leave-running'
	run oci nosuch
	assert_failure 1
	assert_nothing_left
}

@test "oci: the manual has the flags of the program" {
	local page verb
	page=$(<"$REPO/man/ctr-oci.8")
	run oci help --man
	[[ $page == *"$output"* ]] || fail "man/ctr-oci.8: other flags before the verb"
	for verb in create start run state kill delete exec ps list pause resume update events checkpoint restore features spec; do
		run oci help --man "$verb"
		assert_success
		[[ $page == *".SS \"$verb "*"$output"* ]] || fail "man/ctr-oci.8: other flags of $verb"
	done
}
