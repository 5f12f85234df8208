# limit: 900
# build: tests/vm/6.12
# ctr run --isolation emulated: the same as vm, with QEMU's processors in software: so this needs no KVM, and no
# test VM.

bats_require_minimum_version 1.5.0
load ../integration/lib
load ../integration/netdevices
load emulated
load outside

setup() {
	ctr_setup
	EMULATED=(--isolation emulated --kernel "$CTR_KERNEL")
}

# A boot takes four seconds of a quiet processor.
BOOT_S=120

# stays NAME COMMAND...: it runs in the background, until it says "ready".
stays() {
	local name=$1
	shift
	ctr run -d --name "$name" "${EMULATED[@]}" busybox "$@" >/dev/null
	wait_until "$BOOT_S" said ready "$name"
}

# figure NAME FILTER: of one look, by jq.
figure() {
	ctr stats --no-stream --interval 300ms --format json "$1" | jq -r ".[0] | $2"
}

# guests NAME FILTER: one of the guest's own, which answers late now and then.
guests() {
	local figure='' i
	for ((i = 0; i < 20 && ${#figure} == 0; i++)); do
		figure=$(figure "$1" "if .Source == \"guest\" then $2 else empty end")
	done
	echo "$figure"
}

is_figure() {
	[ "$(figure "$1" "$2")" = "$3" ]
}

# empty_root PID: of a launcher: nothing but what it shares, without a /proc.
empty_root() {
	assert_equal "$(cd "/proc/$1/root" && ls -A)" .ctr-files
	! touch "/proc/$1/root/x" 2>/dev/null || fail "the launcher's root can be written to"
	[ "$(readlink "/proc/$1/cwd")" = / ]
	[ -e "/proc/$1/root/.ctr-files/bin/busybox" ]
	[ ! -e "/proc/$1/root/.ctr-files/proc/self" ]
}

launcher() {
	ctr inspect --format '{{.State.Pid}}' "$1"
}

@test "emulated: its own kernel, the spec's process, each byte both ways, its status" {
	local pid
	head -c 3000001 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	mkdir "$BATS_TEST_TMPDIR/data"
	run --separate-stderr ctr run --rm "${EMULATED[@]}" --hostname inside -u 1000:7 -w /tmp -e WORD=said --read-only \
		-v "$BATS_TEST_TMPDIR/data:/data" -v "$BATS_TEST_TMPDIR:/fixed:ro" busybox sh -c '
			hostname; id -u; id -g; pwd; echo $WORD; cat /proc/sys/kernel/random/boot_id
			cmp /fixed/in /dev/null || :; md5sum </fixed/in; ls -A /dev | grep -c emulator
			touch /x; touch /fixed/x; echo problem >&2; exit 7'
	assert_equal "$status" 7
	assert_equal "${lines[*]:0:5}" 'inside 1000 7 /tmp said'
	[ "${lines[5]}" != "$(cat /proc/sys/kernel/random/boot_id)" ] || fail 'it is the same kernel'
	assert_line "$(md5sum <"$BATS_TEST_TMPDIR/in")"
	assert_equal "${lines[-1]}" 0
	[[ $stderr == *'/x: Read-only file system'*'/fixed/x: Read-only file system'*problem* ]]
	# What the launcher can't have is not the user's to hear of.
	[[ $stderr != *warning* ]] || fail "$stderr"
	ctr run --rm -i "${EMULATED[@]}" -v "$BATS_TEST_TMPDIR/data:/data" busybox \
		sh -c 'echo made >/data/new; cat' <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
	assert_equal "$(cat "$BATS_TEST_TMPDIR/data/new")" made
	assert_nothing_left
}

@test "emulated: --kernel-args and --initrd: words and a first file system of one's own" {
	local tree=$BATS_TEST_TMPDIR/tree
	run ctr run --rm "${EMULATED[@]}" --kernel-args 'lsm=capability one=1' busybox cat /proc/cmdline
	assert_success
	assert_output --partial ' lsm=capability one=1'
	mkdir -p "$tree/bin"
	cp "$(command -v busybox)" "$tree/bin"
	printf '#!/bin/busybox sh\necho "it is mine, $one"\n' >"$tree/init"
	chmod 755 "$tree/init"
	(cd "$tree" && find . | cpio -o -H newc --quiet) >"$BATS_TEST_TMPDIR/initrd"
	run ctr run --rm "${EMULATED[@]}" --kernel-args one=1 --initrd "$BATS_TEST_TMPDIR/initrd" busybox true
	assert_failure 1
	assert_output --partial "the guest's kernel has panicked"
	assert_output --partial '| it is mine, 1'
	assert_nothing_left
}

@test "emulated: nothing stands in for something else: what is missing is named, and what there is instead" {
	# This host's KVM, or none: it is said which, and what can be done.
	run unshare -m sh -c 'mount --bind /dev/null /dev/kvm && exec "$@"' sh "$CTR_BIN" "${CTR_FLAGS[@]}" \
		run --rm --isolation vm --kernel "$CTR_KERNEL" busybox true
	assert_failure 125
	assert_output --partial 'no usable KVM: /dev/kvm does not answer as KVM does'
	assert_output --partial '--isolation emulated needs no KVM'
	run unshare -m sh -c 'mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && exec "$@"' sh "$CTR_BIN" "${CTR_FLAGS[@]}" \
		run --rm --isolation vm --kernel "$CTR_KERNEL" busybox true </dev/null
	assert_failure 125
	assert_output --partial 'no usable KVM: there is no /dev/kvm'
	# An emulator that isn't there.
	run unshare -m sh -c 'mount --bind /dev/null /usr/bin/qemu-system-x86_64 && exec "$@"' sh "$CTR_BIN" \
		"${CTR_FLAGS[@]}" run --rm "${EMULATED[@]}" busybox true
	assert_failure 125
	assert_output --partial 'apt-get install qemu-system-x86'
	run ctr run --rm "${EMULATED[@]}" --memory 200m busybox true
	assert_failure 125
	assert_output --partial 'linux.resources.memory.limit: a micro-VM'
	run ctr run --rm --isolation emulated --kernel /nothere busybox true
	assert_failure 125
	assert_output --partial /nothere
	assert_nothing_left
}

# What is tried decides, where there is neither VT-x nor AMD-V.
@test "emulated: --isolation vm is had where ctr vm doctor says so, and else refused with the reason" {
	local usable=1
	"$CTR_BUILD/bin/ctr-vm" --probe >"$BATS_TEST_TMPDIR/probe.json" || usable=0
	run "$CTR_BUILD/bin/ctr-vm" --prepare "$BATS_TEST_TMPDIR/cache" --kernel "$CTR_KERNEL" --for vm
	if [ "$usable" = 1 ]; then
		assert_success
	else
		assert_failure 125
		assert_output --partial 'no usable KVM: '
		[ -c /dev/kvm ] && assert_output --partial 'of a kind that runs no unmodified kernels'
		run ctr run --rm --isolation vm --kernel "$CTR_KERNEL" busybox true
		assert_failure 125
		assert_output --partial 'no usable KVM: '
		assert_output --partial '--isolation emulated needs no KVM'
		[ ! -e "$BATS_TEST_TMPDIR/cache" ]
	fi
	run "$CTR_BUILD/bin/ctr-vm" --prepare "$BATS_TEST_TMPDIR/cache" --kernel "$CTR_KERNEL" --for emulated
	assert_success
	[ -e "$output/initramfs" ]
	assert_nothing_left
}

@test "emulated: it stays: logs, exec with its streams and statuses, stats, top, pause, stop" {
	local pid emulator task caps before after
	# Who comes before its kernel has begun waits for it.
	ctr run -d --name early "${EMULATED[@]}" busybox sleep 1000 >/dev/null
	assert_equal "$(ctr exec early echo here)" here
	ctr rm --force early
	stays web sh -c 'trap "echo term; exit 3" TERM; echo ready; echo apart >&2; while :; do sleep 0.2; done'
	assert_equal "$(ctr logs web 2>/dev/null)" ready
	# Streams keep their own order, not one between them.
	wait_until 5 eval '[ "$(ctr logs web 2>&1 >/dev/null)" = apart ]'
	run ctr exec web sh -c 'echo from exec; exit 9'
	assert_equal "$status $output" '9 from exec'
	run -127 ctr exec web nosuch
	run ctr exec web cat /proc/1/comm
	assert_output sh
	head -c 2000001 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	ctr exec -i web cat <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
	run in_tty "$CTR_BIN" "${CTR_FLAGS[@]}" exec -it web sh -c 'stty rows 20 cols 71; stty size; tty'
	assert_success
	assert_line --partial '20 71'
	# Launcher and emulator: filters for all threads, rights for none but that which serves files; nothing in sight.
	pid=$(launcher web)
	emulator=$(pgrep -P "$pid")
	for task in /proc/"$pid"/task/* /proc/"$emulator"/task/*; do
		grep -qx 'Seccomp:	2' "$task/status" || fail "$(cat "$task/comm") has no filter"
		grep -qx 'NoNewPrivs:	1' "$task/status" || fail "$(cat "$task/comm") may get more rights"
		caps=$(sed -n 's/^CapEff:	//p' "$task/status")
		[ $((0x$caps & ~0x800000db)) = 0 ] || fail "$(cat "$task/comm") has $caps"
		[[ $task != "/proc/$emulator/"* ]] || assert_equal "$caps" 0000000000000000
	done
	assert_equal "$(cd "/proc/$emulator/root" && echo *)" 'initramfs lib lib64 usr vmlinux'
	! touch "/proc/$emulator/root/x" 2>/dev/null || fail "the emulator's root can be written to"
	empty_root "$pid"
	# A user namespace of its own, in which ids are themselves.
	for task in "$pid" "$emulator"; do
		[ "$(readlink "/proc/$task/ns/user")" != "$(readlink /proc/self/ns/user)" ] || fail "$task is in the host's user namespace"
		assert_equal "$(xargs <"/proc/$task/uid_map") $(xargs <"/proc/$task/gid_map")" '0 0 4294967295 0 0 4294967295'
	done
	[ ! -e "/proc/$pid/root/.ctr-files/dev/.ctr-emulator" ]
	# What it uses is what its guest has: this host has no controllers, and other pids. An exec is of it as well.
	ctr exec -d web sh -c 'sleep 1000 & exec sleep 1000'
	wait_until 20 is_figure web '"\(.Source) \(.PidsCurrent >= 4)"' 'guest true'
	[ "$(guests web '.PidsCurrent < 8 and .PidsLimit == null and .MemUsageBytes > 100000 and .MemUsageBytes < 50000000')" = true ]
	[ "$(guests web '.MemLimitBytes > 400000000 and .MemLimitBytes < 536870912 and .NetInputBytes == 0')" = true ]
	before=$(guests web .CPUTimeMicroseconds)
	ctr exec web sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done'
	after=$(guests web .CPUTimeMicroseconds)
	((after > before + 10000)) || fail "$before, $after"
	run ctr top web pid,ppid,user,hpid args
	assert_success
	assert_line --regexp '^PID +PPID +USER +HPID +COMMAND$'
	assert_line --regexp '^1 +0 +root +\? +sh -c trap .*while :; do sleep 0.2; done$'
	assert_equal "$(grep -cE '^[0-9]+ +[0-9]+ +root +\? +sleep 1000$' <<<"$output")" 2
	refute_output --partial ctr-vm
	run ctr top web aux
	assert_failure 125
	assert_output --partial "this host's ps sees no process in it"
	# A launcher that says nothing: the host's numbers after a second, and no list.
	kill -STOP "$pid"
	assert_equal "$(figure web .Source)" launcher
	kill -CONT "$pid"
	wait_until 20 is_figure web .Source guest
	ctr pause web
	run ctr inspect --format '{{.State.Status}}' web
	assert_output paused
	before=$SECONDS
	run ctr stats --no-stream --interval 300ms --format '{{.State}} {{.Source}} {{.NetIO}}' web
	assert_output 'paused launcher -'
	((SECONDS - before < 3))
	run ctr top web
	assert_failure 125
	assert_output --partial 'is paused, and so its guest'
	ctr resume web
	ctr exec web true
	run ctr update --memory 400m web
	assert_failure
	assert_output --partial 'an emulated guest (--isolation emulated) gives no memory back'
	ctr stop --time 60 web
	run ctr inspect --format '{{.State.ExitCode}}' web
	assert_output 3
	run ctr logs web
	assert_line term
	ctr rm web
	assert_nothing_left
}

@test "emulated: a guest has no virtual machines of its own, unless they are asked for" {
	run --separate-stderr ctr run --rm "${EMULATED[@]}" busybox grep -cw svm /proc/cpuinfo
	assert_failure 1
	assert_output 0
	run --separate-stderr ctr run --rm "${EMULATED[@]}" --nested busybox grep -cw svm /proc/cpuinfo
	assert_success
	assert_output 1
	assert_nothing_left
}

@test "emulated: files from outside: cp both ways, diff, export, a user by name, what is mounted later" {
	mkdir "$BATS_TEST_TMPDIR/vol"
	mount --bind "$BATS_TEST_TMPDIR/vol" "$BATS_TEST_TMPDIR/vol"
	mount --make-shared "$BATS_TEST_TMPDIR/vol"
	mkdir "$BATS_TEST_TMPDIR/vol/late"
	ctr run -d --name web "${EMULATED[@]}" -v "$BATS_TEST_TMPDIR/vol:/vol:rslave" busybox sh -c 'echo made >/made
		echo "joe:x:1234:77::/home/joe:/bin/sh" >>/etc/passwd; echo ready; sleep 1000' >/dev/null
	wait_until "$BOOT_S" said ready web
	from_outside web
	! grep -q ctr-files "$BATS_TEST_TMPDIR/list" || fail "it has the folder of the launcher's root"
	run ctr exec -u joe web id -u
	assert_output 1234
	mount -t tmpfs none "$BATS_TEST_TMPDIR/vol/late"
	touch "$BATS_TEST_TMPDIR/vol/late/there"
	wait_until 20 eval 'ctr exec web ls /vol/late/there'
	ctr rm --force web
	umount -R "$BATS_TEST_TMPDIR/vol"
	assert_nothing_left
}

@test "emulated: what root of the guest may do with its files: all but nodes of devices" {
	mkdir "$BATS_TEST_TMPDIR/vol"
	cp "$(command -v busybox)" "$BATS_TEST_TMPDIR/vol/tool"
	cat >"$BATS_TEST_TMPDIR/vol/do" <<-'END'
		cd /vol
		mkdir -m 700 theirs; chown 77:78 theirs; touch theirs/x && echo "past permissions"
		touch file; chown 1234:4294967290 file; chmod 6755 file
		setcap cap_net_raw+ep tool
		mkfifo fifo
		mknod whiteout c 0 0
		mknod null c 1 3 || mknod disk b 8 0
		mknod /dev/zero2 c 1 5 && head -c 3 /dev/zero2 | wc -c
	END
	run --separate-stderr ctr run --rm --privileged "${EMULATED[@]}" --rootfs / --overlay -v "$BATS_TEST_TMPDIR/vol:/vol" sh /vol/do
	assert_line 'past permissions'
	assert_line 3
	[[ $stderr == *'null: Operation not permitted'*'disk: Operation not permitted'* ]]
	run getcap "$BATS_TEST_TMPDIR/vol/tool"
	assert_output --partial 'cap_net_raw=ep'
	run stat -c '%n %u %g %a %F' "$BATS_TEST_TMPDIR/vol/"{file,theirs,fifo,whiteout}
	assert_output --partial "vol/file 1234 4294967290 6755 regular empty file"
	assert_output --partial "vol/theirs 77 78 700 directory"
	assert_output --partial "vol/fifo 0 0 644 fifo"
	assert_output --partial "vol/whiteout 0 0 644 character special file"
	assert_nothing_left
}

@test "emulated: one more process is passed on without rights, by few system calls" {
	local relay namespace
	stays web sh -c 'echo ready; sleep 1000'
	namespace=$(readlink "/proc/$(launcher web)/ns/pid")
	ctr exec web sleep 100 3>&- &
	BACKGROUND+=($!)
	relay_runs() {
		for relay in $(pgrep -f '^ctr-vm --payload.* --exec'); do
			[ "$(readlink "/proc/$relay/ns/pid")" = "$namespace" ] || continue
			grep -q 'Seccomp:	2' "/proc/$relay/status" && return 0
		done
		return 1
	}
	wait_until 20 relay_runs
	run cat "/proc/$relay/status"
	assert_line 'NoNewPrivs:	1'
	assert_line 'CapPrm:	0000000000000000'
	assert_line 'CapBnd:	0000000000000000'
	assert_equal "$(cd "/proc/$relay/root" && ls -A)" .ctr-files
	assert_equal "$(readlink "/proc/$relay/ns/user")" "$(readlink "/proc/$(launcher web)/ns/user")"
	ctr rm --force web
	wait "${BACKGROUND[-1]}" || true
	assert_nothing_left
}

@test "emulated: a terminal: its signals" {
	mkdir "$BATS_TEST_TMPDIR/data"
	# Not before it runs: as on a host the signal would be lost.
	TYPIST='wait_until "$BOOT_S" test -e "$BATS_TEST_TMPDIR/data/ready"; printf "\003"' \
		run in_tty timeout "$BOOT_S" "$CTR_BIN" "${CTR_FLAGS[@]}" run --rm -it "${EMULATED[@]}" \
		-v "$BATS_TEST_TMPDIR/data:/data" busybox \
		sh -c 'trap "echo interrupted; exit 5" INT; tty; touch /data/ready; while :; do sleep 0.1; done'
	assert_equal "$status" 5
	assert_line --partial /dev/pts/0
	assert_line --partial interrupted
	assert_nothing_left
}

@test "emulated: what dies: the guest's kernel, its launcher, its emulator; it's told truthfully, and nothing is left" {
	run ctr run --rm --privileged "${EMULATED[@]}" busybox sh -c 'echo c >/proc/sysrq-trigger; sleep 100'
	assert_failure 1
	assert_output --partial "the guest's kernel has panicked"
	assert_output --partial 'sysrq triggered crash'
	assert_nothing_left
	stays one sh -c 'echo ready; sleep 1000'
	kill -KILL "$(launcher one)"
	run ctr wait one
	assert_output 137
	ctr rm one
	assert_nothing_left
	stays two sh -c 'echo ready; sleep 1000'
	kill -KILL "$(pgrep -P "$(launcher two)")"
	run ctr wait two
	assert_output 1
	run ctr logs two
	assert_output --partial 'the emulator (QEMU) was ended by signal 9'
	ctr rm two
	assert_nothing_left
}

@test "emulated: the plug-in, by the annotation" {
	make_bundle "$BATS_TEST_TMPDIR/b"
	edit_config "$BATS_TEST_TMPDIR/b" --arg kernel "$CTR_KERNEL" \
		'.annotations["dev.ctr.isolation"] = "emulated" |
		.vm = {kernel: {path: $kernel, parameters: ["lsm=capability"]}, hwConfig: {vcpus: 2, memory: 167772160}} |
		.process.args = ["sh", "-c", "touch /ready; until test -e /go; do :; done; nproc; cat /proc/cmdline; awk \"/MemTotal/ { print int(\\$2 / 1024) }\" /proc/meminfo"]'
	oci create --bundle "$BATS_TEST_TMPDIR/b" one >"$BATS_TEST_TMPDIR/out"
	assert_equal "$(oci state one | jq -r .status)" created
	oci start one
	wait_until "$BOOT_S" test -e "$BATS_TEST_TMPDIR/b/rootfs/ready"
	oci events --stats one >"$BATS_TEST_TMPDIR/events"
	run jq -c '.data | [.pids.current, .memory.usage.limit > 50000000, .memory.usage.limit < 167772160, .memory.raw.anon > 0, .cpu.usage.total > 1000000]' \
		"$BATS_TEST_TMPDIR/events"
	assert_output '[1,true,true,true,true]'
	touch "$BATS_TEST_TMPDIR/b/rootfs/go"
	wait_until "$BOOT_S" state_is_oci one stopped
	oci delete one
	mapfile -t lines <"$BATS_TEST_TMPDIR/out"
	assert_equal "${lines[0]}" 2
	[[ ${lines[1]} == *lsm=capability* ]]
	((${lines[2]} > 100 && ${lines[2]} < 160)) || fail "memory: ${lines[2]}"
	rm -r "$BATS_TEST_TMPDIR/b"
	assert_nothing_left
}

@test "emulated: the network of its namespace, which a hook has put there: each byte" {
	make_bundle "$BATS_TEST_TMPDIR/b"
	make_cable_hook "$BATS_TEST_TMPDIR/hook"
	# It sends as well, without an end: what comes to its own ends it.
	edit_config "$BATS_TEST_TMPDIR/b" --arg kernel "$CTR_KERNEL" --arg hook "$BATS_TEST_TMPDIR/hook" \
		'.annotations["dev.ctr.isolation"] = "emulated" | .vm = {kernel: {path: $kernel}} |
		.hooks.createRuntime = [{path: $hook}] |
		.process.args = ["sh", "-c", "cat /sys/class/net/eth7/address; nc 10.9.0.1 77 </dev/zero | head -c 5000001 | md5sum"]'
	served_by 77 5000001 oci run --bundle "$BATS_TEST_TMPDIR/b" one
	assert_line 02:11:22:33:44:55
	assert_line "$(md5sum <"$BATS_TEST_TMPDIR/big")"
	rm -r "$BATS_TEST_TMPDIR/b"
	assert_nothing_left
}

state_is_oci() {
	[ "$(oci state "$1" | jq -r .status)" = "$2" ]
}
