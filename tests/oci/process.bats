# config.md, process: what the program is, and what it is allowed.

load lib

# shows FILTER: what the probe says of itself in such a container.
shows() {
	config "$1"
	edit_config . '.process.args = ["probe", "self"]'
	run oci run c1
	assert_success
}

@test "process: an unset one, and args without an entry, can't be started" {
	refuses '.process.args = []' process.args
	refuses 'del(.process.args)' process.args
	refuses '.process.args = [""]' 'process.args[0]'
	config 'del(.process)'
	run oci run c1
	assert_failure
	assert_output --partial process
	assert_nothing_left
}

@test "process: a file without a slash is looked for in PATH, as execvp does" {
	printf '#!/bin/sh\necho found "$0" "$1"\n' >rootfs/home/tool
	chmod 755 rootfs/home/tool
	runs '.process.env = ["PATH=/nosuch:/home"] | .process.args = ["tool", "arg"]' ''
	assert_output 'found /home/tool arg'
	runs '.process.env = ["PATH=/nosuch"] | .process.args = ["/home/tool", "arg"]' ''
	assert_output 'found /home/tool arg'
	runs '.process.cwd = "/home" | .process.args = ["./tool", "arg"]' ''
	assert_output 'found ./tool arg'
	config '.process.env = ["PATH=/nosuch"] | .process.args = ["tool"]'
	run -127 oci run c1
}

@test "process: cwd is where it begins, and must be absolute" {
	runs '.process.cwd = "/home"' 'pwd'
	assert_output /home
	refuses '.process.cwd = "home"' process.cwd
	refuses '.process.cwd = ""' process.cwd
	refuses 'del(.process.cwd)' process.cwd
	refuses '.process.cwd = "/nosuch"' process.cwd
}

@test "process: env is its environment, all of it" {
	LEAKED=1 runs '.process.env = ["PATH=/bin", "HOME=/", "A=1=2", "B=", "LONG=two words"]' 'cat /proc/1/environ | tr "\0" "\n"'
	assert_success
	assert_output $'PATH=/bin\nHOME=/\nA=1=2\nB=\nLONG=two words'
}

@test "process: without terminal the streams are the caller's, and consoleSize is ignored" {
	config '.process.consoleSize = {height: 10, width: 70000} | .process.args = ["probe", "tty"]'
	run oci run c1
	assert_line --regexp '^fd 1 no'
	refute_line --partial size
	config '.process.terminal = true | .process.consoleSize = {height: 10, width: 70000}'
	run oci create --console-socket /nosuch c1
	assert_failure
	assert_output --partial process.consoleSize
	config . 'cat; echo hidden >&2'
	run bash -c 'echo in | "$0" --root "$1" run c1 2>/dev/null 3>&- 4>&-' "$OCI" "$CTR_ROOT"
	assert_output in
}

@test "process: with terminal a pty is its streams, of the size of consoleSize, and /dev/console" {
	local socket=$BATS_TEST_TMPDIR/s pid
	config '.process.terminal = true | .process.consoleSize = {height: 33, width: 77}'
	edit_config . '.process.args = ["sh", "-c", "probe tty; grep -c /dev/console /proc/self/mountinfo; echo text >/dev/console; echo end"]'
	/usr/bin/python3 "$REPO/tests/clients/recvtty.py" "$socket" >"$OUT" 3>&- 4>&- &
	pid=$!
	wait_until 5 test -S "$socket"
	oci create --console-socket "$socket" c1
	oci start c1
	wait_until 5 grep -q end "$OUT"
	run tr -d '\r' <"$OUT"
	assert_line 'fd 0 /dev/pts/0'
	assert_line 'fd 1 /dev/pts/0'
	assert_line 'fd 2 /dev/pts/0'
	assert_line 'size 33 77'
	assert_line 'controlling yes'
	assert_line 1
	assert_line text
	oci delete --force c1
	wait "$pid"
	rm "$socket"
}

@test "process: user is its uid, gid and groups in the container, and nothing of the caller's" {
	shows '.process.user = {uid: 1000, gid: 50, additionalGids: [7, 8]}'
	assert_line 'uid 1000'
	assert_line 'gid 50'
	assert_line 'groups 7 8'
	shows '.process.user = {uid: 5, gid: 6}'
	assert_line --regexp '^groups ?$'
	# Without any it is root.
	shows 'del(.process.user)'
	assert_line 'uid 0'
	assert_line 'gid 0'
}

