# config.md, POSIX-platform hooks, and the steps of runtime.md's lifecycle that speak of them.

# shellcheck disable=SC2089,SC2090     # a JSON text goes to jq as it stands

load lib

POINTS=(prestart createRuntime createContainer startContainer poststart poststop)

# A hook is a program of the host's that writes what it was given and sees to $LOG; startContainer's is
# found in the container, and writes to the same file, which is mounted there.
setup() {
	oci_setup
	LOG=$BATS_TEST_TMPDIR/log
	HOOK=$BATS_TEST_TMPDIR/hook
	mkdir rootfs/hooks
	: >"$LOG"
	cat >"$HOOK" <<-'HOOK'
		#!/bin/sh
		# hook POINT [EXIT-STATUS]: stands at $0, reads the state.
		dir=${0%/*}
		log=$dir/log
		state=$(cat)
		{
			echo "$1 args $*"
			echo "$1 state $state"
			echo "$1 env $(env | grep -v -e ^PWD= -e ^SHLVL= -e ^_= | sort | tr '\n' ' ')"
			for ns in mnt uts net pid; do echo "$1 ns $ns $(readlink /proc/self/ns/$ns)"; done
			echo "$1 sees $([ -e /usr/bin/probe ] && echo container || echo host)"
		} >>$log
		case $2 in [0-9]*) echo "hook $1 says no" >&2; exit $2 ;; esac
	HOOK
	chmod 755 "$HOOK"
	cp "$HOOK" rootfs/hooks/hook
	: >rootfs/hooks/log
	# From here on, the plain bundle is one whose hooks directory shows the host's log.
	hooks_for base.json
	snapshot_host
}

hooks_for() {
	jq --arg dir "$BATS_TEST_TMPDIR" '.mounts += [{destination: "/hooks/log", type: "bind",
		source: ($dir + "/log"), options: ["bind"]}]' "$1" >"$1.new" && mv "$1.new" "$1"
}

# all_hooks [POINT EXIT-STATUS]: one hook at each point, with that one failing.
all_hooks() {
	local point path status
	for point in "${POINTS[@]}"; do
		path=$HOOK status='[]'
		[ $point != startContainer ] || path=/hooks/hook
		[ "${1-}" != $point ] || status="[\"$2\"]"
		edit_config . --arg p $point --arg path "$path" --argjson status "$status" \
			'.hooks[$p] = [{path: $path, args: (["hook", $p] + $status), env: ["PATH=/bin:/usr/bin", "WORD=said"]}]'
	done
}

order() {
	sed -n 's/ args .*//p' "$LOG" | tr '\n' ' '
}

# seen POINT WHAT: the rest of that line.
seen() {
	sed -n "s/^$1 $2 //p" "$LOG"
}

@test "hooks: create calls prestart, createRuntime, createContainer; start the next two, delete the last" {
	config . 'exec sleep 1000'
	all_hooks
	create c1 || fail "$(<"$OUT")"
	assert_equal "$(order)" 'prestart createRuntime createContainer '
	oci start c1
	assert_equal "$(order)" 'prestart createRuntime createContainer startContainer poststart '
	oci kill c1 KILL
	wait_until 5 status_is c1 stopped
	assert_equal "$(order)" 'prestart createRuntime createContainer startContainer poststart '
	oci delete c1
	assert_equal "$(order)" 'prestart createRuntime createContainer startContainer poststart poststop '
	assert_nothing_left
}

@test "hooks: several of a point are called in the listed order" {
	local point
	config . true
	for point in "${POINTS[@]}"; do
		[ $point = startContainer ] || edit_config . --arg p $point --arg path "$HOOK" \
			'.hooks[$p] = ([1, 2, 3] | map({path: $path, args: ["hook", "\($p)\(.)"], env: ["PATH=/bin:/usr/bin"]}))'
	done
	run oci run c1
	assert_success
	assert_equal "$(order)" "$(for point in prestart createRuntime createContainer poststart poststop; do
		echo -n "${point}1 ${point}2 ${point}3 "; done)"
}

