# What nobody in a container should reach unasked, tried call by call; and each given back by its flag.

load lib

setup() {
	ctr_setup
	probe_setup
}

@test "denied: what changes the machine or looks at it" {
	local calls='reboot init_module finit_module delete_module kexec_load swapon settimeofday
		iopl quotactl acct syslog open_by_handle_at raw-disk sethostname personality'
	probe_in -- try $calls
	assert_success
	assert_equal "${#lines[@]}" "$(wc -w <<<"$calls")"
	refute_output --regexp ' (ok|EINVAL|ENOENT)($|
)'
	assert_nothing_left
}

@test "denied: mounts and namespaces" {
	probe_in -- try mount umount pivot_root fsopen unshare-mount unshare-user clone-user clone3-user setns
	assert_success
	assert_equal "${#lines[@]}" 9
	refute_output --partial ' ok'
	# The C library goes on with clone, whose flags a filter can see.
	assert_line 'clone3-user ENOSYS'
	assert_nothing_left
}

@test "denied: bpf, perf, io_uring, keyrings, userfaultfd, until they are given back" {
	local row
	probe_in -- try bpf perf_event_open io_uring_setup keyctl add_key userfaultfd
	assert_success
	assert_equal "$(cut -d' ' -f2 <<<"$output" | sort -u)" EPERM
	for row in 'io_uring io_uring_setup' 'keyring keyctl' 'keyring add_key' 'userfaultfd userfaultfd' \
		'bpf bpf' 'perf perf_event_open' 'userns unshare-user' 'userns clone-user' 'userns clone3-user'; do
		# shellcheck disable=SC2086
		set -- $row
		probe_in --cap-add BPF --cap-add PERFMON --security-opt "allow=$1" -- try "$2"
		assert_success
		# What the kernel itself says by now, for it was asked.
		refute_output "$2 EPERM"
		refute_output "$2 ENOSYS"
	done
	assert_nothing_left
}

@test "denied: rare socket families, until they are given back" {
	local row
	# AF_ALG, AF_VSOCK; CAN, Bluetooth, TIPC, XDP, KCM, NFC: kernels without them say EAFNOSUPPORT
	for row in '38 5 0 af-alg' '40 1 0 af-vsock' '29 3 1 af-rare' '31 5 0 af-rare' '30 1 0 af-rare' '44 3 0 af-rare'; do
		# shellcheck disable=SC2086
		set -- $row
		probe_in -- socket "$1" "$2" "$3"
		assert_output --regexp '^socket (EPERM|EAFNOSUPPORT)$'
		local without=$output
		probe_in --security-opt "allow=$4" -- socket "$1" "$2" "$3"
		refute_output 'socket EPERM'
		[ "$without" = 'socket EPERM' ] || [ "$without" = 'socket EAFNOSUPPORT' ]
	done
	# What programs live by: unix, inet, inet6, netlink, packet.
	for row in '1 1 0' '2 1 0' '10 2 0' '16 3 0' '17 3 0'; do
		# shellcheck disable=SC2086
		probe_in -- socket $row
		assert_output 'socket ok'
	done
	assert_nothing_left
}

@test "denied: writing to sysctls, masked and read-only places" {
	local path
	for path in /proc/sys/kernel/panic /proc/sysrq-trigger /proc/irq/default_smp_affinity \
		/sys/kernel/mm/transparent_hugepage/enabled /sys/fs/cgroup/cgroup.subtree_control; do
		probe_in -- write "$path"
		assert_output --regexp '^open (EROFS|EACCES|EPERM|ENOENT)$'
	done
	run ctr run --rm busybox -- sh -c 'for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts; do cat $f 2>/dev/null | head -c 1; done; ls /sys/firmware /proc/acpi /proc/scsi 2>/dev/null | grep -v : ; true'
	assert_success
	assert_output ''
	# The same places where somebody asks for them.
	run ctr run --rm --security-opt unmask=/proc/keys busybox -- cat /proc/keys
	assert_success
	assert_output
	assert_nothing_left
}

@test "denied: a shared pid namespace shows processes and lends no rights over them" {
	ctr create --name c1 busybox -- sleep 1000
	ctr start c1
	run ctr run --rm --pid container:c1 --user 1000 busybox -- sh -c 'kill -9 1; ls /proc/1/root/; cat /proc/1/environ'
	assert_failure
	state_is c1 running
	run ctr run --rm --pid host busybox -- sh -c 'ls /proc/1/root/ /proc/1/cwd/; cat /proc/1/environ'
	assert_failure
	ctr rm --force c1
	assert_nothing_left
}

@test "denied: the caller's environment and file descriptors stay outside" {
	local secret=$BATS_TEST_TMPDIR/secret
	echo hidden >"$secret"
	exec 8<"$secret" 9>>"$secret"
	export CTR_TEST_SECRET=hidden
	probe_in -- fds
	assert_success
	refute_output --partial secret
	refute_line --regexp '^[3-9] '
	run ctr run --rm busybox -- env
	refute_output --partial CTR_TEST_SECRET
	# Not even for as long as it waits to be started.
	ctr create --name c1 busybox -- sleep 1000
	run ls -l "/proc/$(ctr inspect c1 | jq '.[0].State.Pid')/fd"
	refute_output --partial secret
	ctr rm --force c1
	# Asked for, they come.
	run ctr run --rm --env CTR_TEST_SECRET busybox -- env
	assert_line CTR_TEST_SECRET=hidden
	exec 8<&- 9>&-
	assert_equal "$("$CTR_BIN" "${CTR_FLAGS[@]}" run --rm --preserve-fds 1 busybox -- cat /proc/self/fd/3 3<"$secret")" hidden
	assert_nothing_left
}

@test "denied: closed standard streams are not filled by something of ours" {
	probe_in -- fds
	local all=$output
	run bash -c "'$CTR_BIN' --root '$CTR_ROOT' run --rm -i -v '$BATS_TEST_TMPDIR/probe:/probe:ro' busybox -- /probe fds <&- 2>&-"
	assert_success
	assert_line '0 /dev/null'
	assert_line '2 /dev/null'
	assert_equal "${#lines[@]}" "$(wc -l <<<"$all")"
	run bash -c "'$CTR_BIN' --root '$CTR_ROOT' create --name c1 busybox -- true >&- <&- 2>&-"
	run ctr rm --force c1
	assert_success
	assert_nothing_left
}
