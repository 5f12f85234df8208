# limit: 120
# ctr-vm --prepare: what a container's guest begins with, in a cache. Needs no KVM.

load ../integration/lib

setup() {
	ctr_setup
	VM=$CTR_BUILD/bin/ctr-vm
	CACHE=$BATS_TEST_TMPDIR/cache
}

# kernel FILE WORD: a vmlinux with a PVH entry that says it is of version 9.9-WORD.
kernel() {
	python3 - "$1" "$2" <<-'END'
		import struct, sys
		text = b"Linux version 9.9-" + sys.argv[2].encode() + b" (by hand)\0"
		text = text.ljust(128, b"\x90")
		note = struct.pack("<3I4sI", 4, 4, 18, b"Xen", 0x1000010)
		head = 64 + 2 * 56
		with open(sys.argv[1], "wb") as f:
		    f.write(b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack("<2HI3QI6H", 2, 62, 1, 0x1000010, 64, 0, 0, 64, 56, 2, 0, 0, 0))
		    f.write(struct.pack("<2I6Q", 1, 5, head + len(note), 0, 0x1000000, len(text), 4096, 1))
		    f.write(struct.pack("<2I6Q", 4, 4, head, 0, 0, len(note), len(note), 1))
		    f.write(note + text)
	END
}

prepare() {
	"$VM" --prepare "$CACHE" --kernel "$1"
}

@test "prepare: a kernel's folder has it and an initramfs, is found again, and is one for the same bytes elsewhere" {
	local first one two
	one=$BATS_TEST_TMPDIR/one two=$BATS_TEST_TMPDIR/two
	kernel "$one" first
	first=$(prepare "$one")
	[ "${first%/*}" = "$CACHE" ]
	cmp "$one" "$first/vmlinux"
	assert_equal "$(cpio -t --quiet <"$first/initramfs" | sed -n 1p)" init
	# Found by the file's identity: of the kernel no more is read than what processor it is for.
	run strace -f -y -e trace=read,pread64,readv,mmap -o "$BATS_TEST_TMPDIR/calls" "$VM" --prepare "$CACHE" --kernel "$one"
	assert_equal "$output" "$first"
	grep -q '\.note>' "$BATS_TEST_TMPDIR/calls"
	assert_equal "$(grep -F "<$one>" "$BATS_TEST_TMPDIR/calls" | sed 's/.* = //')" 64
	# Found by what is in it.
	cp "$one" "$two"
	assert_equal "$(prepare "$two")" "$first"
	touch "$one"
	assert_equal "$(prepare "$one")" "$first"
	assert_equal "$(find "$CACHE" -name vmlinux | wc -l)" 1
	# Another one.
	kernel "$two" second
	run prepare "$two"
	assert_success
	[ "$output" != "$first" ]
	assert_equal "$(find "$CACHE" -name vmlinux | wc -l)" 2
}

@test "prepare: what nobody has used for 30 days goes, and what a kernel that is gone was unpacked to" {
	local old gone kept
	kernel "$BATS_TEST_TMPDIR/old" old
	kernel "$BATS_TEST_TMPDIR/gone" gone
	kernel "$BATS_TEST_TMPDIR/kept" kept
	kernel "$BATS_TEST_TMPDIR/new" new
	old=$(prepare "$BATS_TEST_TMPDIR/old")
	gone=$(prepare "$BATS_TEST_TMPDIR/gone")
	kept=$(prepare "$BATS_TEST_TMPDIR/kept")
	rm "$BATS_TEST_TMPDIR/gone"
	find "$CACHE" -mindepth 1 -maxdepth 1 -exec touch -d '2 days ago' {} +
	touch -d '31 days ago' "$(grep -l '/old$' "$CACHE"/*.note)" "$old"
	prepare "$BATS_TEST_TMPDIR/new"
	[ ! -e "$old" ] && [ ! -e "$gone" ] && [ -e "$kept" ]
	assert_equal "$(find "$CACHE" -name '*.note' | wc -l)" 2
	assert_equal "$(prepare "$BATS_TEST_TMPDIR/kept")" "$kept"
}

@test "prepare: many at once, and some killed, leave whole folders" {
	local i
	for i in 1 2 3; do
		kernel "$BATS_TEST_TMPDIR/k$i" "$i"
	done
	for i in 1 2 3 1 2 3 1 2 3; do
		prepare "$BATS_TEST_TMPDIR/k$i" >/dev/null 3>&- &
		BACKGROUND+=($!)
	done
	for i in 1 2 3; do
		timeout -s KILL 0.00$((RANDOM % 9 + 1)) "$VM" --prepare "$CACHE" --kernel "$BATS_TEST_TMPDIR/k$i" || true
	done
	wait
	for i in 1 2 3; do
		cmp "$BATS_TEST_TMPDIR/k$i" "$(prepare "$BATS_TEST_TMPDIR/k$i")/vmlinux"
	done
	assert_equal "$(find "$CACHE" -path '*/.tmp-*' -prune -o -name vmlinux -print | wc -l)" 3
}
