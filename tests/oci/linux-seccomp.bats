# config-linux.md, seccomp: actions, errnos, arguments, architectures and flags. (The notifying action and
# its agent: tests/integration/seccomp-notify.bats.)

load lib

# denies RULE [SECCOMP-FILTER]: a filter that allows all but what RULE is about, over a script that makes
# a folder.
denies() {
	runs ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", syscalls: [{names: [\"mkdir\", \"mkdirat\"]} + $1]} ${2-}" \
		'mkdir /made; echo "status $?"; [ -d /made ] && echo made; rmdir /made 2>/dev/null; echo end'
}

@test "seccomp: ERRNO fails with EPERM, or with errnoRet" {
	denies '{action: "SCMP_ACT_ERRNO"}'
	assert_output --partial 'Operation not permitted'
	assert_line 'status 1'
	denies '{action: "SCMP_ACT_ERRNO", errnoRet: 28}'
	assert_output --partial 'No space left'
	denies '{action: "SCMP_ACT_ERRNO", errnoRet: 0}'
	assert_line 'status 0'
	refute_line made
}

@test "seccomp: KILL, KILL_PROCESS, KILL_THREAD and TRAP end it by SIGSYS" {
	local action
	for action in KILL KILL_PROCESS KILL_THREAD TRAP; do
		denies "{action: \"SCMP_ACT_$action\"}"
		assert_line 'status 159'
		refute_line made
		assert_line end
	done
}

@test "seccomp: TRACE without a tracer is ENOSYS; LOG and ALLOW let it through" {
	denies '{action: "SCMP_ACT_TRACE", errnoRet: 5}'
	assert_output --partial 'Function not implemented'
	denies '{action: "SCMP_ACT_LOG"}'
	assert_line made
	denies '{action: "SCMP_ACT_ALLOW"}' '| .linux.seccomp.defaultAction = "SCMP_ACT_LOG"'
	assert_line made
}

@test "seccomp: the default action is for all that no rule names, with its own errno" {
	local calls
	runs '.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 28, syscalls: [
		{names: ["execve", "brk", "arch_prctl", "mmap", "munmap", "mprotect", "read", "write", "open", "openat", "close", "fstat",
		"newfstatat", "stat", "lseek", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "exit", "exit_group", "getpid",
		"getuid", "geteuid", "getgid", "getegid", "getppid", "uname", "getcwd", "readlink", "prctl", "set_tid_address",
		"set_robust_list", "rseq", "prlimit64", "getrandom", "ioctl", "fcntl", "dup2", "wait4", "clone", "vfork", "fork", "umask",
		"nosuchcall_that_is_not_known"], action: "SCMP_ACT_ALLOW"}]}' 'mkdir /made; echo status $?'
	assert_output --partial 'No space left'
	assert_line 'status 1'
	# Nothing but a default that kills: it dies at its first call.
	config '.linux.seccomp = {defaultAction: "SCMP_ACT_KILL"}'
	run oci run c1
	assert_failure
	refute_output --partial hello
}

@test "seccomp: arguments, by each operator" {
	local row op values denied signal
	for row in 'NE:value: 23:18 28' 'LT:value: 23:18' 'LE:value: 23:18 23' 'EQ:value: 23:23' 'GE:value: 23:23 28' 'GT:value: 23:28' \
		'MASKED_EQ:value: 4, valueTwo: 4:23 28'; do
		op=${row%%:*} denied=${row##*:} values=${row#*:} values=${values%:*}
		runs ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", syscalls: [{names: [\"kill\"], action: \"SCMP_ACT_ERRNO\",
			args: [{index: 1, op: \"SCMP_CMP_$op\", $values}]}]}" \
			'for s in 18 23 28; do kill -$s $$ 2>/dev/null || echo denied $s; done'
		assert_equal "$op $(sed -n 's/^denied //p' <<<"$output" | tr '\n' ' ')" "$op $denied "
	done
}

@test "seccomp: all arguments of a rule must fit, and 64 bits of them" {
	runs '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["kill"], action: "SCMP_ACT_ERRNO",
		args: [{index: 0, op: "SCMP_CMP_EQ", value: 1}, {index: 1, op: "SCMP_CMP_EQ", value: 23}]},
		{names: ["kill"], action: "SCMP_ACT_ERRNO", args: [{index: 1, op: "SCMP_CMP_EQ", value: 4294967314}]}]}' \
		'kill -23 1 || echo both; kill -18 1 && echo one; kill -18 1 && echo low'
	assert_output --partial both
	assert_line one
	assert_line low
}

