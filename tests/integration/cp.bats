# ctr cp: both ways, what docker's does where, and what a hostile container can't.
# limit: 300

load lib

setup() {
	ctr_setup
	src=$BATS_TEST_TMPDIR/src
	out=$BATS_TEST_TMPDIR/out
	mkdir -p "$src/sub" "$out"
	echo one >"$src/f"
	echo two >"$src/sub/g"
}

# started NAME FLAG...: a container that runs and waits.
started() {
	local name=$1
	shift
	ctr create --name "$name" "$@" busybox -- sleep 1000 >/dev/null
	ctr start "$name" >/dev/null
}

@test "cp: a file to a name, into a folder, over a file, and not to where nothing is" {
	started c1
	ctr cp "$src/f" c1:/root/new
	run ctr exec c1 cat /root/new
	assert_output one
	ctr cp "$src/f" c1:/root
	ctr cp "$src/sub/g" c1:root/f
	run ctr exec c1 cat /root/f
	assert_output two
	run ctr cp "$src/f" c1:/root/nothere/
	assert_failure 125
	assert_output --partial 'no such folder to copy a file into'
	run ctr cp "$src/f" c1:/root/no/where
	assert_failure 125
	assert_output --partial 'the folder that it is to be in is not there'
	run ctr cp "$src/f" c1:/root/f/
	assert_failure 125
	run ctr cp "$src/nothere" c1:/root
	assert_failure 125
	assert_output --partial 'nothere: No such file or directory'
	run ctr cp c1:/nothere "$out"
	assert_failure 125
	run ctr cp "$src/f" nothere:/root
	assert_failure 125
	assert_output --partial 'does not exist'
	run ctr cp "$src/f" "$out"
	assert_failure 125
	assert_output --partial 'CONTAINER:PATH'
	ctr rm --force c1
	assert_nothing_left
}

@test "cp: a folder: made, into one that is there, its content alone, never over a file" {
	started c1
	ctr cp "$src" c1:/root/new
	ctr cp "$src" c1:/root
	ctr cp "$src/." c1:/home
	(cd "$src" && ctr cp . c1:/mnt)
	run ctr exec c1 cat /root/new/sub/g /root/src/sub/g /home/sub/g /mnt/sub/g
	assert_success
	assert_equal "${#lines[@]}" 4
	run ctr cp "$src" c1:/etc/passwd
	assert_failure 125
	assert_output --partial 'cannot copy a folder to a file'
	run ctr cp "$src/f" c1:/root/new/sub
	assert_success
	ctr cp c1:/root/new "$out/made"
	ctr cp c1:/root/new "$out"
	ctr cp c1:/root/new/. "$out"
	diff -r "$out/made" "$out/new"
	cmp "$src/sub/g" "$out/sub/g"
	ctr rm --force c1
	assert_nothing_left
}

@test "cp: --overwrite lets a folder and a file change places" {
	started c1
	ctr exec c1 sh -c 'mkdir -p /d/src; echo x >/d/src/sub; mkdir -p /d/src/f/deep'
	run ctr cp "$src" c1:/d
	assert_failure 125
	assert_output --partial 'cannot overwrite directory "f" with a non-directory'
	ctr cp --overwrite "$src" c1:/d
	run ctr exec c1 cat /d/src/f /d/src/sub/g
	assert_line one
	assert_line two
	ctr rm --force c1
	assert_nothing_left
}

@test "cp: symlinks are copied, followed with -L, and replaced by no one but their target" {
	started c1
	ln -s f "$src/l"
	ln -s /etc "$src/abs"
	ctr cp "$src/l" c1:/root/l
	run ctr exec c1 readlink /root/l
	assert_output f
	ctr cp -L "$src/l" c1:/root/file
	run ctr exec c1 sh -c '[ ! -L /root/file ] && cat /root/file'
	assert_output one
	# A link in the container leads to what the container has there.
	ctr exec c1 sh -c 'ln -s /etc/hosts /root/to; ln -s /etc /root/etc'
	ctr cp "$src/f" c1:/root/to
	run ctr exec c1 sh -c '[ -L /root/to ] && cat /etc/hosts'
	assert_output one
	ctr cp "$src/f" c1:/root/etc/viadir
	run ctr exec c1 cat /etc/viadir
	assert_output one
	ctr cp c1:/root/etc/passwd "$out/passwd"
	run grep "$(sed -n 2p /etc/passwd)" "$out/passwd"
	assert_failure 1
	ctr rm --force c1
	assert_nothing_left
}

