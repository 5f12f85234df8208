# limit: 600
# build: tests/debian.tar
# --init=systemd: an operating system in a container, from boot to power off. What needs controllers is in
# vm-boot.bats.

load lib
load boot

@test "boot: Debian comes up, told who it is, and has groups of its own" {
	boot c1
	assert_equal "$said" ''
	assert_equal "$(ctr exec c1 cat /etc/machine-id)" "${id:0:32}"
	assert_equal "$(ctr exec c1 systemd-detect-virt)" container-other
	assert_equal "$(ctr exec c1 cat /run/systemd/container)" ctr
	assert_equal "$(ctr exec c1 cat /proc/1/comm)" systemd
	assert_equal "$(ctr exec c1 sh -c 'findmnt -rno TARGET,FSTYPE /run /tmp; cd /; findmnt -rnt tmpfs -o TARGET | grep -E "^/(run|tmp|var)"')" \
		$'/run\n/run/lock\n/tmp\n/var/log/journal'
	# All in groups of systemd's, also what comes from outside; none in the container's own.
	assert_equal "$(cat "$CGROUPS/ctr/c1/cgroup.procs")" ''
	[ -d "$CGROUPS/ctr/c1/system.slice/systemd-journald.service" ]
	[[ $(ctr exec c1 cat /proc/self/cgroup) == *0::/exec-* ]]
	assert_equal "$(oci exec c1 cat /proc/self/cgroup | grep ^0:)" 0::/init.scope
	# (Of user.delegate it thinks that it is about its own root slice, and takes it away.)
	assert_equal "$(xattr trusted.delegate /ctr/c1)" 1
	# What it is kept from stays so.
	run ctr exec c1 sh -c 'echo 1 >/proc/sys/kernel/panic'
	assert_failure
	run ctr exec c1 mount -t tmpfs tmpfs /mnt
	assert_failure
	assert_equal "$(ctr exec c1 sh -c 'ls -d /sys/firmware/*' 2>/dev/null)" ''
	ctr rm --force c1
	assert_nothing_left
}

@test "boot: where its root could change a limit, a warning says so" {
	boot c1 --cgroup-conf cgroup.max.descendants=300
	if grep -q ' - cgroup2 .*nsdelegate' /proc/self/mountinfo; then
		assert_equal "$said" ''
		run ctr exec c1 sh -c 'echo 301 >/sys/fs/cgroup/cgroup.max.descendants'
		assert_failure
	else
		[[ $said == *'linux.resources.unified.cgroup.max.descendants: root in the container can change it'*nsdelegate* ]]
		ctr exec c1 sh -c 'echo 301 >/sys/fs/cgroup/cgroup.max.descendants'
	fi
	ctr rm --force c1
	# No limit, or a root that owns none of the files: nothing to say.
	run ctr run --rm --init=systemd --userns private --cgroup-conf cgroup.max.descendants=300 busybox -- true
	assert_success
	refute_output --partial nsdelegate
	assert_nothing_left
}

@test "boot: ctr stop has it go down in order" {
	mkdir "$TMPDIR/data"
	boot c1 -v "$TMPDIR/data:/data"
	printf '%s\n' '[Service]' 'ExecStart=/bin/sleep infinity' \
		'ExecStop=/bin/sh -c "sleep 1; echo saved >/data/state"' >"$TMPDIR/data/slow.service"
	ctr exec c1 sh -c 'cp /data/slow.service /etc/systemd/system && systemctl start slow'
	run ctr stop c1
	assert_success
	assert_stopped c1 0
	assert_equal "$(cat "$TMPDIR/data/state")" saved
	in_order c1 'Welcome to' slow.service 'System Shutdown' 'System Halt' 'Halting system' 'Exiting container'
	rm -r "$TMPDIR/data"
	ctr rm c1
	assert_nothing_left
}

@test "boot: a stop is heard also before there is who listens" {
	local i
	for i in 0 0.005 0.01 0.02 0.05; do
		ctr run -d --name c1 --init=systemd --overlay --rootfs "$BATS_FILE_TMPDIR/debian" >"$TMPDIR/id"
		sleep "$i"
		run ctr stop c1
		assert_success
		assert_stopped c1 0
		ctr rm c1
	done
	# What is held back for process 1 is not so for others.
	boot c1
	assert_equal "$(ctr exec c1 sh -c 'grep SigBlk /proc/$(systemctl show --property MainPID --value dbus)/status /proc/self/status' |
		awk '{ print $2 }')" $'0000000000000000\n0000000000000000'
	ctr rm --force c1
	assert_nothing_left
}

@test "boot: a bundle that says what boots it" {
	mkdir "$TMPDIR/bundle"
	ctr spec --bundle "$TMPDIR/bundle"
	edit_config "$TMPDIR/bundle" --arg root "$BATS_FILE_TMPDIR/debian" '.root.path = $root | .process.args = ["/lib/systemd/systemd"]'
	ctr run -d --name c1 --init=systemd --overlay --bundle "$TMPDIR/bundle"
	up c1
	assert_equal "$(ctr exec c1 sh -c 'tr "\0" "\n" </proc/1/cmdline')" /lib/systemd/systemd
	run ctr stop c1
	assert_stopped c1 0
	ctr rm c1
	rm -r "$TMPDIR/bundle"
	assert_nothing_left
}

