# Every property of config.json that spec 1.3's schema has for Linux stands in full.json with a value of its
# type. None of them may be unknown to us: with a value of another type each is an error by its whole path,
# which an unknown property would not be.

load lib

# The paths of full.json, as errors write them, each with the whole document in which that one is of
# another type.
wrong_types() {
	jq -r '. as $all | paths as $p | ($all | getpath($p) | type) as $type
		| ($p | reduce .[] as $k (""; if ($k | type) == "number" then "\(.)[\($k)]" elif . == "" then $k else "\(.).\($k)" end)) as $name
		| "\($name)\t\($all | setpath($p; if $type == "string" then 5 else "x" end))"' "$BATS_TEST_DIRNAME/full.json"
}

@test "keys: each property of the schema is known, and of a wrong type an error by its path" {
	local count=0 name document
	while IFS=$'\t' read -r name document; do
		printf '%s' "$document" >config.json
		status=0
		oci create c1 >"$OUT" 2>&1 </dev/null || status=$?
		[ "$status" -ne 0 ] || fail "$name is passed over"
		grep -qF "config.json: $name: " "$OUT" || fail "$name: $(<"$OUT")"
		count=$((count + 1))
	done < <(wrong_types)
	[ "$count" -gt 250 ]
	assert_equal "$(oci list --quiet)" ''
	assert_nothing_left
}

@test "keys: the whole of them is read without a property being called unknown" {
	local log=$BATS_TEST_TMPDIR/log
	cp "$BATS_TEST_DIRNAME/full.json" config.json
	# It is refused for what can't be together, and until then nothing is unknown.
	run oci --log "$log" --log-format json create c1
	assert_failure
	refute_output --partial 'not in runtime spec'
	run cat "$log"
	refute_output --partial 'not in runtime spec'
	rm "$log"
}

@test "keys: a required property that is missing is an error by its path" {
	local key
	for key in ociVersion root.path process.cwd process.consoleSize.height process.consoleSize.width 'process.rlimits[0].type' \
		'process.rlimits[0].soft' 'process.rlimits[0].hard' process.scheduler.policy process.ioPriority.class \
		'mounts[0].destination' 'mounts[0].uidMappings[0].size' 'hooks.prestart[0].path' 'linux.namespaces[0].type' \
		'linux.uidMappings[0].containerID' 'linux.gidMappings[0].hostID' 'linux.devices[0].path' 'linux.devices[0].type' \
		'linux.devices[0].major' 'linux.devices[0].minor' 'linux.resources.devices[0].allow' \
		'linux.resources.blockIO.weightDevice[0].major' 'linux.resources.blockIO.throttleReadBpsDevice[0].rate' \
		'linux.resources.hugepageLimits[0].pageSize' 'linux.resources.hugepageLimits[0].limit' \
		'linux.resources.network.priorities[0].name' 'linux.resources.network.priorities[0].priority' \
		linux.seccomp.defaultAction 'linux.seccomp.syscalls[0].names' 'linux.seccomp.syscalls[0].action' \
		'linux.seccomp.syscalls[0].args[0].index' 'linux.seccomp.syscalls[0].args[0].value' \
		'linux.seccomp.syscalls[0].args[0].op' linux.personality.domain linux.memoryPolicy.mode; do
		jq "del(.$key)" "$BATS_TEST_DIRNAME/full.json" >config.json
		run oci create c1
		assert_failure
		assert_output --partial "$key: "
	done
	assert_nothing_left
}
