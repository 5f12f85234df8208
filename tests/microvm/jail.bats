# vm: --kvm -m 3000
# limit: 900
# What holds a launcher of a micro-VM, if its guest should ever get into it.

load guest

# threads PID: a line for each: its name, whether it can get more rights, its filter, its rights.
threads() {
	local task
	for task in /proc/"$1"/task/*; do
		echo "$(tr ' ' - <"$task/comm") $(awk '/^NoNewPrivs|^Seccomp:|^CapEff|^CapPrm|^CapInh|^CapAmb/ { print $1 $2 }' "$task/status" | xargs)"
	done
}

# holds PID NAME: each of its threads, but for its main one where that is of this name.
holds() {
	local name inherited permitted effective ambient rest
	threads "$1" >"$BATS_TEST_TMPDIR/threads"
	while read -r name inherited permitted effective ambient rest; do
		[ "$name" != "$2" ] || continue
		assert_equal "$name $rest" "$name NoNewPrivs:1 Seccomp:2"
		assert_equal "$name $inherited $ambient" "$name CapInh:0000000000000000 CapAmb:0000000000000000"
		case $name in
		# chown, dac_override, fowner, fsetid, setgid, setuid, mknod, setfcap.
		files | sockets) [ $((0x${permitted#*:} & ~0x880000db)) = 0 ] || fail "$name $permitted" ;;
		*) assert_equal "$name $permitted $effective" "$name CapPrm:0000000000000000 CapEff:0000000000000000" ;;
		esac
	done <"$BATS_TEST_TMPDIR/threads"
}

@test "vm: jail: a container's launcher has namespaces of its own, whatever the process shares, and its cgroup" {
	local pid type group
	ctr run -d --name web "${VM_FLAGS[@]}" --memory 200m --pid host --ipc host busybox sh -c 'echo ready; sleep 1000'
	wait_until 60 eval 'ctr logs web 2>&1 | grep -qx ready'
	pid=$(ctr inspect --format '{{.State.Pid}}' web)
	for type in user mnt pid net ipc uts; do
		[ "$(readlink "/proc/$pid/ns/$type")" != "$(readlink "/proc/self/ns/$type")" ] || fail "it is in the host's $type namespace"
	done
	# Nobody else is there.
	assert_equal "$(awk '/^NSpid/ { print NF, $NF }' "/proc/$pid/status")" '3 1'
	assert_equal "$(nsenter -t "$pid" -n ip -o link | grep -vc ': lo:')" 0
	# All its threads count for the container's limits, and so does the guest's memory.
	group=$CGROUPS/$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
	[ "$group" != "$CGROUPS//" ]
	assert_equal "$(sort -n "$group/cgroup.threads")" "$(cd "/proc/$pid/task" && printf '%s\n' * | sort -n)"
	(($(cat "$group/memory.current") > 40 << 20))
	ctr rm --force web
	assert_nothing_left
}

@test "vm: jail: a container's launcher: threads with a filter each and without rights, fds only" {
	local pid fd to
	ctr run -d --name web "${VM_FLAGS[@]}" busybox sh -c 'echo ready; sleep 1000'
	wait_until 60 eval 'ctr logs web 2>&1 | grep -qx ready'
	pid=$(ctr inspect --format '{{.State.Pid}}' web)
	holds "$pid" nobody
	assert_equal "$(grep -c '^files ' "$BATS_TEST_TMPDIR/threads")" 1
	grep -q '^cpu-0 ' "$BATS_TEST_TMPDIR/threads"
	for fd in "/proc/$pid/fd/"*; do
		to=$(readlink "$fd") || continue
		# A file that the guest knows: a place, which can't be read or written.
		[ $((0$(awk '/^flags/ { print $2 }' "/proc/$pid/fdinfo/${fd##*/}") & 010000000)) = 0 ] || continue
		case $to in
		anon_inode:* | socket:* | pipe:* | /dev/null | /dev/kvm | /memfd:*) ;;
		# By number, for the thread that opens what the guest opens.
		*/fd) ;;
		# The guest's own.
		/.ctr-files/bin/busybox | /.ctr-files) ;;
		*) fail "it has $to open" ;;
		esac
	done
	# The guest's files, with no /proc, and nothing else.
	assert_equal "$(cd "/proc/$pid/root" && ls -A)" .ctr-files
	! touch "/proc/$pid/root/x" 2>/dev/null || fail "the launcher's root can be written to"
	[ -e "/proc/$pid/root/.ctr-files/bin/busybox" ]
	[ ! -e "/proc/$pid/root/.ctr-files/proc/self" ]
	ctr rm --force web
	assert_nothing_left
}