@test "cp: - is an archive, compressed or not, and the rest of tar's life" {
	started c1
	tar -C "$src" -cf - . | ctr cp - c1:/root
	tar -C "$src" -czf - sub | ctr cp - c1:/mnt
	run ctr exec c1 cat /root/f /mnt/sub/g
	assert_success
	ctr cp c1:/root/. - | tar -C "$out" -xf -
	diff -r "$src" "$out"
	run bash -c "$(printf '%q ' "$CTR_BIN" "${CTR_FLAGS[@]}") cp c1:/root - | tar -tf -"
	assert_line root/sub/g
	run ctr cp - c1:/etc/passwd < <(tar -C "$src" -cf - .)
	assert_failure 125
	assert_output --partial 'must be a folder'
	# Out of the folder, by name and by link.
	tar -C "$src" --transform 's,^f,../../f,' -Pcf "$BATS_TEST_TMPDIR/evil.tar" f
	run ctr cp - c1:/root <"$BATS_TEST_TMPDIR/evil.tar"
	assert_failure 125
	assert_output --partial 'leads out of it'
	run ctr cp - c1:/root <"$CTR_BIN"
	assert_failure 125
	assert_output --partial 'read the archive'
	run in_tty "$CTR_BIN" "${CTR_FLAGS[@]}" cp c1:/root -
	assert_failure 125
	ctr rm --force c1
	assert_nothing_left
}

@test "cp: owners are root's without -a, and the source's with it" {
	started c1
	chown -R 1234:4321 "$src"
	chmod 4755 "$src/f"
	ctr cp "$src" c1:/root/plain
	run ctr cp -a "$src" c1:/root/kept
	assert_output ''
	run ctr exec c1 stat -c '%u:%g %a' /root/plain/f /root/plain/sub /root/kept/f /root/kept/sub
	assert_line '0:0 755'
	assert_line '1234:4321 4755'
	assert_equal "${lines[1]}" '0:0 755'
	assert_equal "${lines[3]}" '1234:4321 755'
	# Out again: the container's setuid file must not be one of the host's.
	run ctr cp -a c1:/root/kept "$out"
	assert_success
	assert_output --partial 'setuid'
	assert_equal "$(stat -c '%u:%g %a' "$out/kept/f")" '1234:4321 755'
	ctr cp c1:/root/kept/sub "$out"
	assert_equal "$(stat -c %u "$out/sub")" 0
	ctr rm --force c1
	assert_nothing_left
}

# bats test_tags=mapped-root
@test "cp: ids are those that the container sees, running or stopped" {
	make_bundle "$BATS_TEST_TMPDIR/b"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	chown -R 100000:100000 "$BATS_TEST_TMPDIR/b/rootfs"
	started c1 --uidmap 0:100000:65536 --gidmap 0:100000:65536
	ctr create --name c2 --uidmap 0:100000:65536 --gidmap 0:100000:65536 --rootfs "$BATS_TEST_TMPDIR/b/rootfs" -- sleep 1000
	ctr start c2
	ctr stop --time 0 c2
	chown 7:8 "$src/f"
	for name in c1 c2; do
		ctr cp "$src/f" $name:/tmp/plain
		ctr cp -a "$src/f" $name:/tmp/kept
		run bash -c "$(printf '%q ' "$CTR_BIN" "${CTR_FLAGS[@]}") cp $name:/tmp - | tar --numeric-owner -tvf - | awk '{ print \$2, \$NF }'"
		assert_line '0/0 tmp/plain'
		assert_line '7/8 tmp/kept'
	done
	assert_equal "$(stat -c %u:%g "$BATS_TEST_TMPDIR/b/rootfs/tmp/kept")" 100007:100008
	ctr rm --force c1
	ctr rm c2
	assert_nothing_left
}

