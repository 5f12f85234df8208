# For tests of checkpoint and restore, in the test VM: `load checkpoint`. A bundle on the scratch disk
# whose payload is the keeper (tests/helpers/keeper.c), and looks at what that knows.
# shellcheck disable=SC2034,SC2154

setup_file() {
	local program
	for program in criu iptables-restore runc; do
		command -v "$program" >/dev/null || skip "$program is not installed (make deps-test)"
	done
	# criu asks whether tun devices have namespaces, and takes no device for a failure.
	modprobe tun
	# Made by the first container that asks for a filter, by the first modprobe of iptables.
	iptables -L -n >/dev/null
	ip6tables -L -n >/dev/null
	# A mount that ip makes once.
	ip netns add once
	ip netns del once
}

setup() {
	ctr_setup
	BUNDLE=/scratch/$BATS_TEST_NUMBER
	IMAGES=$BUNDLE/images
	make_bundle "$BUNDLE"
	cp "$CTR_BUILD/tests/helpers/keeper" "$BUNDLE/rootfs/usr/bin"
	payload count /tmp/n
	cd "$BUNDLE" || return
	snapshot_host
}

teardown() {
	local id
	# A dump that serves its pages holds the container.
	for id in "${BACKGROUND[@]}" $(pgrep -x criu); do
		kill -KILL "$id" 2>/dev/null
	done
	for id in $(oci list --quiet 2>/dev/null); do
		oci delete --force "$id"
	done
	for id in $(runc list --quiet 2>/dev/null); do
		runc delete --force "$id"
	done
	ctr_teardown
	# What criu said belongs to the report of a failure.
	[ -n "$BATS_TEST_COMPLETED" ] || tail -n 8 "$BUNDLE"/*/dump.log "$BUNDLE"/*/restore.log 2>/dev/null
	cd / && rm -rf "$BUNDLE"
}

# payload ARG...: what the keeper of the bundle is asked to do.
payload() {
	edit_config "$BUNDLE" --argjson args "$(jq -nc '$ARGS.positional' --args keeper "$@")" '.process.args = $args'
}

# quietly COMMAND...: what leaves a container alive must not hold bats' pipes. Prints what it said when
# it fails.
quietly() {
	"$@" >"$BATS_TEST_TMPDIR/said" 2>&1 </dev/null 3>&- 4>&- || {
		local status=$?
		cat "$BATS_TEST_TMPDIR/said" >&2
		return "$status"
	}
}

# running ID: a container of the bundle, its streams /dev/null.
running() {
	oci run --detach --bundle "$BUNDLE" "$1" </dev/null >/dev/null 2>&1
	counted_to 1
}

restored() {
	quietly oci restore --detach --bundle "$BUNDLE" --image-path "$IMAGES" "$@"
}

pid_of() {
	oci state "$1" | jq .pid
}

# The keeper's token and count, as it last wrote them: `read -r token count < <(kept)`.
kept() {
	cat "$BUNDLE/rootfs/tmp/n"
}

# counted_to N: at least, now or soon.
counted_to() {
	wait_until 3 _counted_to "$1"
}

_counted_to() {
	local token count
	read -r token count < <(kept 2>/dev/null) && [ "$count" -ge "$1" ]
}

# goes_on TOKEN COUNT: the same keeper has counted on.
goes_on() {
	local token count
	counted_to $(($2 + 3))
	read -r token count < <(kept)
	assert_equal "$token" "$1"
	between $(($2 + 3)) "$count" $(($2 + 300))
}

between() {
	if [ "$1" -gt "$2" ] || [ "$2" -gt "$3" ]; then
		fail "$2 is not between $1 and $3"
	fi
}

# gone ID: stopped, and no process of it left.
gone() {
	assert_equal "$(oci state "$1" | jq -r '.status, .pid' | tr '\n' ' ')" 'stopped 0 '
}