@test "vm: jail: ctr-vm by hand, with all devices: the same for each thread but the one that waits" {
	local pid dir=$BATS_TEST_TMPDIR/dir disk=$BATS_TEST_TMPDIR/disk tid
	initramfs virtio_pci virtio_console virtio_blk virtiofs virtio_balloon i6300esb vmw_vsock_virtio_transport <<-'END'
		busybox mount -t devtmpfs dev /dev
		. /modules/load
		exec </dev/hvc0 >/dev/hvc0 2>&1
		busybox mkdir /mnt
		busybox mount -t virtiofs dir /mnt
		echo "said: $(busybox cat /mnt/said)"
		echo heard >/mnt/new
		busybox mv /mnt/new /mnt/sub/moved
		busybox dd if=/dev/vda of=/dev/null bs=4096 count=16 2>/dev/null && echo "disk read"
		echo x | busybox dd of=/dev/vda conv=fsync 2>/dev/null && echo "disk written"
		busybox cat /mnt/../mnt/link || echo "no way out"
		echo all done
		read word
		echo "heard $word"
		busybox poweroff -f
	END
	mkdir -p "$dir/sub"
	echo hello >"$dir/said"
	ln -s "$BATS_TEST_TMPDIR/secret" "$dir/link"
	echo secret >"$BATS_TEST_TMPDIR/secret"
	truncate -s 1M "$disk"
	mkfifo "$BATS_TEST_TMPDIR/in"
	strace -f -qq --seccomp-bpf -e trace=landlock_restrict_self,prctl -e signal=none -o "$BATS_TEST_TMPDIR/calls" \
		"$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet --console virtio --share "dir=$dir" \
		--disk "$disk" --balloon 0 --watchdog reset --vsock "$BATS_TEST_TMPDIR/vsock" \
		<"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	BACKGROUND+=($!)
	local tracer=$!
	exec {to}>"$BATS_TEST_TMPDIR/in"
	wait_until 60 grep -q 'all done' "$BATS_TEST_TMPDIR/out"
	pid=$(pgrep -x -P "$tracer" ctr-vm)
	holds "$pid" ctr-vm
	# Rights of nobody's but to files are left in the main one, and it can't get more.
	grep -q '^ctr-vm .*NoNewPrivs:1' "$BATS_TEST_TMPDIR/threads"
	[ $((0x$(sed -n 's/^ctr-vm .*CapEff:\([0-9a-f]*\) .*/\1/p' "$BATS_TEST_TMPDIR/threads") & ~0x880000db)) = 0 ]
	for name in files sockets devices console cpu-0; do
		grep -q "^$name " "$BATS_TEST_TMPDIR/threads"
	done
	# Each was confined by Landlock before it was filtered.
	for tid in "/proc/$pid/task/"*; do
		# One is a thread of the kernel's, which a processor's has made.
		[[ $(cat "$tid/comm") != kvm-* ]] || continue
		tid=${tid##*/}
		[ "$tid" != "$pid" ] || continue
		# The end of such a line may be another line.
		assert_equal "$(sed -n "s/^$tid  *\(landlock_restrict_self\|prctl(PR_SET_SECCOMP\).*/\1/p" "$BATS_TEST_TMPDIR/calls" | xargs)" \
			'landlock_restrict_self prctl(PR_SET_SECCOMP'
	done
	run grep -E '(landlock|prctl).*= -1' "$BATS_TEST_TMPDIR/calls"
	assert_output ''
	echo you >&"$to"
	wait "$tracer"
	exec {to}>&-
	assert_equal "$(tr -d '\r' <"$BATS_TEST_TMPDIR/out" | grep -E 'said|disk|way|heard' | xargs)" \
		'said: hello disk read disk written no way out heard you'
	assert_equal "$(cat "$dir/sub/moved" "$BATS_TEST_TMPDIR/err")" heard
	[ ! -e "$BATS_TEST_TMPDIR/vsock" ]
	assert_nothing_left
}

@test "vm: jail: a guest has no virtual machines of its own, unless they are asked for and the host's KVM has them" {
	run --separate-stderr ctr run --rm "${VM_FLAGS[@]}" busybox grep -cwE 'svm|vmx' /proc/cpuinfo
	assert_failure 1
	assert_output 0
	run --separate-stderr ctr run --rm "${VM_FLAGS[@]}" --nested busybox grep -cwE 'svm|vmx' /proc/cpuinfo
	assert_success
	assert_output 1
	modprobe -r kvm_amd
	modprobe kvm_amd nested=0
	run ctr run --rm "${VM_FLAGS[@]}" --nested busybox true
	modprobe -r kvm_amd
	modprobe kvm_amd
	assert_failure 125
	assert_output --partial 'load kvm_intel or kvm_amd with nested=1'
	assert_nothing_left
}
