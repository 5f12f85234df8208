# vm: --kvm
# limit: 600
# Streams between programs of a guest and of the host's: Debian's own drivers on one side, our device on the other.

load guest

setup() {
	ctr_setup
	guest_setup
	VSOCK=$CTR_BUILD/tests/helpers/vsock
	cd "$BATS_TEST_TMPDIR" || return
}

in_background() {
	"$@" 3>&- &
	BACKGROUND+=("$!")
}

shown() {
	grep -q "$1" out
}

# The guest does first what it has to do, the host calls it then.
guest_boot() {
	mkdir -p tree/bin
	cp "$VSOCK" tree/bin
	initramfs virtio_pci vmw_vsock_virtio_transport <<-'END'
		busybox mount -t proc proc /proc
		busybox mount -t sysfs sysfs /sys
		busybox mount -t devtmpfs dev /dev
		. /modules/load
		sum() { busybox md5sum | busybox cut -c 1-32; }
		busybox head -c 4m /dev/urandom >/part
		for i in 1 2 3 4; do busybox cat /part; echo "$i"; done >/big
		vsock echo vsock:5000 &
		vsock last vsock:5001 &
		echo "refused: $(vsock talk vsock:2:7000 </dev/null 2>&1)"
		echo "big: $(sum </big) $(vsock talk vsock:2:6000 </big | sum)"
		echo "told: $(busybox head -c 300000 /big | vsock talk vsock:2:6001)"
		vsock many 1000 vsock:2:6000
		busybox mkfifo /slow
		vsock talk vsock:2:6000 </big >/slow &
		exec 3</slow
		echo "beside: $(busybox head -c 1m /big | sum) $(busybox head -c 1m /big | vsock talk vsock:2:6000 | sum)"
		echo "slow: $(sum </big) $(sum <&3)"
		echo "its turn"
		read word
		busybox poweroff -f
	END
	mkfifo in
	# The shell that opens a FIFO waits for its other end.
	"$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet --vsock v.sock,cid=42 \
		<in >out 2>errors 3>&- &
	vm=$!
	BACKGROUND+=("$vm")
	exec {to}>in
}

# same WORD: the two sums behind it are one.
same() {
	local sums
	read -r -a sums <<<"$(grep -o "^$1: .*" out | tr -d '\r' | cut -d ' ' -f 2-)"
	[ "${#sums[0]}" = 32 ] || fail "no sum: $(cat out)"
	assert_equal "${sums[0]}" "${sums[1]}"
}

host_calls() {
	local i
	head -c 16M /dev/urandom >big
	run "$VSOCK" talk unix:v.sock 5999 </dev/null
	assert_output 'vsock: connect: no answer'
	"$VSOCK" talk unix:v.sock 5000 <big | cmp - big
	assert_equal "$(head -c 300000 big | "$VSOCK" talk unix:v.sock 5001)" bye
	wait_until 10 shown 'still heard: 300000'
	run "$VSOCK" many 1000 unix:v.sock 5000
	assert_output $'1000 at once\n1000 one by one'
	mkfifo slow
	"$VSOCK" talk unix:v.sock 5000 <big >slow 3>&- &
	BACKGROUND+=("$!")
	exec {slow}<slow
	for i in 1 2; do
		head -c 1M big | "$VSOCK" talk unix:v.sock 5000 | cmp - <(head -c 1M big)
	done
	cmp - big <&"$slow"
	exec {slow}<&-
}

@test "vm: each side calls the other: large streams, half-closes, a thousand at once, one that stalls" {
	in_background "$VSOCK" echo unix:v.sock_6000
	in_background "$VSOCK" last unix:v.sock_6001 >heard
	guest_boot
	wait_until 240 shown 'its turn' || fail "$(cat out errors)"
	shown 'refused: vsock: connect: Connection reset by peer'
	same big
	shown 'told: bye'
	assert_equal "$(cat heard)" 'still heard: 300000'
	shown '1000 at once'
	shown '1000 one by one'
	same beside
	same slow
	host_calls
	# A socket that is served is nobody else's.
	run "$VM" --kernel "$KERNEL" --vsock v.sock
	assert_failure 125
	assert_output --partial '--vsock v.sock: there is a file already'
	echo off >&"$to"
	wait "$vm"
	exec {to}>&-
	[ ! -e v.sock ]
	assert_equal "$(cat errors)" ''
}

@test "vm: an address or a path that can't be is refused in words" {
	local word
	for word in 2 0 -1 4294967295 x ''; do
		run "$VM" --kernel "$KERNEL" --vsock "v.sock,cid=$word"
		assert_failure 125
		assert_output --partial "\"cid=$word\" is not cid=N"
	done
	run "$VM" --kernel "$KERNEL" --vsock v.sock,readonly
	assert_failure 125
	assert_output --partial '"readonly" is not cid=N'
	run "$VM" --kernel "$KERNEL" --vsock ,cid=4
	assert_failure 125
	assert_output --partial 'where? PATH[,cid=N]'
	echo mine >v.sock
	run "$VM" --kernel "$KERNEL" --vsock v.sock
	assert_failure 125
	assert_output --partial '--vsock v.sock: there is a file already'
	assert_equal "$(cat v.sock)" mine
}
