#!/usr/bin/env bats
#
# limit: 1500
# build: tests/vm/6.12 tests/vm/6.1
# The test VM's runner tested by itself. Each test boots at least one machine.

bats_require_minimum_version 1.5.0

setup() {
	vm=$BATS_TEST_DIRNAME/run
	# In a folder of our own, so that what a run leaves behind is seen.
	export TMPDIR=$BATS_TEST_TMPDIR/jobs
	mkdir "$TMPDIR"
}

teardown() {
	[ -z "$(ls -A "$TMPDIR")" ]
}

# QEMUs whose command line names our folder.
machines() {
	grep -lsF "ctr.job=$TMPDIR" /proc/[0-9]*/cmdline || true
}

# What the first machine of a checkout says while it fetches its kernel is not what is tested.
setup_file() {
	"$BATS_TEST_DIRNAME/run" -- true 3>&-
	"$BATS_TEST_DIRNAME/run" -k 6.1 -- true 3>&-
}

@test "vm: passes on exit status, arguments, folder, environment and both streams" {
	cd "$BATS_TEST_DIRNAME"
	CTR_VM_TEST="it's \"so\"" "$vm" -- bash -c \
		'pwd; echo "$CTR_VM_TEST"; printf "<%s>" "$@"; id -u; echo aside >&2; exit 3' \
		name 'a b' "c'd" '' $'e\nf' >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" ||
		status=$?
	[ "$status" -eq 3 ]
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = "$PWD"$'\n'"it's \"so\""$'\n<a b><c\'d><><e\nf>0' ]
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = aside ]
}

@test "vm: a command that is missing is 127, one that may not be executed 126, a signal 128+n" {
	run -127 "$vm" -- no-such-command
	[ "$status" -eq 127 ]
	run "$vm" -- /etc/passwd
	[ "$status" -eq 126 ]
	run "$vm" -- sh -c 'kill -KILL $$'
	[ "$status" -eq 137 ]
}

@test "vm: output arrives while the command still runs" {
	"$vm" -t 120 -- sh -c 'echo first; sleep 300' >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	pid=$!
	for ((i = 0; i < 600; i++)); do
		! grep -qx first "$BATS_TEST_TMPDIR/out" || break
		sleep 0.1
	done
	kill -0 "$pid"
	grep -qx first "$BATS_TEST_TMPDIR/out"
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 143 ]
	[ -z "$(machines)" ]
}

@test "vm: much output arrives whole, and what is left running does not hold the machine" {
	"$vm" -t 120 -- sh -c 'sleep 1000 & seq 200000' >"$BATS_TEST_TMPDIR/out"
	seq 200000 | cmp - "$BATS_TEST_TMPDIR/out"
}

@test "vm: the time limit ends the machine with 124, and it says where its processes are" {
	run "$vm" -t 20 -- sleep 1000
	[ "$status" -eq 124 ]
	[[ "$output" == *'time limit of 20 s'* ]]
	[[ "$output" =~ '| sleep state:S '[^$'\n']*' do_nanosleep ' ]]
	[ -z "$(machines)" ]
}

@test "vm: a machine that has guests is woken, should an interrupt be lost" {
	local keys='awk "/ i8042$/ { keys += \$2 } END { print keys + 0 }" /proc/interrupts'
	"$vm" -t 120 --kvm -- sh -c "$keys; sleep 17; $keys" >"$BATS_TEST_TMPDIR/keys" 2>&1 3>&-
	cat "$BATS_TEST_TMPDIR/keys"
	mapfile -t lines <"$BATS_TEST_TMPDIR/keys"
	((lines[1] > lines[0]))
}

@test "vm: a machine that dies is 125 and shows its console" {
	run "$vm" -t 120 -- sh -c 'echo c >/proc/sysrq-trigger; sleep 100'
	[ "$status" -eq 125 ]
	[[ "$output" == *'ended without a status'* ]]
	[[ "$output" == *'Kernel panic'* ]]
	[[ "$output" != *'starting once more'* ]]
}

