# vm: --kvm
# limit: 600
# Folders of the host in a guest: Debian's own virtio-fs and FUSE on one side, our server on the other.

bats_require_minimum_version 1.5.0
load ../integration/lib
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
	local hash
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

		cd /
		b umount /mnt && b mount -t virtiofs data /mnt || echo WRONG: mount again
		is 900 b sh -c 'busybox ls /mnt/many | busybox wc -l'
		b sync
		b umount /mnt
	END
	# Of all that the host's files tell.
	assert_equal "$(stat -c '%a %u %g %s' "$SHARE/made/f")" '755 77 88 5000'
	assert_equal "$(stat -c '%u:%g' "$SHARE/made/user" "$SHARE/made/users" "$SHARE/link" | xargs)" '1000:1000 1000:1000 5:6'
	assert_equal "$(cat "$SHARE/renamed.2")" late
	assert_equal "$(cmp "$SHARE/large" "$SHARE/copy" | awk '{ print $5 }')" '12289,'
	assert_equal "$(find "$SHARE/many" -type f | wc -l)" 900
	[ ! -e "$SHARE/there/b" ] && [ ! -e "$SHARE/c" ]
	assert_nothing_left
}
