# runtime.md: the steps of the lifecycle (those of the hooks are in hooks.bats), and bundle.md.

load lib

@test "lifecycle: the environment is made as config.json says, before the program runs" {
	local pid
	config '.hostname = "made" | .linux.sysctl = {"net.ipv4.ip_forward": "1"} | .root.readonly = true
		| .mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs"}] | .process.user.uid = 1000' 'exec sleep 1000'
	create c1
	pid=$(oci state c1 | jq .pid)
	assert_equal "$(nsenter -t "$pid" -u hostname)" made
	assert_equal "$(nsenter -t "$pid" -n cat /proc/sys/net/ipv4/ip_forward)" 1
	run cat "/proc/$pid/mountinfo"
	assert_line --regexp '/rootfs / ro,'
	assert_line --regexp ' / /tmp .* tmpfs '
	oci delete --force c1
	assert_nothing_left
}

@test "lifecycle: start runs the program that process says, with its arguments" {
	runs '.process.args = ["sh", "-c", "echo \"$0 $# $1\"", "zero", "one word", "*"]' ''
	assert_success
	assert_output 'zero 2 one word'
}

@test "lifecycle: the program's end is the container's, however it comes" {
	local script
	for script in 'exit 0' 'exit 3' 'kill -SEGV $$' 'kill -KILL 1; sleep 0.1'; do
		started c1 . "$script"
		wait_until 5 status_is c1 stopped
		oci delete c1
	done
	assert_nothing_left
}

@test "lifecycle: what a container leaves running goes with it when it is deleted" {
	started c1 '.linux.namespaces |= map(select(.type != "pid"))' 'sleep 1004 & exit 0'
	wait_until 5 status_is c1 stopped
	pgrep -f 'sleep 1004' >/dev/null
	oci delete c1
	assert_nothing_left
}

@test "bundle: config.json is what is read, in the root of the bundle's folder, under that name" {
	config . 'echo right'
	mkdir -p sub
	config '.root.path = "/"' 'echo wrong'
	mv config.json sub/config.json
	jq '.process.args = ["echo", "wrong"]' base.json >Config.json
	config . 'echo right'
	run oci run --bundle "$BUNDLE" c1
	assert_output right
	rm config.json
	run oci create --bundle "$BUNDLE" c1
	assert_failure
	assert_output --partial config.json
}

@test "json: what isn't UTF-8, has a name twice, or is no JSON is an error" {
	config .
	sed -i 's/"hello"/"hel\xff\xfelo"/' config.json
	run oci create c1
	assert_failure
	assert_output --partial "utf-8"
	printf '{"ociVersion": "1.0.0", "hostname": "a", "hostname": "b"}' >config.json
	run oci create c1
	assert_failure
	assert_output --partial hostname
	printf '{"ociVersion": "1.0.0",' >config.json
	run oci create c1
	assert_failure
	assert_output --partial config.json
	assert_nothing_left
}

@test "json: the order of entries says nothing" {
	jq 'to_entries | reverse | from_entries | .process |= (to_entries | reverse | from_entries)' base.json >config.json
	run oci run c1
	assert_output hello
}

@test "fds: only the three standard ones are open" {
	config '.process.args = ["probe", "fds"]'
	exec 7</etc/passwd
	run oci run c1
	exec 7<&-
	assert_success
	assert_equal "$(cut -d' ' -f1 <<<"$output" | sort -n | tr '\n' ' ')" '0 1 2 '
}
