# vm: --kvm
# limit: 600
# Folders of the host in a guest: Debian's own virtio-fs and FUSE on one side, our server on the other.

load guest

setup() {
	ctr_setup
	guest_setup
	SHARE=$BATS_TEST_TMPDIR/share
	mkdir "$SHARE"
}

# guest [FLAG]...: standard input is what it does, with /mnt to mount on.
guest() {
	{
		cat <<-'END'
			busybox mount -t proc proc /proc
			busybox mount -t sysfs sysfs /sys
			busybox mount -t devtmpfs dev /dev
			busybox mkdir -p /mnt
			. /modules/load
			b() { busybox "$@"; }
			# is TEXT WORDS...: these print that
			is() {
				local wanted=$1 got
				shift
				got=$("$@" 2>&1)
				[ "$got" = "$wanted" ] || echo "WRONG: $*: \"$got\", not \"$wanted\""
			}
			# refused TEXT WORDS...: these fail, and say that
			refused() {
				local wanted=$1 got
				shift
				got=$("$@" 2>&1) && echo "WRONG: $* was not refused"
				case $got in *"$wanted"*) ;; *) echo "WRONG: $*: \"$got\", not \"$wanted\"" ;; esac
			}
		END
		cat
		printf '%s\n' 'echo "all done"' 'busybox poweroff -f'
	} | initramfs virtio_pci virtiofs
	run --separate-stderr "$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet "$@"
	echo "$output"
	assert_success
	[[ $output != *WRONG* ]]
	[[ $output == *"all done"* ]]
}