@test "hooks: each gets the state on stdin, with the status of its moment" {
	local point pid
	config '.annotations = {"org.example": "value"}' 'exec sleep 1000'
	all_hooks
	create c1
	pid=$(oci state c1 | jq .pid)
	oci start c1
	oci delete --force c1
	for point in "${POINTS[@]}"; do
		run jq -e --arg bundle "$BUNDLE" '.id == "c1" and .bundle == $bundle and
			.ociVersion == "1.3.0" and .annotations == {"org.example": "value"}' <<<"$(seen $point state)"
		assert_success
	done
	for point in prestart createRuntime createContainer; do
		assert_equal "$point $(seen $point state | jq -r .status)" "$point creating"
	done
	assert_equal "$(seen startContainer state | jq -r .status)" created
	assert_equal "$(seen poststart state | jq -r .status)" running
	assert_equal "$(seen poststop state | jq -r .status)" stopped
	# The pid as the runtime sees it, and as the container does.
	for point in prestart createRuntime poststart; do
		assert_equal "$point $(seen $point state | jq .pid)" "$point $pid"
	done
	for point in createContainer startContainer; do
		assert_equal "$point $(seen $point state | jq .pid)" "$point 1"
	done
}

@test "hooks: prestart, createRuntime, poststart, poststop run in the runtime's namespaces" {
	local point ns
	config . 'exec sleep 1000'
	all_hooks
	create c1
	oci start c1
	oci delete --force c1
	for point in prestart createRuntime poststart poststop; do
		assert_equal "$point $(seen $point sees)" "$point host"
		for ns in uts net pid mnt; do
			assert_equal "$point $(seen $point "ns $ns")" "$point $(readlink /proc/self/ns/$ns)"
		done
	done
}

@test "hooks: createContainer runs in the container's namespaces, before the root is changed" {
	local ns
	config . 'for ns in uts net mnt pid; do readlink /proc/self/ns/$ns; done'
	all_hooks
	run oci run c1
	assert_success
	# Its path was the host's, so it saw the host's root; its namespaces were those of the container.
	assert_equal "$(seen createContainer sees)" host
	assert_equal "$(for ns in uts net mnt; do seen createContainer "ns $ns"; done)" "${lines[0]}"$'\n'"${lines[1]}"$'\n'"${lines[2]}"
}

@test "hooks: startContainer is found and run in the container" {
	local ns
	config . 'for ns in uts net mnt pid; do readlink /proc/self/ns/$ns; done'
	all_hooks
	run oci run c1
	assert_success
	assert_equal "$(seen startContainer sees)" container
	assert_equal "$(for ns in uts net mnt pid; do seen startContainer "ns $ns"; done)" "$output"
	# There is nothing of that name on the host, and it is not looked for there.
	edit_config . '.hooks.startContainer[0].path = "'"$HOOK"'"'
	run oci run c2
	assert_failure
	assert_output --partial 'hooks.startContainer[0]'
}

@test "hooks: prestart and createRuntime find the mounts made, and may fill the network namespace" {
	config '.mounts += [{destination: "/made", type: "tmpfs", source: "tmpfs"}]' 'cat /proc/net/dev'
	edit_config . '.hooks.createRuntime = [{path: "/bin/sh", env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], args: ["sh", "-c",
		"pid=$(jq .pid); grep -q /made /proc/$pid/mountinfo || exit 9; nsenter -t $pid -n ip link add hooked type veth peer name peer || exit 8"]}]'
	run oci run c1
	assert_success
	assert_output --partial hooked:
}

@test "hooks: args and env are what the entry says, and without args it is the path" {
	config . true
	edit_config . --arg path "$HOOK" '.hooks.createRuntime = [
		{path: $path, args: ["zero", "one", "two words"], env: ["PATH=/bin:/usr/bin", "A=b c"]}]'
	LEAKED=1 run oci run c1
	assert_success
	run cat "$LOG"
	assert_line 'one args one two words'
	assert_line 'one env A=b c PATH=/bin:/usr/bin '
	: >"$LOG"
	edit_config . --arg path "$HOOK" '.hooks.createRuntime = [{path: $path, env: ["PATH=/bin:/usr/bin"]}]'
	run oci run c1
	assert_success
	assert_equal "$(order)" ' '
}

@test "hooks: a relative path, a timeout of zero, an empty path are errors" {
	refuses '.hooks.prestart = [{path: "bin/true"}]' 'hooks.prestart[0].path'
	refuses '.hooks.poststop = [{path: ""}]' 'hooks.poststop[0].path'
	refuses '.hooks.createRuntime = [{args: ["true"]}]' 'hooks.createRuntime[0].path'
	refuses '.hooks.createRuntime = [{path: "/bin/true", timeout: 0}]' 'hooks.createRuntime[0].timeout'
	refuses '.hooks.createRuntime = [{path: "/bin/true", timeout: -1}]' 'hooks.createRuntime[0].timeout'
	refuses '.hooks.createRuntime = {path: "/bin/true"}' 'hooks.createRuntime'
}