@test "process: user's ids are those of the user namespace" {
	chmod 711 "$BATS_TEST_TMPDIR" "$BUNDLE"
	config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 70000, size: 2000}]
		| .linux.gidMappings = .linux.uidMappings | .process.user = {uid: 1000, gid: 50, additionalGids: [7]}' 'id; exec sleep 1000'
	create c1 || fail "$(<"$OUT")"
	oci start c1
	wait_until 5 grep -q uid= "$OUT"
	grep -q 'uid=1000.* gid=50' "$OUT"
	grep -E '^(Uid|Gid)' "/proc/$(oci state c1 | jq .pid)/status" | tr '\t' ' ' >"$OUT"
	assert_equal "$(<"$OUT")" $'Uid: 71000 71000 71000 71000\nGid: 70050 70050 70050 70050'
	oci delete --force c1
	runs '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 70000, size: 10}]
		| .linux.gidMappings = .linux.uidMappings | .process.user = {uid: 1000, gid: 0}' 'echo ran'
	assert_failure
	assert_output --partial 'process.user.uid: 1000 is not in linux.uidMappings'
}

@test "process: umask is what it says, and the caller's where it says nothing" {
	shows '.process.user.umask = 63'
	assert_line 'umask 0077'
	shows '.process.user.umask = 0'
	assert_line 'umask 0000'
	umask 027
	shows .
	assert_line 'umask 0027'
	umask 022
	shows .
	assert_line 'umask 0022'
	refuses '.process.user.umask = 512' process.user.umask
}

@test "process: capabilities, each of the five sets" {
	config '.process.capabilities = {bounding: ["CAP_KILL", "CAP_CHOWN", "CAP_SYS_TIME", "CAP_NET_RAW"],
		permitted: ["CAP_KILL", "CAP_CHOWN", "CAP_NET_RAW"], inheritable: ["CAP_KILL", "CAP_NET_RAW"],
		effective: ["CAP_KILL"], ambient: ["CAP_KILL"]} | .process.user = {uid: 1000, gid: 1000}
		| .process.noNewPrivileges = false | .process.args = ["probe", "caps"]'
	run oci run c1
	assert_success
	assert_line "CapBnd $(printf %x $((1 << 5 | 1 << 0 | 1 << 25 | 1 << 13)))"
	assert_line "CapInh $(printf %x $((1 << 5 | 1 << 13)))"
	# What an exec by another user than root leaves: the ambient ones.
	assert_line "CapPrm $(printf %x $((1 << 5)))"
	assert_line "CapEff $(printf %x $((1 << 5)))"
	assert_line "CapAmb $(printf %x $((1 << 5)))"
	config 'del(.process.capabilities) | .process.args = ["probe", "caps"]'
	run oci run c1
	assert_line 'CapEff 0'
	assert_line 'CapBnd 0'
}

@test "process: a capability that can't be granted, or isn't known, is a warning" {
	local log=$BATS_TEST_TMPDIR/log
	config '.process.capabilities.bounding += ["CAP_NO_SUCH"] | .process.capabilities.ambient = ["CAP_KILL"]
		| .process.args = ["probe", "caps"]'
	run oci --log "$log" --log-format json run c1
	assert_success
	assert_line 'CapEff 20000420'
	run warnings_in "$log"
	assert_line --partial 'process.capabilities.bounding[3]: unknown capability CAP_NO_SUCH'
	assert_line --partial CAP_KILL
	# What we have not ourselves.
	rm "$log"
	config '.process.capabilities.bounding += ["CAP_SYS_TIME"] | .process.args = ["probe", "caps"]'
	run capsh --drop=cap_sys_time -- -c "exec $OCI --root $CTR_ROOT --log $log --log-format json run c1"
	assert_success
	assert_line 'CapBnd 20000420'
	run warnings_in "$log"
	assert_line --partial CAP_SYS_TIME
	rm "$log"
}

