# vm: --kvm -m 3000
# limit: 600
# A guest's balloon by Debian's driver: what the launcher costs the host.

load guest

# guest SIZE: standard input is what it does, with b for busybox, `fill MB` and `free`, in MB; $pid is the
# launcher, its output goes to $OUT, and each line that goes to $to it may read.
guest() {
	OUT=$BATS_TEST_TMPDIR/out
	{
		cat <<-'END'
			b() { busybox "$@"; }
			b mount -t proc proc /proc
			b mount -t sysfs sysfs /sys
			b mount -t devtmpfs dev /dev
			# The root of a kernel without one has room for half of the memory.
			b mkdir /big
			b mount -t tmpfs -o size=200m tmpfs /big
			fill() { b dd if=/dev/zero of=/big/fill bs=1M count="$1" 2>/dev/null; }
			free() { b awk '/MemFree/ { print int($2 / 1024) }' /proc/meminfo; }
			inflated() { b awk '/balloon_inflate/ { print int($2 / 256) }' /proc/vmstat; }
		END
		cat
	} | initramfs virtio_pci virtio_balloon
	mkfifo "$BATS_TEST_TMPDIR/in"
	"$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet --memory 256m --balloon "$1" \
		<"$BATS_TEST_TMPDIR/in" >"$OUT" 3>&- &
	pid=$!
	BACKGROUND+=("$pid")
	exec {to}>"$BATS_TEST_TMPDIR/in"
}

# The launcher's memory, in MB.
rss() {
	awk '/^VmRSS/ { print int($2 / 1024) }' /proc/"$pid"/status
}

rss_below() {
	(($(rss) < $1))
}

@test "vm: a balloon takes memory from the guest and gives it to the host, and back" {
	guest 100m <<-'END'
		fill 140
		b rm /big/fill
		echo "free: $(free)"
		read word
		. /modules/load
		while [ "$(inflated)" -lt 100 ]; do b sleep 0.2; done
		echo "inflated: $(inflated) free: $(free)"
		read word
		b rmmod virtio_balloon
		echo "deflated: $(free)"
		fill 140
		echo "filled: $(b stat -c %s /big/fill)"
		b poweroff -f
	END
	wait_until 60 grep -q '^free' "$OUT"
	local before
	before=$(rss)
	((before > 150)) || fail "the guest has touched 140 MB, the launcher has $before"
	echo >&"$to"
	wait_until 60 grep -q '^inflated: 100' "$OUT"
	wait_until 30 rss_below $((before - 80))
	(($(sed -n 's/^free: \([0-9]*\).*/\1/p' "$OUT") - $(sed -n 's/.* free: \([0-9]*\).*/\1/p' "$OUT") > 80)) ||
		fail "$(cat "$OUT")"
	echo >&"$to"
	wait "$pid"
	exec {to}>&-
	(($(sed -n 's/^deflated: \([0-9]*\).*/\1/p' "$OUT") > 140)) || fail "$(cat "$OUT")"
	grep -q '^filled: 146800640' "$OUT"
	assert_nothing_left
}

@test "vm: what a guest has free is given to the host without being asked for" {
	guest 0 <<-'END'
		. /modules/load
		fill 140
		b sha256sum /modules/virtio_balloon.ko
		echo "filled"
		read word
		b rm /big/fill
		echo "removed"
		read word
		echo "inflated: $(inflated)"
		b sha256sum /modules/virtio_balloon.ko
		fill 140
		echo "filled again: $(b tr -d '\0' </big/fill | b wc -c)"
		b poweroff -f
	END
	wait_until 60 grep -q '^filled' "$OUT"
	local before
	before=$(rss)
	((before > 150)) || fail "the guest has filled 140 MB, the launcher has $before"
	echo >&"$to"
	wait_until 60 rss_below $((before - 80))
	echo >&"$to"
	wait "$pid"
	exec {to}>&-
	grep -q '^inflated: 0' "$OUT"
	grep -q '^filled again: 0' "$OUT"
	assert_equal "$(grep -c "$(sha256sum <"$BATS_TEST_TMPDIR/tree/modules/virtio_balloon.ko" | cut -c 1-64)" "$OUT")" 2
	assert_nothing_left
}

@test "vm: a balloon that is no size, or all of the guest, is refused in words" {
	run "$VM" --kernel "$KERNEL" --balloon some
	assert_failure 125
	assert_output 'ctr-vm: --balloon some: not a size; 0 and 128m are'
	run "$VM" --kernel "$KERNEL" --memory 128m --balloon 128m
	assert_failure 125
	assert_output "ctr-vm: a balloon of 128m for a guest that has 128m: it can't give back all of it; --balloon"
}