@test "vm: a runner killed hard takes its machine with it" {
	"$vm" -t 120 -- sleep 1000 >/dev/null 2>&1 3>&- &
	pid=$!
	until [ -n "$(machines)" ]; do sleep 0.1; done
	kill -KILL "$pid"
	wait "$pid" || true
	for ((i = 0; i < 50; i++)); do
		[ -n "$(machines)" ] || break
		sleep 0.1
	done
	[ -z "$(machines)" ]
	rm -r "$TMPDIR"/ctr-vm.*
}

@test "vm: all controllers, modules, devices; the host's files are not changed" {
	run "$vm" -c 2 --kvm -- bash -ec '
		nproc
		for name in cpuset cpu io memory hugetlb pids; do
			grep -qw "$name" /sys/fs/cgroup/cgroup.subtree_control
		done
		mkdir /sys/fs/cgroup/test
		echo 1M >/sys/fs/cgroup/test/memory.max
		modprobe -a overlay fuse tun veth bridge loop
		ls /dev/net/tun /dev/fuse /dev/kvm /dev/pts/ptmx /dev/loop-control
		ip link add veth-a type veth peer name veth-b
		[[ $(ip -br link show lo) == *LOWER_UP* ]]
		echo changed >/etc/hostname
		touch "$1/changed"
		cat /etc/hostname' sh "$BATS_TEST_DIRNAME"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 2 ]
	[ "${lines[-1]}" = changed ]
	[ ! -e "$BATS_TEST_DIRNAME/changed" ]
	[ "$(cat /etc/hostname)" != changed ]
}

@test "vm: -d attaches a disk of the size asked for, -m memory, -k another kernel" {
	run "$vm" -d 1G -m 1024 -k 6.1 -- bash -ec '
		uname -r
		findmnt -no FSTYPE,SOURCE /scratch
		df --output=size -B1M /scratch | tail -n 1
		awk "/MemTotal/ { print int(\$2 / 1024) }" /proc/meminfo
		echo 1 >/scratch/file'
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "${lines[0]}" == 6.1.* ]]
	[[ "${lines[1]}" == 'ext4'*'/dev/vda' ]]
	[ "${lines[2]}" -gt 900 ]
	[ "${lines[3]}" -gt 850 ] && [ "${lines[3]}" -lt 1024 ]
}

@test "vm: --systemd boots systemd and delegates a group to the command" {
	run "$vm" --systemd -- bash -ec '
		cat /proc/1/comm
		systemctl is-system-running --wait
		systemd-run --quiet --scope -p MemoryMax=50M cat /proc/self/cgroup
		cat "/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/cgroup.controllers"
		exit 4'
	echo "$output"
	[ "$status" -eq 4 ]
	[ "${lines[0]}" = systemd ]
	[ "${lines[1]}" = running ]
	[[ "${lines[2]}" == 0::/system.slice/run-*.scope ]]
	[[ "${lines[3]}" == *memory*pids* ]]
}

# Each has its own disk, /tmp and /run; a project that lies in the host's /tmp is to be seen in both.
@test "vm: two side by side don't meet" {
	local pids=() name
	for name in one two; do
		"$vm" -d 256M -- bash -c 'for d in /scratch /tmp /run; do echo "$1" >"$d/$1.mark"; done
			sleep 3; cat /scratch/*.mark; ls /tmp/*.mark /run/*.mark' \
			sh "$name" >"$BATS_TEST_TMPDIR/$name" 2>&1 3>&- &
		pids+=($!)
	done
	wait "${pids[0]}"
	wait "${pids[1]}"
	for name in one two; do
		[ "$(cat "$BATS_TEST_TMPDIR/$name")" = "$name"$'\n'"/run/$name.mark"$'\n'"/tmp/$name.mark" ]
	done
}

@test "vm: what cannot be is refused before a machine starts" {
	run "$vm"
	[ "$status" -eq 125 ]
	run "$vm" --nonsense -- true
	[ "$status" -eq 125 ]
	[[ "$output" == *usage* ]]
	run "$vm" -d nonsense -- true
	[ "$status" -eq 125 ]
	[[ "$output" == *'-d nonsense'* ]]
	run "$vm" -k 0.99 -- true
	[ "$status" -eq 125 ]
	[[ "$output" == *'no kernel package of series 0.99'* ]]
}
