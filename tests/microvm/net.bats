# vm: --kvm
# limit: 900
# The network between a guest of ctr-vm's, Debian's stock kernel with its own driver, and a tap of the host's.

load guest

setup() {
	ctr_setup
	guest_setup
	modprobe tun
}

teardown() {
	ctr_teardown
	ip link del ctrtap0 2>/dev/null || true
}

# tap [OPTION]...: a tap with addresses, up.
tap() {
	ip tuntap add name ctrtap0 mode tap "$@"
	ip addr add 10.9.0.1/24 dev ctrtap0
	ip addr add fd09::1/64 dev ctrtap0 nodad
	ip link set ctrtap0 up
}

# The other end of what the guests below do, one connection after the other: what is in a file, for it; from it;
# and one that ends when the host has reached the guest by itself, with what a packet had on average.
peer() {
	/usr/bin/python3 -c '
import socket, subprocess, sys, time
out, back = sys.argv[1:]
server = socket.create_server(("::", 5000), family=socket.AF_INET6, dualstack_ipv6=True)
server.settimeout(300)
print("listens", flush=True)
one, _ = server.accept()
one.settimeout(300)
one.sendall(open(out, "rb").read())
one.close()
two, _ = server.accept()
two.settimeout(300)
with open(back, "wb") as f:
    while data := two.recv(1 << 20):
        f.write(data)
two.close()
three, _ = server.accept()
for to in "10.9.0.2", "fd09::2":
    print(to, subprocess.call(["busybox", "ping", "-c", "3", "-W", "20", to], stdout=subprocess.DEVNULL), flush=True)
def average(way):
    bytes, packets = (int(open(f"/sys/class/net/ctrtap0/statistics/{way}_{what}").read()) for what in ("bytes", "packets"))
    return bytes // packets
print("average", average("rx"), average("tx"), flush=True)
three.close()
# Its end has to get there before the cable is out.
time.sleep(3)
subprocess.check_call(["ip", "link", "del", "ctrtap0"])
' "$@"
}

@test "vm: megabytes pass both ways, byte by byte, in packets longer than the MTU" {
	local out=$BATS_TEST_TMPDIR/out back=$BATS_TEST_TMPDIR/back peer mib=${CTR_LONG:+64}
	mib=${mib:-16}
	head -c "${mib}M" /dev/urandom >"$out"
	tap
	ip link set ctrtap0 mtu 1400
	initramfs virtio_pci virtio_net <<-'END'
		busybox mount -t proc proc /proc
		busybox mount -t sysfs sysfs /sys
		busybox mount -t devtmpfs dev /dev
		up() {
			busybox ip addr add 10.9.0.2/24 dev eth0
			echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad
			busybox ip addr add fd09::2/64 dev eth0
			busybox ip link set eth0 up
		}
		. /modules/load
		up
		echo "mac: $(busybox cat /sys/class/net/eth0/address) mtu: $(busybox cat /sys/class/net/eth0/mtu)"
		echo "carrier: $(busybox cat /sys/class/net/eth0/carrier)"
		busybox ping -c 3 10.9.0.1 | busybox grep received
		# nc that hears the end of its own input ends.
		busybox mkfifo /quiet
		exec 3<>/quiet
		busybox nc 10.9.0.1 5000 <&3 >/data
		echo "got: $(busybox stat -c %s /data)"
		busybox nc fd09::1 5000 </data
		# The driver goes and comes back.
		busybox rmmod virtio_net
		busybox insmod /modules/virtio_net.ko
		up
		busybox ping -c 3 fd09::1 | busybox grep received
		busybox nc 10.9.0.1 5000 <&3
		for i in $(busybox seq 600); do
			[ "$(busybox cat /sys/class/net/eth0/carrier)" = 1 ] || break
			busybox usleep 100000
		done
		echo "carrier: $(busybox cat /sys/class/net/eth0/carrier)"
		busybox poweroff -f
	END
	peer "$out" "$back" >"$BATS_TEST_TMPDIR/peer" &
	peer=$!
	wait_until 30 grep -q listens "$BATS_TEST_TMPDIR/peer"
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet --memory 512m \
		--net tap=ctrtap0,mac=02:00:00:0A:0b:0c
	assert_success
	assert_equal "$stderr" ''
	wait "$peer"
	[[ $output =~ mac:\ 02:00:00:0a:0b:0c\ mtu:\ 1400 ]]
	[[ $output =~ carrier:\ 1.*carrier:\ 0 ]]
	[[ $output =~ got:\ $((mib << 20))[^0-9] ]]
	assert_equal "$(grep -c '3 packets received' <<<"$output")" 2
	cmp "$out" "$back"
	assert_equal "$(head -n 3 "$BATS_TEST_TMPDIR/peer")" $'listens\n10.9.0.2 0\nfd09::2 0'
	# Bytes of a packet on the tap, from the guest and to it.
	[[ $(tail -n 1 "$BATS_TEST_TMPDIR/peer") =~ ^average\ ([0-9]+)\ ([0-9]+)$ ]]
	((BASH_REMATCH[1] > 3000 && BASH_REMATCH[2] > 3000))
}

