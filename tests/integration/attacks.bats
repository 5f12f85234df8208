# Attacks on runtimes that have a number, really mounted. Each ends without what it wanted.

load lib

setup() {
	ctr_setup
	bundle=$BATS_TEST_TMPDIR/b
	make_bundle "$bundle"
	outside=$BATS_TEST_TMPDIR/outside
	mkdir "$outside"
	echo untouched >"$outside/file"
	chmod 755 "$BATS_TEST_TMPDIR" "$outside"
	OURS=("$CTR_BIN" "$CTR_BUILD/bin/ctr-monitor")
	exe_before=$(sha256sum "${OURS[@]}")
}

ours_untouched() {
	assert_equal "$(sha256sum "${OURS[@]}")" "$exe_before"
	assert_equal "$(cat "$outside/file")" untouched
	assert_equal "$(ls "$outside")" file
}

# 2016-9962: whoever is in the container looks into a process that enters it. In a user namespace, where
# root may trace whatever is of that namespace; in the host's, CAP_SYS_PTRACE is a right over us as well.
@test "attacks: CVE-2016-9962, a process that enters is not to be looked into" {
	cat >"$bundle/rootfs/spy" <<-'SPY'
		#!/bin/sh
		while :; do
			for p in /proc/[0-9]*; do
				case $(readlink $p/exe 2>/dev/null) in
				*/ctr | *ctr-san*) ls -l $p/fd >/seen/mark 2>/dev/null ;;
				esac
				for f in $p/fd/*; do
					case $(readlink $f 2>/dev/null) in
					/run/* | *ctr-test*) echo "$f" >>/seen/mark; cat $f/* >>/seen/mark 2>/dev/null ;;
					esac
				done
			done
		done
	SPY
	chmod 755 "$bundle/rootfs/spy"
	mkdir -m 777 "$bundle/rootfs/seen"
	edit_config "$bundle" '.process.args = ["/spy"] | .process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"])
		| .linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	ctr create --name c1 --bundle "$bundle"
	ctr start c1
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		ctr exec c1 true
	done
	[ ! -s "$bundle/rootfs/seen/mark" ] || fail "$(cat "$bundle/rootfs/seen/mark")"
	ctr rm --force c1
	ours_untouched
	assert_nothing_left
}

# 2019-5736: /proc/self/exe of a runtime that enters is the runtime. Whoever gets hold of that file, by
# having it executed as the payload or as the payload's interpreter, writes to it once it isn't busy.
@test "attacks: CVE-2019-5736, our program is not to be written to" {
	local how
	# What may be lost: a copy.
	cp "$CTR_BIN" "$CTR_BUILD/bin/ctr-monitor" "$BATS_TEST_TMPDIR"
	CTR_BIN=$BATS_TEST_TMPDIR/ctr
	OURS=("$CTR_BIN" "$CTR_BIN-monitor")
	exe_before=$(sha256sum "${OURS[@]}")
	printf '#!/proc/self/exe\n' >"$bundle/rootfs/script"
	ln -s /proc/self/exe "$bundle/rootfs/link"
	chmod 755 "$bundle/rootfs/script"
	mkdir -m 777 "$bundle/rootfs/seen"
	edit_config "$bundle" '.process.args = ["probe", "overwrite", "/seen/mark"]
		| .process.capabilities |= map_values(. + ["CAP_DAC_OVERRIDE"])'
	ctr create --name c1 --bundle "$bundle"
	ctr start c1
	for how in /script /link /proc/self/exe true /script /link /proc/self/exe true; do
		for _ in 1 2 3 4 5; do
			run ctr exec c1 "$how"
			run ctr exec c1 "$how" help
		done
		ours_untouched
	done
	# The monitor enters as well: as a container is made, and for a health check.
	for how in /script /link /proc/self/exe; do
		for _ in 1 2 3 4 5; do
			run ctr run --name c2 --pid container:c1 --rootfs "$bundle/rootfs" -- "$how"
			ctr rm --force c2
		done
		ctr run -d --name c2 --pid container:c1 --rootfs "$bundle/rootfs" --health-interval 100ms \
			--health-cmd "[\"$how\"]" -- sleep 1000
		wait_until 5 eval '[ "$(ctr inspect --format "{{len .State.Health.Log}}" c2)" -ge 3 ]'
		ctr rm --force c2
		ours_untouched
	done
	for how in /script /link /proc/self/exe; do
		for _ in 1 2 3 4 5; do
			run ctr run --rm --pid container:c1 --rootfs "$bundle/rootfs" -- "$how"
		done
		ours_untouched
	done
	run cat "$bundle/rootfs/seen/mark"
	refute_line wrote
	ctr rm --force c1
	assert_nothing_left
}

# 2019-16884, 2019-19921: /proc of the image is something else, so that writes to labels go nowhere.
@test "attacks: CVE-2019-16884, CVE-2019-19921, a volume or a link at /proc" {
	rmdir "$bundle/rootfs/proc"
	ln -s ../../outside "$bundle/rootfs/proc"
	run ctr run --rm --bundle "$bundle"
	assert_failure 125
	assert_output --partial /proc
	rm "$bundle/rootfs/proc"
	mkdir "$bundle/rootfs/proc"
	edit_config "$bundle" --arg dir "$outside" '.mounts += [{destination: "/proc/self", type: "bind", source: $dir, options: ["bind"]}]'
	run ctr run --rm --bundle "$bundle"
	assert_failure 125
	assert_output --partial '/proc'
	ours_untouched
	assert_nothing_left
}

# 2021-30465, 2023-27561, 2023-28642: a link in the way of a mount, also one that moves.
@test "attacks: CVE-2021-30465, links in the way of a mount" {
	local name
	mkdir "$bundle/rootfs/vol"
	ln -s "$outside" "$bundle/rootfs/vol/absolute"
	ln -s ../../../../../../../.."$outside" "$bundle/rootfs/vol/relative"
	ln -s /proc/1/root/"$outside" "$bundle/rootfs/vol/magic"
	for name in absolute relative magic; do
		edit_config "$bundle" --arg at "/vol/$name/in" \
			'.mounts |= map(select(.type != "tmpfs" or (.destination | startswith("/dev")))) + [{destination: $at, type: "tmpfs", source: "tmpfs"}]
			| .process.args = ["sh", "-c", "touch \($at)/made"]'
		run ctr run --rm --bundle "$bundle"
		ours_untouched
	done
	assert_nothing_left
}

@test "attacks: CVE-2021-30465, a link that another swaps in while we mount" {
	local i swapper
	mkdir -p "$bundle/rootfs/vol/dir"
	ln -s "$outside" "$bundle/rootfs/vol/link"
	"$PROBE" swap "$bundle/rootfs/vol/dir" "$bundle/rootfs/vol/link" 3>&- &
	swapper=$!
	BACKGROUND+=("$swapper")
	edit_config "$bundle" '.mounts += [{destination: "/vol/dir/in", type: "tmpfs", source: "tmpfs"}]
		| .process.args = ["sh", "-c", "touch /vol/dir/in/made 2>/dev/null; true"]'
	for ((i = 0; i < 60; i++)); do
		run ctr run --rm --bundle "$bundle"
	done
	kill -KILL $swapper
	wait $swapper || true
	ours_untouched
	assert_nothing_left
}

# 2022-29162: inheritable capabilities that nobody asked for.
@test "attacks: CVE-2022-29162, no inheritable capability" {
	run ctr run --rm busybox -- grep CapInh /proc/self/status
	assert_output --regexp 'CapInh:.0000000000000000'
	ctr create --name c1 busybox -- sleep 1000
	ctr start c1
	run ctr exec --cap-add NET_ADMIN c1 grep CapInh /proc/self/status
	assert_output --regexp 'CapInh:.0000000000000000'
	ctr rm --force c1
	assert_nothing_left
}

# 2023-25809: the cgroup tree writable in a user namespace.
@test "attacks: CVE-2023-25809, /sys/fs/cgroup stays read-only in a user namespace" {
	run ctr run --rm --uidmap 0:100000:65536 --gidmap 0:100000:65536 --cgroupns host busybox -- \
		sh -c 'mkdir /sys/fs/cgroup/made && echo made; for f in $(find /sys/fs/cgroup -name cgroup.procs); do echo 0 >$f && echo wrote; done'
	refute_line made
	refute_line wrote
	assert_nothing_left
}

# 2024-21626: a working directory that is a file descriptor of ours, or of the host.
@test "attacks: CVE-2024-21626, a working directory outside" {
	local n
	exec 8<"$outside"
	for n in 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		run ctr run --rm --workdir "/proc/self/fd/$n" --bundle "$bundle" -- sh -c 'pwd; cat file; echo more >file'
		ours_untouched
		refute_output --partial untouched
	done
	ln -s /proc/self/fd/8 "$bundle/rootfs/cwd"
	run ctr run --rm --workdir /cwd --bundle "$bundle" -- sh -c 'cat file ../*'
	refute_output --partial untouched
	ctr create --name c1 --bundle "$bundle" -- sleep 1000
	ctr start c1
	for n in 3 4 5 6 7 8 9 10 11 12; do
		run ctr exec --workdir "/proc/self/fd/$n" c1 sh -c 'cat file; echo more >file'
		ours_untouched
	done
	ctr rm --force c1
	exec 8<&-
	assert_nothing_left
}

# 2024-45310: making a mount's destination makes files outside, by a swapped link.
@test "attacks: CVE-2024-45310, no empty file or folder is made outside" {
	mkdir "$bundle/rootfs/vol"
	ln -s "$outside" "$bundle/rootfs/vol/out"
	edit_config "$bundle" --arg from "$outside/file" '.mounts += [
		{destination: "/vol/out/new/file", type: "bind", source: $from, options: ["bind", "ro"]},
		{destination: "/vol/out/folder", type: "tmpfs", source: "tmpfs"}]'
	run ctr run --rm --bundle "$bundle"
	ours_untouched
	assert_nothing_left
}

# 2025-31133, 2025-52565, 2025-52881: what is masked with, the console, and where /proc writes go.
@test "attacks: CVE-2025-31133, /dev/null is a link when paths are masked" {
	edit_config "$bundle" '.mounts |= map(select(.destination != "/dev")) | .linux.maskedPaths = ["/proc/kcore", "/etc/hidden"]
		| .process.args = ["sh", "-c", "cat /etc/hidden; echo over >/etc/hidden"]'
	mkdir -p "$bundle/rootfs/dev"
	ln -sf ../../../outside/file "$bundle/rootfs/dev/null"
	echo secret >"$bundle/rootfs/etc/hidden"
	run ctr run --rm --bundle "$bundle"
	refute_output --partial secret
	ours_untouched
	assert_nothing_left
}

@test "attacks: CVE-2025-52565, /dev/console and /dev/pts are links" {
	edit_config "$bundle" '.mounts |= map(select(.destination | startswith("/dev") | not)) | .process.terminal = true
		| .process.args = ["sh", "-c", "echo text >/dev/console; echo text >/dev/pts/0"]'
	rm -rf "$bundle/rootfs/dev"
	mkdir "$bundle/rootfs/dev"
	ln -s ../../../outside/file "$bundle/rootfs/dev/console"
	ln -s ../../../outside "$bundle/rootfs/dev/pts"
	run in_tty "$CTR_BIN" --root "$CTR_ROOT" run --rm --bundle "$bundle"
	ours_untouched
	assert_nothing_left
}

@test "attacks: CVE-2025-52881, writes to /proc go to /proc" {
	# A link in the image where sysctls are written; a folder of the host's would get the file.
	edit_config "$bundle" '.mounts |= map(select(.destination != "/proc")) | .linux.sysctl = {"net.ipv4.ip_forward": "1"} | .process.args = ["true"]'
	rmdir "$bundle/rootfs/proc"
	ln -s ../../outside "$bundle/rootfs/proc"
	run ctr run --rm --bundle "$bundle"
	ours_untouched
	assert_nothing_left
}
