# What `checkpoint --check` and `restore --check` have to say where nothing is dumped, and refusals.
# Checkpoints that are made: vm-checkpoint.bats.
# shellcheck disable=SC2154

load lib

setup() {
	ctr_setup
	BUNDLE=$BATS_TEST_TMPDIR/bundle
	make_bundle "$BUNDLE"
	cp "$CTR_BUILD/tests/helpers/keeper" "$BUNDLE/rootfs/usr/bin"
	cd "$BUNDLE" || return
	snapshot_host
}

teardown() {
	local id
	for id in $(oci list --quiet 2>/dev/null); do
		oci delete --force "$id"
	done
	umount /usr/sbin/criu 2>/dev/null
	ctr_teardown
}

# running ID COMMAND...
running() {
	edit_config "$BUNDLE" --argjson args "$(jq -nc '$ARGS.positional' --args "${@:2}")" '.process.args = $args'
	oci run --detach --bundle "$BUNDLE" "$1" </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1
}

# What doesn't come from the machine that the test runs on.
check() {
	run oci checkpoint --check "$@"
	output=$(grep -v '^criu check fails' <<<"$output") || true
	mapfile -t lines <<<"$output"
}

@test "checkpoint --check: no criu, an old criu, no root" {
	running c1 sleep 1000
	mkdir "$BATS_TEST_TMPDIR/bin"
	mount --bind /dev/null /usr/sbin/criu
	run oci checkpoint --check c1
	assert_failure 1
	assert_output --partial 'install the package criu'
	run oci checkpoint --image-path "$BUNDLE/images" c1
	assert_failure 1
	assert_output --partial 'install the package criu'
	[ ! -e "$BUNDLE/images" ]
	umount /usr/sbin/criu
	# Another program of that name, which gives the answer of version 3.10.
	cat >"$BATS_TEST_TMPDIR/bin/criu" <<-'OLD'
	#!/usr/bin/python3
	import socket
	s = socket.socket(fileno=3)
	s.recv(4096)
	s.send(b"\x08\x0a\x10\x01\x52\x04\x08\x03\x10\x0a")
	OLD
	chmod +x "$BATS_TEST_TMPDIR/bin/criu"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH run oci checkpoint --check c1
	assert_failure 1
	assert_output --partial "$BATS_TEST_TMPDIR/bin/criu is version 3.10; at least 3.15 is needed"
	run unshare --user --map-root-user "$OCI" --root "$CTR_ROOT" checkpoint --check c1
	assert_failure 1
	assert_line --partial "criu needs the machine's root"
	assert_equal "$(oci state c1 | jq -r .status)" running
	oci delete --force c1
	assert_nothing_left
}

@test "checkpoint --check: the container that has nothing, and one that has all that can't be" {
	local port=17311 file=$BATS_TEST_TMPDIR/outside
	running c1 sleep 1000
	check c1
	assert_output ''
	oci delete --force c1

	edit_config "$BUNDLE" '.linux.namespaces |= map(select(.type != "network"))'
	running c1 keeper serve $port /tmp/locked
	wait_until 5 eval "(exec 5<>/dev/tcp/127.0.0.1/$port) 2>/dev/null"
	exec 5<>/dev/tcp/127.0.0.1/$port
	echo >&5
	read -r -t 10 _ <&5
	oci exec --detach c1 sleep 1000 </dev/null >/dev/null 2>&1
	check c1
	assert_failure 1
	assert_line --regexp '^1 TCP connection is open: close, or use --tcp-established'
	assert_line --regexp '^process [0-9]+ holds a file lock: use --file-locks'
	assert_line --regexp '^process [0-9]+ \(sleep\) is no child of the container.s init, but came by .exec.'
	check --tcp-established --file-locks c1
	refute_line --partial TCP
	refute_line --partial lock
	exec 5>&-
	oci delete --force c1

	# A file of the host's that is no standard stream, given by the engine.
	edit_config "$BUNDLE" '.process.args = ["sleep", "1000"]'
	"$OCI" --root "$CTR_ROOT" run --detach --preserve-fds 1 --bundle "$BUNDLE" c1 \
		</dev/null >/dev/null 2>&1 3>"$file" 4>&-
	check c1
	assert_failure 1
	assert_line --regexp "^process [0-9]+ \(sleep\) has fd 3 open, $file, a file outside"
	oci delete --force c1
	rm -f "$file"
	assert_nothing_left
}

@test "checkpoint, restore: what is refused before anything is tried" {
	oci create --bundle "$BUNDLE" c1 </dev/null >/dev/null 2>&1
	check c1
	assert_failure 1
	assert_line --partial 'container "c1" is created, and only one that runs can be checkpointed'
	run oci checkpoint c1
	assert_failure 1
	assert_output --partial "container \"c1\" can't be checkpointed: it is created"
	[ ! -e checkpoint ]
	run oci restore --check --image-path "$BUNDLE/nosuch" c1
	assert_failure 1
	assert_line --partial 'container "c1" is there already (created)'
	assert_line --partial "open the folder $BUNDLE/nosuch"
	oci delete --force c1
	run oci checkpoint nosuch
	assert_failure 1
	assert_output --partial 'container "nosuch" does not exist'
	assert_nothing_left
}

@test "checkpoint: a container with a small init is refused, and runs on" {
	ctr run -d --init --name c1 busybox sleep 1000
	run ctr checkpoint --image-path "$TMPDIR/images" c1
	assert_failure 125
	assert_output --partial 'its process 1 is the small init (--init)'
	state_is c1 running
	[ ! -e "$TMPDIR/images" ]
	ctr rm --force c1
	assert_nothing_left
}