# bats test_tags=one-kernel
@test "cp: what root of the container may not make is left out, and that is said" {
	started c1 --uidmap 0:100000:65536 --gidmap 0:100000:65536 --tmpfs /data
	run ctr cp - c1:/data < <(tar -C /dev -cf - null)
	assert_success
	assert_output --partial '1 file left out: devices'
	ctr rm --force c1
	assert_nothing_left
}

# bats test_tags=one-kernel
@test "cp: hard links, holes, pipes, devices, attributes, names of any bytes" {
	local name=$'new\nline \xe9 \e[31m'
	started c1 --tmpfs /data
	ln "$src/f" "$src/sub/again"
	truncate -s 3G "$src/holes"
	printf end >>"$src/holes"
	truncate -s 1M "$src/only-hole"
	mkfifo "$src/pipe"
	echo three >"$src/$name"
	mkdir -p "$src/$(printf 'long%.0s' {1..40})/$(printf 'path%.0s' {1..40})"
	chmod 700 "$src/sub"
	touch -d '2001-02-03 04:05:06' "$src/sub/g" "$src/sub"
	ctr cp "$src" c1:/data
	run ctr exec c1 sh -c 'stat -c %h /data/src/f /data/src/sub/again; stat -c %a,%Y /data/src/sub /data/src/sub/g; du -k /data/src/holes | cut -f 1; stat -c %s /data/src/holes /data/src/only-hole'
	assert_success
	assert_equal "${lines[0]} ${lines[1]}" '2 2'
	assert_equal "${lines[2]}" "700,$(stat -c %Y "$src/sub")"
	assert_equal "${lines[3]}" "644,$(stat -c %Y "$src/sub")"
	[ "${lines[4]}" -le 64 ]
	assert_equal "${lines[5]} ${lines[6]}" "$((3 * 1024 * 1024 * 1024 + 3)) 1048576"
	ctr exec c1 sh -c 'mknod /data/src/null c 1 3; ln /data/src/null /data/src/nought'
	run ctr cp c1:/data/src "$out"
	assert_success
	assert_output --partial '2 files left out: devices'
	[ -p "$out/src/pipe" ]
	[ ! -e "$out/src/null" ]
	assert_equal "$(cat "$out/src/$name")" three
	[ "$(du -k "$out/src/holes" | cut -f 1)" -le 64 ]
	[ "$out/src/f" -ef "$out/src/sub/again" ]
	rm "$src/holes" "$out/src/holes" "$src/pipe" "$out/src/pipe"
	diff -r "$src" "$out/src"
	# In an archive there are devices.
	run bash -c "$(printf '%q ' "$CTR_BIN" "${CTR_FLAGS[@]}") cp c1:/data/src/null - | tar -tvf -"
	assert_output --regexp '^crw.* 1,3 .* null$'
	ctr rm --force c1
	assert_nothing_left
}

# bats test_tags=one-kernel
@test "cp: what is mounted in a running container is there; in a stopped one it is refused" {
	make_bundle "$BATS_TEST_TMPDIR/b"
	ctr create --name c1 --rootfs "$BATS_TEST_TMPDIR/b/rootfs" --volume "$out:/vol" --tmpfs /data -- sleep 1000
	ctr start c1
	ctr cp "$src/f" c1:/vol/f
	ctr cp "$src/f" c1:/data/f
	cmp "$src/f" "$out/f"
	run ctr exec c1 cat /data/f
	assert_output one
	[ ! -e "$BATS_TEST_TMPDIR/b/rootfs/data/f" ]
	ctr pause c1
	ctr cp "$src/f" c1:/root/paused
	ctr resume c1
	# The kernel's own filesystems are no files to copy.
	ctr cp c1:/ "$out/all"
	[ -z "$(find "$out/all/proc" "$out/all/sys" -mindepth 1)" ]
	[ -e "$out/all/vol/f" ]
	ctr stop --time 0 c1
	ctr cp "$src/f" c1:/root/stopped
	ctr cp c1:/root "$out"
	cmp "$src/f" "$out/root/stopped"
	cmp "$src/f" "$BATS_TEST_TMPDIR/b/rootfs/root/paused"
	run ctr cp "$src/f" c1:/vol/g
	assert_failure 125
	assert_output --partial "/vol is mounted only while it runs (from $out)"
	ctr rm c1
	started c2
	ctr stop --time 0 c2
	run ctr cp c2:/etc/passwd "$out"
	assert_failure 125
	assert_output --partial 'throw-away layer'
	ctr rm c2
	assert_nothing_left
}

