# `make install` and `make uninstall`: what goes where, and that it works from there.
# limit: 600
load ../integration/lib

# The build that is tested, so that little is built for another PREFIX; not the one in use.
setup_file() {
	local build=$BATS_FILE_TMPDIR/build${CTR_SAN:+-san}
	mkdir "$build"
	# Without what is fetched or built of Debian's: gigabytes.
	find "$CTR_BUILD" -mindepth 1 -maxdepth 1 ! -name guest-kernel ! -name vm ! -name arm64 -exec cp -a -t "$build" {} +
	rm -f "$build/bin/ctr-guest-aarch64"
	make_it install
}

# Not by the rules of the make that runs the tests.
make_it() {
	env -u MAKEFLAGS -u MAKELEVEL -u T -u F make -C "$REPO" --no-print-directory \
		B="$BATS_FILE_TMPDIR/build" SAN="$CTR_SAN" DESTDIR="$BATS_FILE_TMPDIR/d" PREFIX=/opt/x "$@"
}

setup() {
	ctr_setup
	top=$BATS_FILE_TMPDIR/d
}

# MODE PATH of all files, below the top.
listing() {
	(cd "$top" && find . ! -type d -printf '%m %p\n' | sort -k 2)
}

@test "install: these files and no others, with their modes" {
	local page config shell
	{
		echo 755 ./opt/x/bin/ctr
		echo 755 ./opt/x/bin/ctr-oci
		echo 777 ./opt/x/bin/ctr-oci-vm
		echo 755 ./opt/x/bin/ctr-vm
		echo 755 ./opt/x/libexec/ctr/ctr-archive
		echo 755 ./opt/x/libexec/ctr/ctr-guest
		echo 755 ./opt/x/libexec/ctr/ctr-monitor
		echo 755 ./opt/x/libexec/ctr/ctr-net
		echo 755 ./opt/x/libexec/ctr/ctr-systemd
		for page in "$REPO"/man/*.[1578]; do
			echo "644 ./opt/x/share/man/man${page##*.}/${page##*/}"
		done
		for config in "$REPO"/configs/*; do
			echo "644 ./opt/x/share/ctr/${config##*/}"
		done
		for shell in bash-completion/completions/ctr zsh/site-functions/_ctr fish/vendor_completions.d/ctr.fish; do
			echo "644 ./opt/x/share/$shell"
		done
	} | sort -k 2 >"$BATS_TEST_TMPDIR/expected"
	listing | diff "$BATS_TEST_TMPDIR/expected" -
	[ -z "$(find "$top/opt/x" -type d ! -perm 755)" ]
	[ -z "$(find "$top/opt/x" -type f -empty)" ]
}

@test "install: configs and man pages speak of where it is installed" {
	run grep -rn /usr/local "$top/opt/x/share"
	assert_failure 1
	grep -q '"/opt/x/bin/ctr-oci"' "$top/opt/x/share/ctr/podman.conf"
	jq -e '.runtimes.ctr.path == "/opt/x/bin/ctr-oci"' "$top/opt/x/share/ctr/docker.json"
	grep -q '/opt/x/share/ctr' "$top/opt/x/share/man/man8/ctr-oci.8"
}

# In a /opt that nobody else sees.
at_opt() {
	unshare --mount sh -ec '
		mount -t tmpfs none /opt
		mkdir /opt/x
		mount --bind "$0/opt/x" /opt/x
		exec "$@"' "$top" "$@" 3>&-
}

@test "install: the programs run from there, and find their helper in libexec" {
	local bundle=$BATS_TEST_TMPDIR/bundle
	run at_opt /opt/x/bin/ctr "${CTR_FLAGS[@]}" run --rm busybox -- echo works
	assert_success
	assert_output works
	make_bundle "$bundle"
	run at_opt /opt/x/bin/ctr-oci --root "$CTR_ROOT" run --bundle "$bundle" c1
	assert_success
	assert_output hello
	at_opt /opt/x/bin/ctr-oci --root "$CTR_ROOT" delete c1 || true

	# Only the helper can tell that.
	edit_config "$bundle" '.linux.netDevices = {nosuch0: {}} | .linux.namespaces += [{type: "network"}]
		| .linux.namespaces |= unique_by(.type)'
	run at_opt /opt/x/bin/ctr "${CTR_FLAGS[@]}" run --rm --bundle "$bundle"
	assert_failure
	assert_output --partial 'linux.netDevices.nosuch0: there is no such interface here'
	mv "$top/opt/x/libexec/ctr/ctr-net" "$BATS_TEST_TMPDIR/away"
	run at_opt /opt/x/bin/ctr "${CTR_FLAGS[@]}" run --rm --bundle "$bundle"
	mv "$BATS_TEST_TMPDIR/away" "$top/opt/x/libexec/ctr/ctr-net"
	assert_failure
	assert_output --partial 'nor at /opt/x/libexec/ctr/ctr-net'
	assert_nothing_left
}

@test "install: another PREFIX is not another build" {
	run make_it -n V=1 PREFIX=/opt/y all
	assert_success
	# One file, for each C library.
	assert_equal "$(grep -- ' -c -o ' <<<"$output" | awk '{ print $NF }' | sort -u)" src/base/helper.c
}

@test "install: the guest kernel and the init of arm64 guests go along where they were built" {
	local build=$BATS_FILE_TMPDIR/build${CTR_SAN:+-san}
	mkdir "$build/guest-kernel"
	echo 'a kernel' >"$build/guest-kernel/vmlinux"
	echo 'an init' >"$build/bin/ctr-guest-aarch64"
	make_it install
	assert_equal "$(stat -c %a "$top/opt/x/share/ctr/vmlinux")" 644
	cmp "$build/guest-kernel/vmlinux" "$top/opt/x/share/ctr/vmlinux"
	assert_equal "$(stat -c %a "$top/opt/x/libexec/ctr/ctr-guest-aarch64")" 755
	cmp "$build/bin/ctr-guest-aarch64" "$top/opt/x/libexec/ctr/ctr-guest-aarch64"
	rm -r "$build/guest-kernel" "$build/bin/ctr-guest-aarch64"
	make_it uninstall
	[ ! -e "$top/opt/x" ]
	make_it install
	[ ! -e "$top/opt/x/share/ctr/vmlinux" ]
	[ ! -e "$top/opt/x/libexec/ctr/ctr-guest-aarch64" ]
}

@test "install: uninstall leaves what is others', and else nothing" {
	echo theirs >"$top/opt/x/share/man/man1/theirs.1"
	make_it uninstall
	run listing
	assert_output '644 ./opt/x/share/man/man1/theirs.1'
	[ "$(cd "$top/opt/x" && find . -type d | sort | tr '\n' ' ')" = '. ./share ./share/man ./share/man/man1 ' ]
	make_it install
	rm "$top/opt/x/share/man/man1/theirs.1"
	make_it uninstall
	[ ! -e "$top/opt/x" ]
	make_it uninstall # nothing to do
	# The system's own folders stay, also empty.
	make_it PREFIX=/usr/local install
	make_it PREFIX=/usr/local uninstall
	run listing
	assert_output ''
	[ -d "$top/usr/local/bin" ]
	[ ! -e "$top/usr/local/libexec/ctr" ]
}
