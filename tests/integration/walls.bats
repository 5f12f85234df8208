# What a container sees, and what it can't do.

load lib

# inode of a namespace, outside and in a container with the given flags
outside() { readlink "/proc/self/ns/$1"; }
inside() { ctr run --rm "${@:2}" busybox -- readlink "/proc/self/ns/$1"; }

@test "walls: every namespace but user and time is its own" {
	for ns in mnt pid net ipc uts cgroup; do
		[ "$(inside $ns)" != "$(outside $ns)" ] || fail "$ns is the host's"
	done
	[ "$(inside time --time private)" != "$(outside time)" ]
	[ "$(inside user --uidmap 0:100000:65536 --gidmap 0:100000:65536)" != "$(outside user)" ]
}

@test "walls: a namespace of the host's, or of another container's, where it is asked for" {
	[ "$(inside net --network host)" = "$(outside net)" ]
	[ "$(inside ipc --ipc host)" = "$(outside ipc)" ]
	[ "$(inside pid --pid host)" = "$(outside pid)" ]
	ctr create --name c1 busybox -- sleep 1000
	ctr start c1
	local first
	first=$(ctr exec c1 readlink /proc/self/ns/net)
	[ "$(inside net --network container:c1)" = "$first" ]
	[ "$(inside pid --pid container:c1)" = "$(ctr exec c1 readlink /proc/self/ns/pid)" ]
	ctr rm --force c1
	assert_nothing_left
}

@test "walls: only its own processes and interfaces" {
	run ctr run --rm busybox -- sh -c 'ls -d /proc/[0-9]* | wc -l; ls /sys/class/net; cat /sys/class/net/lo/operstate'
	assert_success
	assert_line --regexp '^[2-4]$'
	assert_line lo
}

@test "walls: docker's 14 capabilities, or what was asked for" {
	run ctr run --rm busybox -- grep CapBnd /proc/self/status
	assert_output --partial 00000000a80425fb
	run ctr run --rm --cap-drop ALL --cap-add NET_ADMIN busybox -- grep CapEff /proc/self/status
	assert_output --partial 0000000000001000
}

# denied SCRIPT: it runs, and its last command fails
denied() {
	run ctr run --rm busybox -- sh -c "echo ran; $1 && echo succeeded"
	assert_line ran
	refute_line succeeded
}

@test "walls: mount, sysctls, modules, devices, reboot fail" {
	denied 'mount -t tmpfs none /mnt'
	denied 'echo 1 > /proc/sys/kernel/panic'
	denied 'mknod /d b 8 0 && head -c 1 /d'
	denied 'reboot -f'
	denied 'unshare -U true'
	denied 'insmod /bin/busybox'
	denied 'test -n "$(ls /sys/firmware)"'
	denied 'test -n "$(head -c 1 /proc/kcore)"'
	denied 'test -n "$(head -c 1 /proc/keys)"'
	assert_nothing_left
}

@test "walls: nothing of the host's secrets in the host source" {
	run ctr run --rm host -- sh -c 'ls -d /etc/shadow /etc/gshadow /etc/ssh /etc/ssl/private /root/.ssh /home/* /srv/* 2>/dev/null; true'
	assert_success
	assert_output ''
	run ctr run --rm host -- sh -c 'touch /usr/bin/x && echo written'
	assert_output written
	[ ! -e /usr/bin/x ]
}

@test "walls: setuid is switched off by no-new-privileges" {
	run ctr run --rm --security-opt no-new-privileges busybox -- grep NoNewPrivs /proc/self/status
	assert_output --regexp 'NoNewPrivs:.1'
}

@test "walls: no file descriptor of the caller's reaches the payload" {
	exec 9</etc/hostname
	run ctr run --rm busybox -- ls /proc/self/fd
	refute_line 9
	exec 9<&-
}