@test "process: noNewPrivileges keeps a setuid program from giving rights" {
	cp rootfs/usr/bin/probe rootfs/home/setuid
	chown 0:0 rootfs/home/setuid
	chmod 4755 rootfs/home/setuid
	runs '.process.noNewPrivileges = true | .process.user = {uid: 1000, gid: 1000}' 'grep NoNew /proc/self/status; /home/setuid caps'
	assert_line --regexp 'NoNewPrivs:.1'
	assert_line 'CapEff 0'
	runs '.process.noNewPrivileges = false | .process.user = {uid: 1000, gid: 1000}' 'grep NoNew /proc/self/status; /home/setuid caps'
	assert_line --regexp 'NoNewPrivs:.0'
	assert_line 'CapEff 20000420'
}

may_raise() {
	prlimit --rtprio=1:1 true 2>/dev/null
}

@test "process: rlimits are set, soft and hard, for each that the kernel has" {
	local -A number=([CPU]=0 [FSIZE]=1 [DATA]=2 [STACK]=3 [CORE]=4 [RSS]=5 [NPROC]=6 [NOFILE]=7 [MEMLOCK]=8
		[AS]=9 [LOCKS]=10 [SIGPENDING]=11 [MSGQUEUE]=12 [NICE]=13 [RTPRIO]=14 [RTTIME]=15)
	local name
	# Not by jq, for which 2^64-1 is no number.
	config '.process.rlimits = ["CPU", "FSIZE", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME"]
		| .process.rlimits |= map({type: "RLIMIT_\(.)", soft: 33, hard: 44})
		| .process.rlimits += (["AS", "DATA", "STACK"] | map({type: "RLIMIT_\(.)", soft: 4711, hard: 4711}))
		| .process.args = ["probe", "self"]'
	sed -i 's/4711/18446744073709551615/' config.json
	run oci run c1
	assert_success
	for name in "${!number[@]}"; do
		case $name in
		AS | DATA | STACK) assert_line "rlimit ${number[$name]} 18446744073709551615 18446744073709551615" ;;
		# What we may not raise ourselves stays, and is a warning.
		NICE | RTPRIO) ! may_raise || assert_line "rlimit ${number[$name]} 33 44" ;;
		*) assert_line "rlimit ${number[$name]} 33 44" ;;
		esac
	done
}

@test "process: rlimits that are unknown, doubled or incomplete are errors" {
	refuses '.process.rlimits = [{type: "RLIMIT_NOSUCH", soft: 1, hard: 1}]' 'process.rlimits[0].type' RLIMIT_NOSUCH
	refuses '.process.rlimits = [{type: "RLIMIT_CORE", soft: 0, hard: 1}, {type: "RLIMIT_CPU", soft: 0, hard: 1}, {type: "RLIMIT_CORE", soft: 0, hard: 1}]' 'process.rlimits[2]' RLIMIT_CORE
	refuses '.process.rlimits = [{soft: 0, hard: 1}]' 'process.rlimits[0].type'
	refuses '.process.rlimits = [{type: "RLIMIT_CORE", hard: 1}]' 'process.rlimits[0].soft'
	refuses '.process.rlimits = [{type: "RLIMIT_CORE", soft: 1}]' 'process.rlimits[0].hard'
	refuses '.process.rlimits = [{type: "RLIMIT_CORE", soft: 2, hard: 1}]' 'process.rlimits[0]'
}

@test "process: oomScoreAdj is set where it is said, and left alone where it isn't" {
	shows '.process.oomScoreAdj = 123'
	assert_line 'oom_score_adj 123'
	shows '.process.oomScoreAdj = 0'
	assert_line 'oom_score_adj 0'
	config .
	edit_config . '.process.args = ["probe", "self"]'
	run bash -c 'echo 77 >/proc/self/oom_score_adj; exec "$0" --root "$1" run c1 3>&-' "$OCI" "$CTR_ROOT"
	assert_line 'oom_score_adj 77'
	refuses '.process.oomScoreAdj = 1001' process.oomScoreAdj
	refuses '.process.oomScoreAdj = -1001' process.oomScoreAdj
}