# bats test_tags=long
@test "vm: a tap that is given as an fd, and an address by chance" {
	local macs=()
	tap
	initramfs virtio_pci virtio_net <<-'END'
		busybox mount -t sysfs sysfs /sys
		. /modules/load
		busybox ip addr add 10.9.0.2/24 dev eth0
		busybox ip link set eth0 up
		echo "mac: $(busybox cat /sys/class/net/eth0/address)"
		busybox ping -c 2 10.9.0.1 | busybox grep received
		busybox poweroff -f
	END
	for _ in 1 2; do
		run /usr/bin/python3 -c '
import fcntl, os, struct, sys
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH22x", b"ctrtap0", 0x5002)) # TUNSETIFF: tap, no pi, vnet_hdr
os.set_inheritable(tap, True)
os.execv(sys.argv[1], sys.argv[1:] + ["--net", "fd=%d" % tap])
' "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet
		assert_success
		[[ $output =~ 2\ packets\ received ]]
		[[ $output =~ mac:\ ([0-9a-f][26ae]:[0-9a-f:]{14}) ]]
		macs+=("${BASH_REMATCH[1]}")
	done
	[ "${macs[0]}" != "${macs[1]}" ]
}

@test "vm: what is no tap, or another's, is refused in words" {
	run "$VM" --kernel "$KERNEL" --net tap=ctrtap0
	assert_failure 125
	assert_output "ctr-vm: --net tap=ctrtap0: there is no interface of that name; \`ip tuntap add name ctrtap0 mode tap\` makes one"
	run "$VM" --kernel "$KERNEL" --net tap=lo
	assert_failure 125
	[[ $output == "ctr-vm: --net tap=lo: it is no tap, or one of several queues"* ]]
	tap multi_queue
	run "$VM" --kernel "$KERNEL" --net tap=ctrtap0
	assert_failure 125
	[[ $output == "ctr-vm: --net tap=ctrtap0: it is no tap, or one of several queues"* ]]
	ip link del ctrtap0
	tap
	run "$VM" --kernel "$KERNEL" --net tap=ctrtap0 --net tap=ctrtap0
	assert_failure 125
	[[ $output == "ctr-vm: --net tap=ctrtap0: somebody else has the tap, a running guest for one"* ]]
	run /usr/bin/python3 -c '
import fcntl, os, struct, sys
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH22x", b"ctrtap0", 0x1002))
os.set_inheritable(tap, True)
os.execv(sys.argv[1], sys.argv[1:] + ["--net", "fd=%d" % tap])
' "$VM" --kernel "$KERNEL"
	assert_failure 125
	[[ $output == *"ctrtap0 is opened without IFF_TAP, IFF_NO_PI or IFF_VNET_HDR"* ]]
}

@test "vm: disks and networks with limits take their time" {
	local out=$BATS_TEST_TMPDIR/out back=$BATS_TEST_TMPDIR/back peer
	head -c 1M /dev/urandom >"$out"
	head -c 4M /dev/urandom >"$BATS_TEST_TMPDIR/a"
	cp "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
	tap
	initramfs virtio_pci virtio_blk virtio_net <<-'END'
		busybox mount -t proc proc /proc
		busybox mount -t sysfs sysfs /sys
		busybox mount -t devtmpfs dev /dev
		. /modules/load
		# took NAME COMMAND...: in hundredths of a second
		took() {
			local name=$1 from to
			shift
			from=$(busybox cut -d ' ' -f 1 /proc/uptime)
			"$@" 2>/dev/null
			to=$(busybox cut -d ' ' -f 1 /proc/uptime)
			echo "$name: $(busybox awk "BEGIN { print int(($to - $from) * 100) }")"
		}
		busybox ip addr add 10.9.0.2/24 dev eth0
		busybox ip link set eth0 up
		echo 0 >/sys/block/vdb/queue/read_ahead_kb
		took bps busybox dd if=/dev/vda of=/dev/null bs=64k count=48
		took iops busybox dd if=/dev/vdb of=/dev/null bs=4k count=60
		busybox mkfifo /quiet
		exec 3<>/quiet
		receive() { busybox nc 10.9.0.1 5000 <&3 >/data; }
		send() { busybox nc 10.9.0.1 5000 </data; }
		took rx receive
		took tx send
		busybox poweroff -f
	END
	peer "$out" "$back" >"$BATS_TEST_TMPDIR/peer" &
	peer=$!
	wait_until 30 grep -q listens "$BATS_TEST_TMPDIR/peer"
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet \
		--disk "$BATS_TEST_TMPDIR/a,bps=1m" --disk "$BATS_TEST_TMPDIR/b,iops=20,burst=50" \
		--net tap=ctrtap0,rx-bps=256k,tx-bps=384k
	kill "$peer"
	assert_success
	assert_equal "$stderr" ''
	cmp "$out" "$back"
	# What they take without a limit is far below; how much more than this a busy host makes of it nobody knows.
	local row name least
	for row in bps:280 iops:280 rx:380 tx:240; do
		IFS=: read -r name least <<<"$row"
		[[ $output =~ $name:\ ([0-9]+) ]]
		((BASH_REMATCH[1] >= least)) || fail "$name took ${BASH_REMATCH[1]} hundredths, not $least"
	done
}