@test "vm: a guest does with a folder of the host's all that one does with files" {
	mkdir "$SHARE/there"
	echo hello >"$SHARE/there/file"
	chown 12:34 "$SHARE/there/file"
	chmod 640 "$SHARE/there/file"
	touch -d '2001-02-03 04:05:06 UTC' "$SHARE/there/file"
	ln -s /etc/passwd "$SHARE/out"
	ln -s ../.. "$SHARE/up"
	mkfifo "$SHARE/fifo"
	head -c 20M /dev/urandom >"$SHARE/large"
	# The first files of two filesystems have one number.
	mkdir "$SHARE/tmp.1" "$SHARE/tmp.2"
	for i in 1 2; do
		mount -t tmpfs tmpfs "$SHARE/tmp.$i"
		echo "$i" >"$SHARE/tmp.$i/file"
		ln "$SHARE/tmp.$i/file" "$SHARE/tmp.$i/link"
	done
	assert_equal "$(stat -c %i "$SHARE/tmp.1/file")" "$(stat -c %i "$SHARE/tmp.2/file")"
	local hash i
	hash=$(sha256sum <"$SHARE/large" | cut -c 1-64)
	guest --share "data=$SHARE" <<-END
		b mount -t virtiofs data /mnt || echo WRONG: mount
		cd /mnt
		is hello b cat there/file
		is '640 12 34 981173106 6 1' b stat -c '%a %u %g %Y %s %h' there/file
		is /etc/passwd b readlink out
		refused 'No such file' b cat out
		is 'fifo' b stat -c %F fifo
		is "$hash  large" b sha256sum large

		b cp large copy && is "$hash  copy" b sha256sum copy
		b dd if=/dev/zero of=copy bs=4096 seek=3 count=1 conv=notrunc 2>/dev/null
		echo one >a
		echo two >>a
		is 'one
		two' b cat a
		b mv a b && refused 'No such file' b cat a
		b ln b c && is 2 b stat -c %h b
		is "\$(b stat -c %i b)" b stat -c %i c
		b ln -s b link && is 'one
		two' b cat link
		b mv b there/b && b rm c && is 1 b stat -c %h there/b

		# Without a name, and by another name.
		exec 3<>there/b 4>renamed
		b rm there/b
		echo three >>/proc/self/fd/3
		is 'one
		two
		three' b cat /proc/self/fd/3
		b mv renamed renamed.2
		echo late >&4
		exec 3>&- 4>&-
		is late b cat renamed.2

		umask 027
		b mkdir made made/more && is 750 b stat -c %a made
		: >made/f && is 640 b stat -c %a made/f
		b chmod 4755 made/f && is 4755 b stat -c %a made/f
		b chown 77:88 made/f && is '755 77 88' b stat -c '%a %u %g' made/f
		b touch -d @86400 made/f && is 86400 b stat -c %Y made/f
		b truncate -s 5000 made/f && is 5000 b stat -c %s made/f
		b mkfifo made/pipe && b mknod made/zero c 1 5 && is '1 5' b stat -c '%t %T' made/zero
		is 4 b sh -c 'busybox head -c 4 made/zero | busybox wc -c'
		refused 'not empty' b rmdir made
		b chown -h 5:6 link && is '5 6' b stat -c '%u %g' link
		b chmod 777 /mnt/made
		b rm made/pipe

		# Another user's, who has no rights here.
		b chmod 755 /mnt
		b mkdir /etc && echo 'user:x:1000:1000::/:/bin/sh' >/etc/passwd && b ln -s busybox /bin/sh
		b su user -c 'umask 022; cd /mnt/made && echo mine >user && busybox mkdir users'
		is '644 1000 1000' b stat -c '%a %u %g' made/user
		is '755 1000 1000' b stat -c '%a %u %g' made/users
		refused 'Permission denied' b su user -c 'busybox touch /mnt/there/no'

		b mkdir many
		i=0
		while [ \$i -lt 1000 ]; do
			: >many/file-\$i
			i=\$((i + 1))
		done
		is 1000 b sh -c 'busybox ls many | busybox wc -l'
		is 1000 b sh -c 'busybox ls -l many | busybox grep -c file-'
		b rm many/file-*7
		is 900 b sh -c 'busybox find many -type f | busybox wc -l'

		is 2 b sh -c 'busybox ls -i tmp.1/file tmp.1/link tmp.2/file tmp.2/link | busybox awk "{ print \\\$1 }" | busybox sort -u | busybox wc -l'
		is "\$(b stat -c %i tmp.2/file)" b sh -c 'busybox ls -i tmp.2 | busybox sed -n "s/ file//p" | busybox xargs'
		b cp -a tmp.1 tmp.2 made/ && is '1
		2' b cat made/tmp.1/link made/tmp.2/link

		cd /
		b umount /mnt && b mount -t virtiofs data /mnt || echo WRONG: mount again
		is 900 b sh -c 'busybox ls /mnt/many | busybox wc -l'
		b sync
		b umount /mnt
	END
	umount "$SHARE/tmp.1" "$SHARE/tmp.2"
	# Of all that the host's files tell.
	assert_equal "$(stat -c '%a %u %g %s' "$SHARE/made/f")" '755 77 88 5000'
	assert_equal "$(stat -c '%u:%g' "$SHARE/made/user" "$SHARE/made/users" "$SHARE/link" | xargs)" '1000:1000 1000:1000 5:6'
	assert_equal "$(cat "$SHARE/renamed.2")" late
	assert_equal "$(cmp "$SHARE/large" "$SHARE/copy" | awk '{ print $5 }')" '12289,'
	assert_equal "$(find "$SHARE/many" -type f | wc -l)" 900
	[ ! -e "$SHARE/there/b" ] && [ ! -e "$SHARE/c" ]
	assert_nothing_left
}

