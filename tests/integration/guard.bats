# The host's own ctr can't be overwritten from inside (CVE-2019-5736), however it gets there.
# By ctr itself: `create --attach` has nobody beside it. ctr-monitor: attacks.bats.
# Each attack is a real one, on a copy: without the guard the copy ends up overwritten.

load lib

setup() {
	ctr_setup
	# It begins with libraries that no container has, and behind the entry that is tested here.
	[ -z "${CTR_SAN-}" ] || skip "the sanitized program is a dynamic one"
	VICTIM=$BATS_TEST_TMPDIR/victim
	cp "$CTR_BIN" "$VICTIM"
	make_bundle "$BATS_TEST_TMPDIR/b"
	root=$BATS_TEST_TMPDIR/b/rootfs
	# Where our program reads this it waits, and can be looked at for as long as is needed.
	mkdir "$root/hang"
	mkfifo "$root/hang/config.json"
	ln -s /proc/self/exe "$root/link"
	# Hold the executable of whoever waits there, end it, write to what it ran from.
	cat >"$root/attack" <<-'EOF'
		#!/bin/sh
		for try in $(seq 40); do
			for p in /proc/[0-9]*; do
				case $(tr '\0' ' ' <$p/cmdline 2>/dev/null) in
				*/attack*) ;;
				*"$1"*)
					seen=4
					(: <$p/exe) 2>/dev/null && found=$p && break 2
					;;
				esac
			done
			sleep 0.05
		done
		[ -n "$found" ] || exit ${seen:-3}
		exec 9<$found/exe
		kill -9 ${found#/proc/}
		for try in 1 2 3 4; do
			sleep 0.2
			(echo overwritten >/proc/self/fd/9) 2>&1 && exit 0
		done
		exit 5
	EOF
	# A script whose name is a flag to the interpreter that gets it.
	mkdir -- "$root/--root="
	printf '#!/proc/self/exe\n' >"$root/--root=/run"
	chmod 755 "$root/attack" "$root/--root=/run"
}

# hostile [FLAG...]: a container that runs, for the attacks to come from
hostile() {
	victim create --name c1 --attach stdin "$@" --rootfs "$root" -- sleep 1000 >/dev/null
	victim start c1
}

victim() { "$VICTIM" "${CTR_FLAGS[@]}" "$@" 3>&-; }

assert_unharmed() {
	victim rm --force c1
	cmp "$VICTIM" "$CTR_BIN" || fail "the program was overwritten from inside a container"
}

# attack PATTERN: on the process with these words in its command line, as root of c1
attack() {
	# By a file of its own: one that is being executed can't be written to anyway.
	run ctr exec c1 /attack "$1"
}

@test "guard: a payload that is our own program, by exec" {
	hostile
	for path in /proc/self/exe /link --root=/run; do
		victim exec c1 -- "$path" create --bundle /hang </dev/null >/dev/null 2>&1 &
		attack "create --bundle /hang "
		assert_failure 5
		assert_output --partial "Read-only file system"
		wait $! || true
	done
	assert_unharmed
}

@test "guard: a payload that is our own program, by run in another's pid namespace" {
	hostile
	victim run --rm --pid container:c1 --rootfs "$root" -- /proc/self/exe create --bundle /hang \
		</dev/null >/dev/null 2>&1 &
	attack "create --bundle /hang "
	assert_failure 5
	assert_output --partial "Read-only file system"
	wait $! || true
	assert_unharmed
}

@test "guard: a process of ours that waits for start in another's pid namespace" {
	hostile
	victim create --name c2 --attach stdin --pid container:c1 busybox -- true >/dev/null
	attack "create --name c2 "
	assert_failure 4
	victim rm --force c1 c2

	# With this right it can be looked at and held, and still not written to.
	hostile --cap-add SYS_PTRACE
	victim create --name c2 --attach stdin --pid container:c1 busybox -- true >/dev/null
	attack "create --name c2 "
	assert_failure 5
	assert_output --partial "Read-only file system"
	victim rm --force c2
	assert_unharmed
}

@test "guard: also where the kernel won't exchange an executable; and what if it can't be cloned" {
	hostile
	# The first prctl is the exchange: without it we are executed again from the clone.
	strace -o /dev/null -e trace=prctl -e inject=prctl:error=EPERM:when=1 \
		"$VICTIM" "${CTR_FLAGS[@]}" exec c1 /proc/self/exe create --bundle /hang \
		</dev/null >/dev/null 2>&1 3>&- &
	attack "create --bundle /hang "
	assert_failure 5
	assert_output --partial "Read-only file system"
	wait $! || true

	run strace -f -o /dev/null -e trace=open_tree -e inject=open_tree:error=ENOSYS \
		"$VICTIM" "${CTR_FLAGS[@]}" exec c1 true 3>&-
	assert_failure
	assert_output --partial "guard our executable: open_tree"
	assert_unharmed
}

@test "guard: one start of the program is enough" {
	hostile
	strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=execve,execveat \
		"$VICTIM" "${CTR_FLAGS[@]}" exec c1 true 3>&-
	assert_equal "$(grep -cE 'execve(at)?\(' "$BATS_TEST_TMPDIR/trace")" 2
	victim rm --force c1
}