@test "process: scheduler is its policy, with nice, priority, flags and times" {
	shows '.process.scheduler = {policy: "SCHED_BATCH", nice: 5}'
	assert_line 'scheduler 3 0'
	assert_line 'nice 5'
	shows '.process.scheduler = {policy: "SCHED_IDLE"}'
	assert_line 'scheduler 5 0'
	assert_line 'nice 0'
	shows '.process.scheduler = {policy: "SCHED_OTHER", nice: 7}'
	assert_line 'scheduler 0 0'
	assert_line 'nice 7'
	shows '.process.scheduler = {policy: "SCHED_FIFO", priority: 7, flags: ["SCHED_FLAG_RESET_ON_FORK"]}'
	assert_line 'scheduler 1073741825 7'
	shows '.process.scheduler = {policy: "SCHED_RR", priority: 3}'
	assert_line 'scheduler 2 3'
}

@test "process: a scheduler that can't be is an error that says so" {
	refuses '.process.scheduler = {policy: "SCHED_NOSUCH"}' process.scheduler.policy SCHED_NOSUCH
	refuses '.process.scheduler = {nice: 5}' process.scheduler.policy
	refuses '.process.scheduler = {policy: "SCHED_OTHER", flags: ["SCHED_FLAG_NOSUCH"]}' 'process.scheduler.flags[0]'
	refuses '.process.scheduler = {policy: "SCHED_OTHER", nice: 99}' process.scheduler nice
	refuses '.process.scheduler = {policy: "SCHED_FIFO", priority: 1000}' process.scheduler priority
	refuses '.process.scheduler = {policy: "SCHED_DEADLINE", runtime: 5, deadline: 4, period: 3}' process.scheduler
}

@test "process: ioPriority is its class and level" {
	local class number level
	for class in BE:2:6 IDLE:3:0 RT:1:3; do
		IFS=: read -r class number level <<<"$class"
		shows ".process.ioPriority = {class: \"IOPRIO_CLASS_$class\", priority: $level}"
		assert_line "ioprio $((number << 13 | level))"
	done
	refuses '.process.ioPriority = {class: "IOPRIO_CLASS_NOSUCH", priority: 1}' process.ioPriority.class
	refuses '.process.ioPriority = {priority: 1}' process.ioPriority.class
	refuses '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 8}' process.ioPriority.priority
}

@test "process: execCPUAffinity is for exec and not for the first process" {
	[ "$(nproc)" -gt 1 ] || skip "one processor shows nothing"
	started c1 '.process.execCPUAffinity = {initial: "0", final: "1"}'
	grep -q 'Cpus_allowed_list:.0-' "/proc/$(oci state c1 | jq .pid)/status"
	run oci exec c1 grep Cpus_allowed_list /proc/self/status
	assert_output --regexp 'Cpus_allowed_list:.1$'
	oci delete --force c1
	refuses '.process.execCPUAffinity = {final: "x"}' process.execCPUAffinity.final
	refuses '.process.execCPUAffinity = {initial: "1-0"}' process.execCPUAffinity.initial
}

@test "process: execCPUAffinity.initial holds until it is in its group, and no longer" {
	[ "$(nproc)" -gt 1 ] || skip "one processor shows nothing"
	started c1 '.process.execCPUAffinity = {initial: "1"}'
	run strace -f -e trace=sched_setaffinity,clone3 -o "$BATS_TEST_TMPDIR/trace" "$OCI" --root "$CTR_ROOT" exec c1 \
		grep Cpus_allowed_list /proc/self/status
	assert_output --regexp 'Cpus_allowed_list:.0-'
	# Ours before the clone is [1]; what comes after it sets all.
	run sed -n '/clone3/q; s/.*sched_setaffinity(0, [0-9]*, \(.*\)) *= .*/\1/p' "$BATS_TEST_TMPDIR/trace"
	assert_line --regexp '^\[1[] ]'
	oci delete --force c1
	rm "$BATS_TEST_TMPDIR/trace"
}

@test "process: apparmorProfile and selinuxLabel are errors on a kernel without, and name the key" {
	if [ ! -e /sys/kernel/security/apparmor ]; then
		refuses '.process.apparmorProfile = "some-profile"' process.apparmorProfile
	fi
	if [ ! -e /sys/fs/selinux/enforce ]; then
		refuses '.process.selinuxLabel = "system_u:system_r:container_t:s0"' process.selinuxLabel
	fi
	runs '.process.apparmorProfile = "" | .process.selinuxLabel = ""' 'echo none'
	assert_output none
}

@test "process: commandLine is Windows', and an error" {
	refuses '.process.commandLine = "cmd.exe"' process.commandLine
}
