# An ordinary user, who has a range of ids in /etc/subuid and no other rights: `load rootless` after lib.

ME=4242

setup_file() {
	rootless_setup_file
}

rootless_setup_file() {
	# Files of this test's own view: nobody's accounts are changed.
	local etc=$BATS_FILE_TMPDIR/etc file
	mkdir -p "$etc"
	cp /etc/passwd /etc/group "$etc"
	echo "tester:x:$ME:$ME::/:/bin/sh" >>"$etc/passwd"
	echo "tester:x:$ME:" >>"$etc/group"
	echo "tester:700000:65536" | tee "$etc/subuid" >"$etc/subgid"
	for file in passwd group subuid subgid; do
		[ -e "/etc/$file" ] || touch "/etc/$file"
		mount --bind "$etc/$file" "/etc/$file"
	done
	chmod 755 "$BATS_FILE_TMPDIR" "$etc"
}

teardown_file() {
	rootless_teardown_file
}

rootless_teardown_file() {
	umount /etc/passwd /etc/group /etc/subuid /etc/subgid
}

setup() {
	HOME_DIR=/run/ctr-test/user-$BATS_TEST_NUMBER
	mkdir -p "$HOME_DIR"
	chown $ME:$ME "$HOME_DIR"
	chmod 700 "$HOME_DIR"
	# Programs that the user can reach, wherever they were built.
	install -m 755 "$CTR_BUILD"/bin/* /run/ctr-test/
	ctr_setup
	chmod 711 /run/ctr-test
}

teardown() {
	local id
	for id in $(as_user ps --all --quiet); do
		as_user rm --force "$id"
	done
	ctr_teardown
	rm -rf "$HOME_DIR" /run/ctr-test/ctr /run/ctr-test/ctr-*
}

# The program, by an ordinary user. IN names a cgroup to be in.
as_user() {
	(
		[ -z "${IN-}" ] || echo $BASHPID >"$CGROUPS$IN/cgroup.procs"
		exec env XDG_RUNTIME_DIR="$HOME_DIR" HOME="$HOME_DIR" setpriv --reuid $ME --regid $ME --clear-groups \
			/run/ctr-test/ctr "$@" 3>&-
	)
}

# As the same user, any command.
user_does() {
	env XDG_RUNTIME_DIR="$HOME_DIR" HOME="$HOME_DIR" setpriv --reuid $ME --regid $ME --clear-groups "$@" 3>&- 4>&-
}
