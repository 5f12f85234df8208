# podman checkpoints and restores through us. criu doesn't work on every machine that tests run on.
# vm: -m 3000
# limit: 900
# shellcheck disable=SC2154

load lib

setup_file() {
	have /usr/bin/podman /usr/bin/conmon /usr/sbin/criu /usr/sbin/iptables-restore
	modprobe tun
	private /var/lib/containers
	podman_config
	make_image "$BATS_FILE_TMPDIR/image.tar"
	podman load -q -i "$BATS_FILE_TMPDIR/image.tar"
	podman run --rm --network none box:1 true
}

teardown() {
	podman rm --all --force --time 0 >/dev/null 2>&1
	ctr_teardown
}

podman() {
	/usr/bin/podman --log-level error --runtime ctr-oci "$@" 3>&- 4>&-
}

# counts NAME: a token that is made up when it starts, and a number that grows.
counts() {
	podman run -d --name "$1" --network none box:1 sh -c \
		'token=$(cat /proc/sys/kernel/random/uuid); n=0
		while :; do n=$((n + 1)); echo "$token $n" >/new; mv /new /n; sleep 0.2; done'
	wait_until 5 eval "podman exec $1 cat /n"
}

# goes_on NAME TOKEN COUNT
goes_on() {
	local token count
	sleep 5
	read -r token count < <(podman exec "$1" cat /n)
	assert_equal "$token" "$2"
	[ "$count" -gt "$3" ] || fail "$count is no more than $3"
}

@test "podman: container checkpoint and restore, with the same memory" {
	local token count
	counts c1
	run podman container checkpoint c1
	assert_success
	assert_equal "$(podman inspect --format '{{.State.Status}} {{.State.Checkpointed}}' c1)" 'exited true'
	read -r token count < <(podman cp c1:/n - | tar -xO)
	run podman container restore c1
	assert_success
	assert_equal "$(podman inspect --format '{{.State.Status}}' c1)" running
	goes_on c1 "$token" "$count"
	podman stop -t 1 c1
	assert_equal "$(podman wait c1)" 137
	podman rm c1
	assert_nothing_left
}

@test "podman: --leave-running, and a checkpoint exported and imported under another name" {
	local token count
	counts c1
	run podman container checkpoint --leave-running --export "$BATS_TEST_TMPDIR/c1.tar" c1
	assert_success
	read -r token count < <(podman exec c1 cat /n)
	goes_on c1 "$token" "$count"
	podman rm -f -t 0 c1
	run podman container restore --import "$BATS_TEST_TMPDIR/c1.tar" --name c2
	assert_success
	goes_on c2 "$token" 1
	podman rm -f -t 0 c2
	assert_nothing_left
}