@test "cp: from one container to another" {
	started c1
	started c2
	ctr cp "$src" c1:/root
	ctr cp c1:/root/src c2:/home
	run ctr exec c2 cat /home/src/sub/g
	assert_output two
	ctr rm --force c1
	ctr rm --force c2
	assert_nothing_left
}

@test "cp: a read-only root stays as it is" {
	started c1 --read-only
	run ctr cp "$src/f" c1:/root/f
	assert_failure 125
	assert_output --partial 'Read-only file system'
	ctr cp c1:/etc/passwd "$out"
	ctr rm --force c1
	assert_nothing_left
}

# swap_in C: in container C /s/x is now a folder with a file secret, now a link to that of the host's.
swap_in() {
	ctr exec "$1" sh -c "mkdir -p /s/real /s/x; echo inner >/s/real/secret
		(while :; do
			rm -rf /s/x; ln -s '$BATS_TEST_TMPDIR/host' /s/x
			rm -f /s/x; mkdir /s/x; echo inner >/s/x/secret
			mv /s/x /s/y; ln -s /etc /s/x; rm /s/x; mv /s/y /s/x
		done) >/dev/null 2>&1 </dev/null & echo \$! >/s/pid"
}

@test "cp: a folder that becomes a symlink meanwhile leads nowhere else" {
	local i end host=$BATS_TEST_TMPDIR/host rounds=25 came=0
	[ -z "${CTR_LONG-}" ] || rounds=2000
	mkdir "$host"
	echo unlike-any-other >"$host/secret"
	started c1
	swap_in c1
	mkdir "$src/x"
	echo mine >"$src/x/evil"
	for ((i = 0; i < rounds; i++)); do
		rm -rf "${out:?}"/*
		ctr cp c1:/s "$out" >/dev/null 2>&1 && came=$((came + 1))
		ctr cp c1:/s/x/secret "$out/file" >/dev/null 2>&1 || true
		ctr cp -L c1:/s/x "$out/followed" >/dev/null 2>&1 || true
		! grep -rq unlike-any-other "$out" || fail "round $i: the host's file came out"
		ctr cp "$src/x/evil" c1:/s/x/evil >/dev/null 2>&1 || true
		ctr cp "$src/x" c1:/s >/dev/null 2>&1 || true
		tar -C "$src" -cf - x | ctr cp - c1:/s >/dev/null 2>&1 || true
		[ "$(ls "$host")" = secret ] || fail "round $i: something came to the host"
	done
	[ "$came" -gt 0 ]
	[ ! -e /evil ]
	[ ! -e /x/evil ]
	ctr rm --force c1
	assert_nothing_left
}

@test "cp: what was copied out before is not followed when more comes" {
	local host=$BATS_TEST_TMPDIR/host
	mkdir "$host"
	started c1
	ctr exec c1 sh -c "mkdir /s; ln -s '$host' /s/x"
	ctr cp c1:/s "$out"
	[ -L "$out/s/x" ]
	ctr exec c1 sh -c 'rm /s/x; mkdir /s/x; echo evil >/s/x/evil'
	run ctr cp c1:/s "$out"
	assert_failure 125
	assert_output --partial 'cannot overwrite non-directory "x" with a directory'
	[ -z "$(ls "$host")" ]
	ctr cp --overwrite c1:/s "$out"
	[ -z "$(ls "$host")" ]
	assert_equal "$(cat "$out/s/x/evil")" evil
	ctr rm --force c1
	assert_nothing_left
}

@test "cp: a killed one leaves nothing that runs" {
	started c1
	mkfifo "$BATS_TEST_TMPDIR/never"
	exec {hold}<>"$BATS_TEST_TMPDIR/never"
	"$CTR_BIN" "${CTR_FLAGS[@]}" cp - c1:/root <"$BATS_TEST_TMPDIR/never" 3>&- {hold}>&- &
	BACKGROUND+=($!)
	sleep 0.3
	kill_hard $!
	exec {hold}>&-
	ctr rm --force c1
	assert_nothing_left
}