@test "seccomp: architectures, the kernel's own and others, and flags" {
	local flag
	denies '{action: "SCMP_ACT_ERRNO"}' '| .linux.seccomp.architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]'
	assert_line 'status 1'
	for flag in TSYNC LOG SPEC_ALLOW; do
		denies '{action: "SCMP_ACT_ERRNO"}' "| .linux.seccomp.flags = [\"SECCOMP_FILTER_FLAG_$flag\"]"
		assert_line 'status 1'
	done
}

@test "seccomp: the filter is the process's, with and without no_new_privs" {
	runs '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["kcmp"], action: "SCMP_ACT_ERRNO"}]} | .process.noNewPrivileges = false' \
		'grep -E "^(Seccomp|NoNewPrivs):" /proc/self/status'
	assert_line --regexp 'Seccomp:.2'
	assert_line --regexp 'NoNewPrivs:.0'
	runs . 'grep "^Seccomp:" /proc/self/status'
	assert_line --regexp 'Seccomp:.0'
}

@test "seccomp: what is missing or wrong is named" {
	local all='defaultAction: "SCMP_ACT_ALLOW"'
	refuses '.linux.seccomp = {}' linux.seccomp.defaultAction
	refuses '.linux.seccomp = {defaultAction: "SCMP_ACT_NOSUCH"}' linux.seccomp.defaultAction
	refuses '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", defaultErrnoRet: 1}' linux.seccomp.defaultAction errno
	refuses '.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 99999}' linux.seccomp.defaultErrnoRet
	refuses ".linux.seccomp = {$all, architectures: [\"SCMP_ARCH_NOSUCH\"]}" 'linux.seccomp.architectures[0]'
	refuses ".linux.seccomp = {$all, flags: [\"SECCOMP_FILTER_FLAG_NOSUCH\"]}" 'linux.seccomp.flags[0]'
	refuses ".linux.seccomp = {$all, syscalls: [{action: \"SCMP_ACT_ERRNO\"}]}" 'linux.seccomp.syscalls[0].names'
	refuses ".linux.seccomp = {$all, syscalls: [{names: [], action: \"SCMP_ACT_ERRNO\"}]}" 'linux.seccomp.syscalls[0].names'
	refuses ".linux.seccomp = {$all, syscalls: [{names: [\"kcmp\"]}]}" 'linux.seccomp.syscalls[0].action'
	refuses ".linux.seccomp = {$all, syscalls: [{names: [\"kcmp\"], action: \"SCMP_ACT_KILL\", errnoRet: 1}]}" 'linux.seccomp.syscalls[0]' errno
	refuses ".linux.seccomp = {$all, syscalls: [{names: [\"kcmp\"], action: \"SCMP_ACT_ERRNO\", args: [{value: 1, op: \"SCMP_CMP_EQ\"}]}]}" 'syscalls[0].args[0].index'
	refuses ".linux.seccomp = {$all, syscalls: [{names: [\"kcmp\"], action: \"SCMP_ACT_ERRNO\", args: [{index: 0, op: \"SCMP_CMP_EQ\"}]}]}" 'syscalls[0].args[0].value'
	refuses ".linux.seccomp = {$all, syscalls: [{names: [\"kcmp\"], action: \"SCMP_ACT_ERRNO\", args: [{index: 0, value: 1}]}]}" 'syscalls[0].args[0].op'
	refuses ".linux.seccomp = {$all, syscalls: [{names: [\"kcmp\"], action: \"SCMP_ACT_ERRNO\", args: [{index: 6, value: 1, op: \"SCMP_CMP_EQ\"}]}]}" 'syscalls[0].args[0].index'
	refuses ".linux.seccomp = {$all, listenerMetadata: \"x\"}" linux.seccomp.listenerMetadata
}