@test "boot: ctr attach leads to a login, also where no terminal was asked for" {
	boot c1
	TYPIST='log_in c1; printf "tty; echo \$((6 * 7))-is-here\n"; wait_until 20 console c1 42-is-here; printf "\020\021"' \
		run in_tty "$CTR_BIN" "${CTR_FLAGS[@]}" attach c1
	assert_success
	assert_output --partial 42-is-here
	assert_output --partial /dev/console
	state_is c1 running
	ctr rm --force c1
	assert_nothing_left
}

@test "boot: run -it --rm is a machine until it is powered off" {
	TYPIST='log_in c1; printf "systemctl poweroff\n"' run in_tty "$CTR_BIN" "${CTR_FLAGS[@]}" \
		run -it --rm --name c1 --init=systemd --overlay --rootfs "$BATS_FILE_TMPDIR/debian"
	assert_success
	assert_output --partial 'Powering off.'
	assert_nothing_left
}

@test "boot: reboot starts it again where --restart says so, and ends it else" {
	boot c1 --restart always
	ctr exec c1 touch /run/before
	ctr exec c1 systemctl reboot
	wait_until 20 eval 'ctr exec c1 test ! -e /run/before 2>/dev/null'
	up c1
	state_is c1 running
	run ctr stop c1
	assert_success
	assert_stopped c1 0
	boot c2
	ctr exec c2 systemctl reboot
	assert_stopped c2 0
	in_order c2 'Rebooting.' 'Exiting container.'
	# And again, by hand.
	ctr start c2
	up c2
	ctr rm --force c1 c2
	assert_nothing_left
}

@test "boot: with CAP_SYS_BOOT the kernel tells reboot from power off" {
	boot c1 --cap-add SYS_BOOT
	ctr exec c1 systemctl reboot
	assert_stopped c1 129
	ctr start c1
	up c1
	ctr exec c1 systemctl poweroff
	assert_stopped c1 130
	ctr rm c1
	assert_nothing_left
}

@test "boot: in a user namespace its root owns its groups, and nothing else" {
	local tree=$BATS_TEST_TMPDIR/debian
	mkdir "$tree"
	chown 100000:100000 "$tree"
	chmod 711 "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR/.." "$BATS_FILE_TMPDIR"
	# Unpacked by the user whose system it is.
	ctr run --rm -i --uidmap 0:100000:65536 -v "$tree:/tree" busybox tar -C /tree -x <"$CTR_BUILD/tests/debian.tar"
	ctr run -d --name c1 --init=systemd --uidmap 0:100000:65536 --rootfs "$tree"
	up c1
	assert_equal "$(ctr exec c1 cat /proc/1/uid_map | tr -s ' ')" ' 0 100000 65536'
	assert_equal "$(stat -c %u "$CGROUPS/ctr/c1" "$CGROUPS"/ctr/c1/{cgroup.procs,cgroup.subtree_control,cgroup.threads,init.scope})" \
		$'100000\n100000\n100000\n100000\n100000'
	assert_equal "$(stat -c %u "$CGROUPS"/ctr/c1/cgroup.{freeze,max.depth})" $'0\n0'
	run ctr exec c1 sh -c 'echo 1 >/sys/fs/cgroup/cgroup.max.depth'
	assert_failure
	run ctr stop c1
	assert_success
	assert_stopped c1 0
	ctr rm c1
	assert_nothing_left
}

@test "boot: killed at any moment, all of it goes" {
	local i pids
	for i in 0 0.02 0.1 0.3; do
		ctr run -d --name c1 --init=systemd --overlay --rootfs "$BATS_FILE_TMPDIR/debian" >"$TMPDIR/id"
		rm "$TMPDIR/id"
		sleep "$i"
		# Monitor and keeper first: nobody of ours is left to clean up.
		mapfile -t pids < <(monitors c1)
		kill -KILL "${pids[@]}"
		run ctr rm --force c1
		assert_success
		assert_nothing_left
	done
	boot c1 --rm
	ctr kill c1
	assert_nothing_left
}

@test "boot: what can't be a system is refused" {
	local row
	mkdir -p "$TMPDIR/root/sbin"
	while read -r row; do
		# shellcheck disable=SC2086 # words
		run ctr run --init=systemd ${row%%|*}
		[[ $status -ne 0 && $output == *"${row#*|}"* ]] || show_run "$row"
	done <<-ROWS
		--rootfs $TMPDIR/root|neither /sbin/init nor /lib/systemd/systemd is in the root
		--pid host busybox|--init
		--cgroupns host busybox|needs a cgroup namespace of its own
		--cgroup-manager disabled busybox|needs a cgroup
	ROWS
	# A link in the root leads nowhere else.
	ln -s /proc/self/root/bin/true "$TMPDIR/root/sbin/init"
	run ctr run --init=systemd --rootfs "$TMPDIR/root"
	assert_failure 127
	rm -r "$TMPDIR/root"
	assert_nothing_left
}
