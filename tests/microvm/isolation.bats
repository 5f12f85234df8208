# vm: --kvm -m 3000
# limit: 900
# ctr run --isolation vm: the verbs of ctr on a container with a kernel of its own, Debian's.

load guest
load outside

# stays NAME [FLAG...] -- COMMAND...: it runs in the background, until it says "ready".
stays() {
	local name=$1 flags=()
	shift
	while [ "$1" != -- ]; do
		flags+=("$1")
		shift
	done
	shift
	ctr run -d --name "$name" "${VM_FLAGS[@]}" "${flags[@]}" busybox "$@"
	wait_until 60 said ready "$name"
}

# source_is NAME SOURCE [FILTER]: ctr stats has its numbers from there, and they are so.
source_is() {
	run ctr stats --no-stream --interval 300ms --format json "$1"
	jq -e ".[0] | .Source == \"$2\" and (${3:-true})" <<<"$output" >/dev/null
}

@test "vm: run: its own kernel, the spec's process, each byte both ways, its status" {
	run --separate-stderr ctr run --rm "${VM_FLAGS[@]}" --hostname inside -u 1000:7 -w /tmp -e WORD=said \
		--read-only busybox sh -c 'hostname; id -u; id -g; pwd; echo $WORD; grep Seccomp: /proc/self/status
			cat /proc/sys/kernel/random/boot_id; touch /x; echo problem >&2; exit 7'
	assert_equal "$status" 7
	assert_equal "${lines[*]:0:5}" 'inside 1000 7 /tmp said'
	[[ ${lines[5]} =~ 2$ ]]
	[ "${lines[6]}" != "$(cat /proc/sys/kernel/random/boot_id)" ] || fail 'it is the same kernel'
	[[ $stderr == *'Read-only file system'*problem* ]]
	head -c 3000001 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	ctr run --rm -i "${VM_FLAGS[@]}" busybox cat <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
	assert_nothing_left
}

@test "vm: run: what can't be run is said with its status, and so is what a micro-VM can't have" {
	run ctr run --rm "${VM_FLAGS[@]}" busybox nosuch
	assert_equal "$status" 127
	assert_output --partial '"nosuch": executable file not found'
	run ctr run --rm "${VM_FLAGS[@]}" --device /dev/null:/dev/x busybox true
	assert_failure 125
	assert_output --partial 'linux.devices'
	run ctr run --rm "${VM_FLAGS[@]}" --memory 64m busybox true
	assert_failure 125
	assert_output --partial 'linux.resources.memory.limit'
	run ctr run --rm --isolation vm --kernel /nothere busybox true
	assert_failure 125
	assert_output --partial /nothere
	run unshare -m sh -c 'mount --bind /dev/null /dev/kvm && exec "$@"' sh "$CTR_BIN" "${CTR_FLAGS[@]}" \
		run --rm "${VM_FLAGS[@]}" busybox true
	assert_failure
	assert_output --partial KVM
	assert_nothing_left
}

@test "vm: volumes, limits, and what the guest writes is the host's" {
	mkdir "$BATS_TEST_TMPDIR/data"
	echo before >"$BATS_TEST_TMPDIR/data/there"
	run ctr run --rm "${VM_FLAGS[@]}" --cpus 2 --memory 200m -v "$BATS_TEST_TMPDIR/data:/data" \
		-v "$BATS_TEST_TMPDIR/data:/fixed:ro" busybox \
		sh -c 'cat /data/there; echo after >/data/new; mv /data/there /data/moved; touch /fixed/x
			nproc; awk "/MemTotal/ { print int(\$2 / 1024) }" /proc/meminfo'
	assert_line before
	assert_output --partial 'Read-only file system'
	assert_equal "$(cat "$BATS_TEST_TMPDIR/data/new") $(cd "$BATS_TEST_TMPDIR/data" && echo *)" 'after moved new'
	# One processor for each that the quota is for, as far as the host has them.
	assert_line 1
	((${lines[-1]} > 100 && ${lines[-1]} < 168)) || fail "memory: ${lines[-1]}"
	assert_nothing_left
}

@test "vm: it stays: logs, exec with its streams and statuses, stats, top, pause, stop, start again, kill" {
	stays web --memory 300m -- sh -c 'trap "echo term; exit 3" TERM; echo ready; echo apart >&2; while :; do sleep 0.2; done'
	assert_equal "$(ctr logs web 2>/dev/null)" ready
	# Streams keep their own order, not one between them.
	wait_until 5 eval '[ "$(ctr logs web 2>&1 >/dev/null)" = apart ]'
	run ctr exec web sh -c 'echo from exec; exit 9'
	assert_equal "$status $output" '9 from exec'
	run ctr exec web nosuch
	assert_equal "$status" 127
	# It sees the other's processes, which are the guest's.
	run ctr exec web sh -c 'cat /proc/1/comm; ls /proc/1/root/bin/busybox'
	assert_line sh
	head -c 2000001 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	ctr exec -i web cat <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
	# Two at once, one of which is not read.
	ctr exec web yes >/dev/full 2>/dev/null || true
	run ctr exec -u 33 web id -u
	assert_output 33
	# The guest's numbers; of a paused one the host's, which has to have all of the guest's memory.
	wait_until 30 source_is web guest '.PidsCurrent < 4 and .MemUsageBytes < 30000000 and .MemLimitBytes < 282000000'
	run ctr top web pid user hpid comm
	assert_line --regexp '^1 +root +\? +sh$'
	refute_output --partial ctr-vm
	ctr pause web
	run ctr inspect --format '{{.State.Status}}' web
	assert_output paused
	source_is web launcher '.MemUsageBytes > 40000000 and .MemLimitBytes == 314572800' || fail "$output"
	ctr resume web
	ctr exec web true
	ctr stop --time 60 web
	run ctr inspect --format '{{.State.ExitCode}}' web
	assert_output 3
	run ctr logs web
	assert_line term
	ctr start web
	wait_until 60 eval '[ "$(ctr logs web | grep -cx ready)" = 2 ]'
	ctr exec web true
	ctr kill --signal KILL web
	run ctr wait web
	assert_output 137
	ctr rm web
	assert_nothing_left
}

