# A whole Debian in a container: what boot.bats and vm-boot.bats share. Loaded after lib.

# One tree for all tests of a file; they write into layers of their own.
setup_file() {
	mkdir "$BATS_FILE_TMPDIR/debian"
	tar -C "$BATS_FILE_TMPDIR/debian" --numeric-owner -xf "$CTR_BUILD/tests/debian.tar"
}

# boot NAME [FLAG...]: runs it detached, until it is up. Sets $output to how it is.
boot() {
	local name=$1
	shift
	ctr run -d --name "$name" --init=systemd --overlay --rootfs "$BATS_FILE_TMPDIR/debian" "$@" \
		>"$TMPDIR/id" 2>"$TMPDIR/said" || { cat "$TMPDIR/said" >&2; return 1; }
	id=$(cat "$TMPDIR/id")
	said=$(cat "$TMPDIR/said")
	rm "$TMPDIR/id" "$TMPDIR/said"
	up "$name"
}

# up NAME: waits until its boot is over. Nothing of a minimal Debian fails: a degraded one is a failure.
up() {
	wait_until 20 ctr exec "$1" test -S /run/systemd/private 2>/dev/null
	run ctr exec "$1" systemctl is-system-running --wait
	[ "$output" = running ] || {
		ctr exec "$1" systemctl --no-pager --failed >&2
		ctr exec "$1" journalctl --no-pager -p warning >&2
		fail "it is $output"
	}
}

# console NAME TEXT: its console has shown TEXT.
console() {
	ctr logs "$1" 2>/dev/null | grep -qF -- "$2"
}

# in_order NAME TEXT...: its console shows them in this order.
in_order() {
	local name=$1 text line=0 next
	shift
	ctr logs "$name" >"$TMPDIR/console"
	for text; do
		next=$(awk -v after="$line" -v text="$text" 'NR > after && index($0, text) { print NR; exit }' "$TMPDIR/console")
		[ -n "$next" ] || { cat "$TMPDIR/console" >&2; fail "not there, or not in this place: $text"; return 1; }
		line=$next
	done
	rm "$TMPDIR/console"
}

# log_in NAME: what a person types at its console, from the prompt to root's shell.
log_in() {
	wait_until 30 console "$1" 'login:'
	printf 'root\n'
	wait_until 30 console "$1" 'Password:'
	printf 'geheim\n'
	wait_until 30 console "$1" 'root@'
}

# group_of NAME FILE: a file of its group, as the host sees it.
group_of() {
	cat "$CGROUPS$(ctr inspect --format '{{.CgroupPath}}' "$1")/$2"
}

# assert_stopped NAME STATUS
assert_stopped() {
	wait_until 20 state_is "$1" stopped
	assert_equal "$(ctr inspect --format '{{.State.ExitCode}}' "$1")" "$2"
}

# xattr NAME GROUP: an extended attribute of a group.
xattr() {
	python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], sys.argv[2]).decode())' "$CGROUPS$2" "$1"
}