@test "hooks: one that takes longer than its timeout is ended, with its children, and has failed" {
	local begin=$SECONDS
	config . true
	edit_config . '.hooks.createRuntime = [{path: "/bin/sh", timeout: 1, args: ["sh", "-c", "sleep 1003 & sleep 1003"]}]'
	run oci create c1
	assert_failure
	assert_output --partial 'hooks.createRuntime[0]'
	assert_output --partial 'within 1 s'
	[ $((SECONDS - begin)) -lt $((5 * TIME_SCALE)) ]
	run oci state c1
	assert_failure
	assert_nothing_left
}

@test "hooks: a failed prestart, createRuntime or createContainer ends the create, and poststop runs" {
	local point
	for point in prestart createRuntime createContainer; do
		: >"$LOG"
		config . 'touch /hooks/ran'
		all_hooks $point 7
		run oci create c1
		assert_failure
		assert_output --partial "hooks.${point}[0]"
		assert_output --partial 'status 7'
		assert_output --partial "hook $point says no"
		run oci state c1
		assert_failure
		assert_equal "$(order | grep -o "$point poststop ")" "$point poststop "
		assert_equal "$(seen poststop state | jq -r .status)" stopped
	done
	[ ! -e rootfs/hooks/ran ]
	assert_nothing_left
}

@test "hooks: after a failed hook the later ones of the point are not called" {
	config . true
	edit_config . --arg path "$HOOK" '.hooks.prestart = [
		{path: $path, args: ["hook", "one", "1"], env: ["PATH=/bin:/usr/bin"]},
		{path: $path, args: ["hook", "two"], env: ["PATH=/bin:/usr/bin"]}]'
	run oci create c1
	assert_failure
	assert_equal "$(order)" 'one '
}

@test "hooks: a failed startContainer ends the start: the program never runs, the container is gone" {
	config . 'touch /hooks/ran'
	all_hooks startContainer 7
	create c1
	run oci start c1
	assert_failure
	assert_output --partial 'hooks.startContainer[0]'
	assert_output --partial 'hook startContainer says no'
	run oci state c1
	assert_failure
	[ ! -e rootfs/hooks/ran ]
	assert_equal "$(order)" 'prestart createRuntime createContainer startContainer poststop '
	assert_nothing_left
}

@test "hooks: a failed poststart is an error: the container is stopped and gone" {
	config . 'exec sleep 1000'
	all_hooks poststart 7
	create c1
	run oci start c1
	assert_failure
	assert_output --partial 'hooks.poststart[0]'
	assert_output --partial 'hook poststart says no'
	run oci state c1
	assert_failure
	assert_equal "$(order)" 'prestart createRuntime createContainer startContainer poststart poststop '
	assert_nothing_left
	run oci run c1
	assert_failure
	assert_output --partial 'hooks.poststart[0]'
	assert_nothing_left
}

@test "hooks: a failed poststop is a warning, the later ones run, and the container is gone" {
	local log=$BATS_TEST_TMPDIR/json
	started c1 .
	oci delete --force c1
	config . 'exec sleep 1000'
	edit_config . --arg path "$HOOK" '.hooks.poststop = [
		{path: $path, args: ["hook", "one", "7"], env: ["PATH=/bin:/usr/bin"]},
		{path: "/nosuch/hook"},
		{path: $path, args: ["hook", "three"], env: ["PATH=/bin:/usr/bin"]}]'
	create c1
	oci kill c1 KILL
	wait_until 5 status_is c1 stopped
	run oci --log "$log" --log-format json delete c1
	assert_success
	assert_equal "$(order)" 'one three '
	run warnings_in "$log"
	assert_line --partial 'hooks.poststop[0]'
	assert_line --partial 'hooks.poststop[1]'
	run oci state c1
	assert_failure
	rm "$log"
	assert_nothing_left
}

@test "hooks: poststop runs when the container is deleted already, and before delete returns" {
	started c1 . true
	wait_until 5 status_is c1 stopped
	oci delete c1
	config . true
	edit_config . --arg oci "$OCI" --arg root "$CTR_ROOT" --arg log "$LOG" '.hooks.poststop = [{path: "/bin/sh",
		env: ["PATH=/usr/bin:/bin"], args: ["sh", "-c", "\($oci) --root \($root) state c1 >\($log) 2>&1; echo status $? >>\($log)"]}]'
	run oci run c1
	assert_success
	run cat "$LOG"
	assert_line --partial 'does not exist'
	assert_line 'status 1'
}

@test "hooks: a hook that doesn't read its stdin is no failure" {
	config '.annotations = {long: ("x" * 200000)}' 'echo "done"'
	edit_config . '.hooks.createRuntime = [{path: "/bin/true"}] | .hooks.poststop = [{path: "/bin/true"}]'
	run oci run c1
	assert_success
	assert_output 'done'
}