@test "vm: the launcher's jail: a filter for each thread, rights to files for that which serves them, no /proc" {
	local pid task caps
	stays web -- sh -c 'echo ready; sleep 1000'
	pid=$(ctr inspect --format '{{.State.Pid}}' web)
	for task in /proc/"$pid"/task/*; do
		grep -qx 'Seccomp:	2' "$task/status" || fail "$(cat "$task/comm") has no filter"
		grep -qx 'NoNewPrivs:	1' "$task/status" || fail "$(cat "$task/comm") may get more rights"
		caps=$(sed -n 's/^CapEff:	//p' "$task/status")
		# chown, dac_override, fowner, fsetid, setgid, setuid, setfcap at most: in a user namespace of its own.
		[ $((0x$caps & ~0x800000db)) = 0 ] || fail "$(cat "$task/comm") has $caps"
		! grep -q '^cpu' "$task/comm" || assert_equal "$caps" 0000000000000000
	done
	grep -q '^cpu' "/proc/$pid/task/"*/comm
	[ ! -e "/proc/$pid/root/proc/self" ]
	[ ! -e "/proc/$pid/root/.ctr-files/proc/self" ]
	ctr rm --force web
	assert_nothing_left
}

@test "vm: a terminal: its size, its signals, and a second one by exec" {
	mkdir "$BATS_TEST_TMPDIR/data"
	# Not before it runs: as on a host the signal would be lost.
	TYPIST='wait_until 60 test -e "$BATS_TEST_TMPDIR/data/ready"; printf "\003"' \
		run in_tty timeout 100 "$CTR_BIN" "${CTR_FLAGS[@]}" run --rm -it "${VM_FLAGS[@]}" \
		-v "$BATS_TEST_TMPDIR/data:/data" busybox \
		sh -c 'trap "echo interrupted; exit 5" INT; tty; stty -F /dev/tty >/dev/null && echo controls
			touch /data/ready; while :; do sleep 0.1; done'
	assert_equal "$status" 5
	assert_line --partial /dev/pts/0
	assert_line --partial controls
	assert_line --partial interrupted
	stays web -- sh -c 'echo ready; sleep 1000'
	run in_tty "$CTR_BIN" "${CTR_FLAGS[@]}" exec -it web sh -c 'stty rows 20 cols 71; stty size; tty'
	assert_success
	assert_line --partial '20 71'
	ctr rm --force web
	assert_nothing_left
}

@test "vm: files from outside: cp both ways, diff, export" {
	stays web -- sh -c 'echo made >/made; echo ready; sleep 1000'
	from_outside web
	ctr rm --force web
	assert_nothing_left
}

@test "vm: when the guest's kernel dies its last words are shown; a killed launcher leaves nothing" {
	run ctr run --rm --privileged "${VM_FLAGS[@]}" busybox sh -c 'echo c >/proc/sysrq-trigger; sleep 100'
	assert_failure
	assert_output --partial "the guest's kernel has panicked"
	assert_output --partial 'sysrq triggered crash'
	stays web -- sh -c 'echo ready; sleep 1000'
	kill -KILL "$(ctr inspect --format '{{.State.Pid}}' web)"
	run ctr wait web
	assert_output 137
	ctr rm web
	assert_nothing_left
}

# oci_vm ARGS...: the plug-in by its other name.
oci_vm() {
	"$CTR_BUILD/bin/ctr-oci-vm" --root "$CTR_ROOT" "$@" 3>&- 4>&-
}

# bats test_tags=long
@test "vm: the plug-in, by its other name, by the vm object and by the annotation" {
	make_bundle "$BATS_TEST_TMPDIR/b"
	edit_config "$BATS_TEST_TMPDIR/b" '.process.args = ["sh", "-c", "cat /proc/sys/kernel/random/boot_id; exit 4"]'
	mkdir -p /boot
	cp "$KERNEL" "/boot/vmlinuz-$(uname -r)"
	local here
	here=$(cat /proc/sys/kernel/random/boot_id)
	run oci run --bundle "$BATS_TEST_TMPDIR/b" one
	assert_equal "$status $output" "4 $here"
	run oci_vm run --bundle "$BATS_TEST_TMPDIR/b" one
	assert_equal "$status" 4
	[ "$output" != "$here" ] || fail 'it is the same kernel'
	edit_config "$BATS_TEST_TMPDIR/b" ".vm = {kernel: {path: \"$KERNEL\", parameters: [\"lsm=capability\"]},
		hwConfig: {vcpus: 2, memory: $((160 << 20))}} |
		.process.args = [\"sh\", \"-c\", \"nproc; cat /proc/cmdline\"]"
	oci create --bundle "$BATS_TEST_TMPDIR/b" two >/dev/null
	assert_equal "$(oci state two | jq -r .status)" created
	oci delete --force two
	run oci run --bundle "$BATS_TEST_TMPDIR/b" two
	assert_line 2
	assert_output --partial lsm=capability
	edit_config "$BATS_TEST_TMPDIR/b" '.annotations["dev.ctr.isolation"] = "process"'
	run oci_vm run --bundle "$BATS_TEST_TMPDIR/b" three
	refute_output --partial lsm=capability
	rm -r "$BATS_TEST_TMPDIR/b"
	assert_nothing_left
}