# A share of this machine's /, which can't be written to, has the programs.
@test "vm: a guest runs programs from one folder, and clones and compiles in another" {
	local src=$BATS_TEST_TMPDIR/src
	mkdir "$src" "$SHARE/desk"
	printf '#include <stdio.h>\n#include "two.h"\nint main(void) { printf("%%d\\n", two() + 40); return 0; }\n' >"$src/main.c"
	printf '#include "two.h"\nint two(void) { return 2; }\n' >"$src/two.c"
	printf 'int two(void);\n' >"$src/two.h"
	printf 'answer: main.o two.o\n\tcc -o $@ $^\nmain.o two.o: two.h\n' >"$src/Makefile"
	for i in $(seq 200); do echo "$i" >"$src/data-$i"; done
	git -C "$src" init -q
	git -C "$src" add -A
	git -C "$src" -c user.name=t -c user.email=t@t commit -qm first
	git clone -q --bare "$src" "$SHARE/repository.git"
	cat >"$SHARE/desk/calls.py" <<-'END'
		import ctypes, fcntl, mmap, os
		os.chdir("/mnt/desk")
		with open("f", "w+b") as f:
		    # The host's tmpfs has them from 6.6 on.
		    if not os.uname().release.startswith("6.1."):
		        os.setxattr(f.fileno(), "user.color", b"blue")
		        assert os.getxattr("f", "user.color") == b"blue"
		        assert os.listxattr("f") == ["user.color"]
		        os.removexattr("f", "user.color")
		        assert os.listxattr("f") == []
		    os.posix_fallocate(f.fileno(), 0, 65536)
		    with mmap.mmap(f.fileno(), 65536) as m:
		        m[4096:4101] = b"hello"
		    os.fsync(f.fileno())
		    fcntl.flock(f, fcntl.LOCK_EX)
		    fcntl.lockf(f, fcntl.LOCK_EX)
		    with open("g", "w+b") as g:
		        assert os.copy_file_range(f.fileno(), g.fileno(), 5, 4096) == 5
		        g.seek(0)
		        assert g.read() == b"hello"
		        g.truncate(1 << 20)
		        assert os.lseek(g.fileno(), 0, os.SEEK_HOLE) >= 5
		fd = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600)
		os.write(fd, b"late")
		libc = ctypes.CDLL(None, use_errno=True)
		assert libc.linkat(-100, f"/proc/self/fd/{fd}".encode(), -100, b"tmp", 0x400) == 0
		assert open("tmp").read() == "late"
		assert libc.renameat2(-100, b"g", -100, b"tmp", 2) == 0
		assert open("g").read() == "late"
		assert libc.renameat2(-100, b"g", -100, b"tmp", 1) == -1 and ctypes.get_errno() == 17
		os.sync()
		print("calls are right")
	END
	guest --memory 512m --share "host=/,readonly" --share "data=$SHARE" <<-'END'
		b mount -t virtiofs host /mnt || echo WRONG: mount
		refused 'Read-only file system' b touch /mnt/tmp/new
		refused 'Read-only file system' b chmod 700 /mnt/etc
		refused 'Read-only file system' b sh -c 'echo x >>/mnt/etc/passwd'
		b mount -t virtiofs data /mnt/mnt
		b mount -t proc proc /mnt/proc
		b mount -t devtmpfs dev /mnt/dev
		b mount -t tmpfs tmp /mnt/tmp
		export PATH=/usr/bin:/bin HOME=/tmp
		is 'calls are right' b chroot /mnt python3 /mnt/desk/calls.py
		b chroot /mnt git config --global --add safe.directory '*'
		b chroot /mnt git clone -q /mnt/repository.git /mnt/desk/clone || echo WRONG: clone
		is '' b chroot /mnt git -C /mnt/desk/clone status --porcelain
		b chroot /mnt make -s -C /mnt/desk/clone || echo WRONG: make
		is 42 b chroot /mnt /mnt/desk/clone/answer
	END
	assert_equal "$("$SHARE/desk/clone/answer")" 42
	assert_equal "$(git -c safe.directory='*' -C "$SHARE/desk/clone" status --porcelain | xargs)" '?? answer ?? main.o ?? two.o'
	diff -r --exclude=.git --exclude='*.o' --exclude=answer "$src" "$SHARE/desk/clone"
	assert_equal "$(head -c 4101 "$SHARE/desk/f" | tail -c 5)" hello
}

@test "vm: what is no folder, or none to be shared, is refused in words" {
	run "$VM" --kernel "$KERNEL" --share "$SHARE"
	assert_failure 125
	[[ $output == *"--share $SHARE: TAG=DIR[,readonly]; a tag, by which the guest mounts it, has"* ]]
	run "$VM" --kernel "$KERNEL" --share "a=$SHARE,ro"
	assert_failure 125
	[[ $output == *'"ro" is not readonly'* ]]
	run "$VM" --kernel "$KERNEL" --share a=/nowhere
	assert_failure 125
	assert_output 'ctr-vm: --share a=/nowhere: open the folder /nowhere: No such file or directory'
	run "$VM" --kernel "$KERNEL" --share "a=$SHARE" --share "a=/,readonly"
	assert_failure 125
	assert_output 'ctr-vm: --share a=...: there are two of this tag; each needs one of its own'
}
