# limit: 600
# ctr run --isolation emulated with a kernel for another processor: Debian's for arm64, and files for that. What else
# there is of emulated guests is in native-emulated.bats.

bats_require_minimum_version 1.5.0
load ../integration/lib
load ../integration/netdevices

setup_file() {
	export ARM64_KERNEL=$CTR_BUILD/arm64/debian/boot/vmlinuz
	[ -e "$ARM64_KERNEL" ] && [ -e "$CTR_BUILD/bin/ctr-guest-aarch64" ] || fail 'it was not built: make guest-arm64'
}

setup() {
	ctr_setup
	EMULATED=(--isolation emulated --kernel "$ARM64_KERNEL")
}

# A boot takes three seconds of a quiet processor.
BOOT_S=120

# arm64_rootfs DIR: busybox for arm64, by the names of this machine's.
arm64_rootfs() {
	local applet
	mkdir -p "$1"/{bin,dev,proc,sys,tmp,root}
	cp "$CTR_BUILD/arm64/debian/bin/busybox" "$1/bin/busybox"
	for applet in $(busybox --list | grep -vx busybox); do
		ln -s busybox "$1/bin/$applet"
	done
}

@test "arm64: another processor's kernel and programs: streams, statuses, files, exec, a terminal, signals" {
	local root=$BATS_TEST_TMPDIR/root
	arm64_rootfs "$root"
	head -c 2000001 /dev/urandom >"$root/in"
	ctr run -d --name one "${EMULATED[@]}" --hostname inside -u 1000:7 --rootfs "$root" sh -c '
		trap "echo term; exit 3" TERM; uname -m; hostname; id -u; id -g; grep Seccomp: /proc/self/status
		md5sum </in; echo apart >&2; echo ready; while :; do sleep 0.2; done' >/dev/null
	wait_until "$BOOT_S" said ready one
	wait_until 10 said apart one
	run ctr logs one
	assert_equal "${lines[*]:0:4}" 'aarch64 inside 1000 7'
	assert_line 'Seccomp:	2'
	assert_line "$(md5sum <"$root/in")"
	run ctr exec -u 0 one sh -c 'echo made in $(uname -r) >/new; chown 5:6 /new; exit 9'
	assert_equal "$status $output" '9 '
	assert_equal "$(cat "$root/new")" "made in $(basename "$CTR_BUILD"/arm64/debian/lib/modules/*)"
	assert_equal "$(stat -c %u:%g "$root/new")" 5:6
	ctr exec -i one cat <"$root/in" | cmp - "$root/in"
	run in_tty "$CTR_BIN" "${CTR_FLAGS[@]}" exec -it one sh -c 'stty rows 20 cols 71; stty size'
	assert_success
	assert_line --partial '20 71'
	run -127 ctr exec one nosuch
	cp "$(command -v busybox)" "$root/foreign"
	run -126 ctr exec one /foreign
	assert_output --partial 'exec: "/foreign": exec format error: it is built for x86_64, and the kernel here is aarch64'
	ctr stop --time 60 one
	run ctr inspect --format '{{.State.ExitCode}}' one
	assert_output 3
	run ctr logs one
	assert_line term
	ctr rm one
	rm -r "$root"
	assert_nothing_left
}

@test "arm64: the plug-in: two processors, memory, the network that a hook has put there" {
	local bundle=$BATS_TEST_TMPDIR/b
	make_bundle "$bundle"
	rm -r "$bundle/rootfs"
	arm64_rootfs "$bundle/rootfs"
	make_cable_hook "$BATS_TEST_TMPDIR/hook"
	edit_config "$bundle" --arg kernel "$ARM64_KERNEL" --arg hook "$BATS_TEST_TMPDIR/hook" \
		'.annotations["dev.ctr.isolation"] = "emulated" |
		.vm = {kernel: {path: $kernel}, hwConfig: {vcpus: 2, memory: 167772160}} |
		.hooks.createRuntime = [{path: $hook}] |
		.process.args = ["sh", "-c", "nproc; awk \"/MemTotal/ { print int(\\$2 / 1024) }\" /proc/meminfo
			cat /sys/class/net/eth7/address; nc 10.9.0.1 78 </dev/zero | head -c 2000001 | md5sum"]'
	served_by 78 2000001 oci run --bundle "$bundle" one
	assert_equal "${lines[0]}" 2
	((${lines[1]} > 100 && ${lines[1]} < 160)) || fail "memory: ${lines[1]}"
	assert_line 02:11:22:33:44:55
	assert_line "$(md5sum <"$BATS_TEST_TMPDIR/big")"
	rm -r "$bundle"
	assert_nothing_left
}

@test "arm64: what is missing is named: an init for that processor, an emulator, KVM of that kind" {
	local bin=$BATS_TEST_TMPDIR/bin prepare
	mkdir "$bin"
	cp "$CTR_BUILD/bin/ctr-vm" "$CTR_BUILD/bin/ctr-guest" "$bin"
	prepare=(--prepare "$BATS_TEST_TMPDIR/cache" --kernel "$ARM64_KERNEL" --for emulated)
	# Nor is one installed.
	run unshare -m sh -c 'mount -t tmpfs none /usr/local && exec "$@"' sh "$bin/ctr-vm" "${prepare[@]}"
	assert_failure 125
	assert_output --partial "a kernel for aarch64 wants an init for it, which is built by itself (make guest-arm64)"
	[ ! -e "$BATS_TEST_TMPDIR/cache" ]
	run unshare -m sh -c 'mount --bind /dev/null /usr/bin/qemu-system-aarch64 && exec "$@"' sh \
		"$CTR_BIN" "${CTR_FLAGS[@]}" run --rm "${EMULATED[@]}" busybox true
	assert_failure 125
	assert_output --partial 'apt-get install qemu-system-arm'
	run ctr run --rm --isolation vm --kernel "$ARM64_KERNEL" busybox true
	assert_failure 125
	assert_output --partial "is for aarch64, which KVM doesn't run here; --isolation emulated does"
	# And a kernel that is still packed.
	gzip -1 <"$ARM64_KERNEL" >"$BATS_TEST_TMPDIR/packed"
	run ctr run --rm --isolation emulated --kernel "$BATS_TEST_TMPDIR/packed" busybox true
	assert_failure 125
	assert_output --partial 'packed by gzip'
	assert_nothing_left
}
