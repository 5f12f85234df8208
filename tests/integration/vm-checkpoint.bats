# Checkpoint and restore: the process that goes on is the one that stopped. criu doesn't work on every
# machine that tests run on (its own look at the vDSO fails on later kernels): runs in the test VM.
# vm: -d 2G
# limit: 1500
# shellcheck disable=SC2154

load lib
load checkpoint

@test "checkpoint: the peer does it here, so that a failure below is ours" {
	local token count
	# It knows no streams that are files of the host's.
	runc run --detach --bundle "$BUNDLE" peer </dev/null >/dev/null 2>&1 3>&- 4>&-
	counted_to 3
	read -r token count < <(kept)
	quietly runc checkpoint --image-path "$IMAGES" peer
	runc restore --detach --bundle "$BUNDLE" --image-path "$IMAGES" peer </dev/null >/dev/null 2>&1 3>&- 4>&-
	goes_on "$token" "$count"
	quietly runc delete --force peer
	rm -rf "$IMAGES"
}

@test "checkpoint: a process stops, its container is stopped; restored, it counts on" {
	local token count pid
	running c1
	counted_to 5
	pid=$(pid_of c1)
	run oci checkpoint --image-path "$IMAGES" c1
	assert_success
	assert_output ''
	gone c1
	process_gone "$pid"
	read -r token count < <(kept)
	sleep 3
	assert_equal "$(kept)" "$token $count"
	restored --pid-file "$BUNDLE/pid" c1
	assert_equal "$(<"$BUNDLE/pid")" "$(pid_of c1)"
	goes_on "$token" "$count"
	assert_equal "$(oci state c1 | jq -r '.status, .bundle' | tr '\n' ' ')" "running $BUNDLE "
	# It is a container like any other.
	run oci exec c1 sh -c 'hostname; cat /proc/self/cgroup; cat /proc/1/comm; ip addr show lo | grep -c "inet 127"'
	assert_success
	assert_output $'bundle\n0::/\nkeeper\n1'
	assert_equal "$(sed -n 's/^0:://p' "/proc/$(pid_of c1)/cgroup")" /ctr/c1
	run oci ps --format json c1
	assert_output "[$(pid_of c1)]"
	oci pause c1
	assert_equal "$(oci state c1 | jq -r .status)" paused
	oci resume c1
	run oci delete c1
	assert_failure
	oci kill c1 KILL
	wait_until 5 eval '[ "$(oci state c1 | jq -r .status)" = stopped ]'
	oci delete c1
	rm -rf "$IMAGES"
	assert_nothing_left
}

# bats test_tags=long
@test "checkpoint: masked, read-only and writable paths of the restored container are as they were" {
	local before after
	edit_config "$BUNDLE" '.process.noNewPrivileges = true | .root.readonly = true
		| .mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=1777"]}]
		| .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]}
		| .linux.sysctl = {"net.ipv4.ip_forward": "1"}
		| .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 77, hard: 88}]'
	payload count /tmp/n
	quietly oci run --detach --bundle "$BUNDLE" c1
	look() {
		local pid
		pid=$(pid_of c1)
		# Mount points with their flags; ids and device numbers are new.
		awk '{ print $5, $6, $(NF - 2) }' "/proc/$pid/mountinfo" | sort
		grep -E '^(Cap|NoNewPrivs|Seccomp:|Uid|Gid|Groups)' "/proc/$pid/status"
		grep 'open files' "/proc/$pid/limits"
		cat "/proc/$pid/oom_score_adj"
		oci exec c1 sh -c 'cat /proc/kcore | wc -c; ls /sys/firmware | wc -l; cat /tmp/kept; touch /x 2>&1'
	}
	oci exec c1 sh -c 'echo in a tmpfs >/tmp/kept'
	before=$(look || true)
	[[ $before == *'in a tmpfs'* && $before == *'Read-only file system'* ]] || fail "$before"
	quietly oci checkpoint --image-path "$IMAGES" c1
	restored c1
	after=$(look || true)
	diff <(echo "$before") <(echo "$after")
	oci delete --force c1
	assert_nothing_left
}

# bats test_tags=long
@test "checkpoint: limits and device rules of the restored container are those of its config.json" {
	edit_config "$BUNDLE" '.linux.resources = {memory: {limit: 67108864}, pids: {limit: 50},
		devices: [{allow: false, access: "rwm"}]}'
	running c1
	quietly oci checkpoint --image-path "$IMAGES" c1
	edit_config "$BUNDLE" '.linux.resources.memory.limit = 50331648'
	restored c1
	assert_equal "$(<"$CGROUPS/ctr/c1/memory.max")" 50331648
	assert_equal "$(<"$CGROUPS/ctr/c1/pids.max")" 50
	run oci exec c1 sh -c 'mknod /tmp/disk b 254 0 && cat /tmp/disk'
	assert_failure
	oci delete --force c1
	assert_nothing_left
}

# bats test_tags=long
@test "checkpoint: --leave-running, and restored under another name from another bundle" {
	local token count other=$BUNDLE/other
	mkdir "$BUNDLE/shared"
	edit_config "$BUNDLE" '.mounts += [{destination: "/shared", type: "bind", source: "shared", options: ["rbind"]}]'
	payload count /shared/n
	quietly oci run --detach --bundle "$BUNDLE" c1
	wait_until 3 test -s "$BUNDLE/shared/n"
	quietly oci checkpoint --leave-running --image-path "$IMAGES" c1
	assert_equal "$(oci state c1 | jq -r .status)" running
	read -r token count <"$BUNDLE/shared/n"
	# Another rootfs of the same content, another source for the bind mount, another cgroup.
	mkdir -p "$other/elsewhere"
	cp -a "$BUNDLE/rootfs" "$other/"
	rmdir "$other/rootfs/shared" "$other/rootfs/sys"
	jq '(.mounts[] | select(.destination == "/shared") | .source) = "elsewhere" | .linux.cgroupsPath = "/here/c2"' \
		"$BUNDLE/config.json" >"$other/config.json"
	quietly oci restore -d -b "$other" --image-path "$IMAGES" c2
	wait_until 3 test -s "$other/elsewhere/n"
	assert_equal "$(cut -d' ' -f1 "$other/elsewhere/n")" "$token"
	assert_equal "$(sed -n 's/^0:://p' "/proc/$(pid_of c2)/cgroup")" /here/c2
	assert_equal "$(oci state c1 | jq -r .status)" running
	oci delete --force c1
	oci delete --force c2
	rm -rf "$IMAGES"
	assert_nothing_left
}

# bats test_tags=long
@test "checkpoint: --pre-dump, then what changed with --parent-path" {
	local token count
	payload count /tmp/n
	running c1
	quietly oci checkpoint --pre-dump --image-path "$BUNDLE/pre" c1
	assert_equal "$(oci state c1 | jq -r .status)" running
	[ ! -e "$BUNDLE/pre/inventory.img" ] || [ ! -e "$BUNDLE/pre/descriptors.json" ]
	run oci checkpoint --image-path "$IMAGES" --parent-path ../nosuch c1
	assert_failure 1
	assert_output --partial '--parent-path ../nosuch'
	quietly oci checkpoint --image-path "$IMAGES" --parent-path ../pre c1
	gone c1
	read -r token count < <(kept)
	# It is the smaller for it.
	[ "$(cat "$IMAGES"/pages-*.img | wc -c)" -lt "$(cat "$BUNDLE"/pre/pages-*.img | wc -c)" ]
	restored c1
	goes_on "$token" "$count"
	oci delete --force c1
	assert_nothing_left
}

@test "checkpoint: a server and its client, in a network of its own, go on with --tcp-established" {
	local answer first
	ip netns add inside
	ip link add host0 type veth peer name eth0 netns inside
	ip addr add 10.77.0.1/24 dev host0
	ip link set host0 up
	ip -n inside addr add 10.77.0.2/24 dev eth0
	ip -n inside link set eth0 up
	ip -n inside link set lo up
	edit_config "$BUNDLE" '(.linux.namespaces[] | select(.type == "network")).path = "/run/netns/inside"'
	payload serve 7000 /tmp/locked
	quietly oci run --detach --bundle "$BUNDLE" c1
	wait_until 3 eval '(exec 5<>/dev/tcp/10.77.0.2/7000) 2>/dev/null'
	exec 5<>/dev/tcp/10.77.0.2/7000
	echo one >&5
	read -r -t 20 first <&5
	assert_equal "${first#* }" '1 1'
	run ! flock --nonblock "$BUNDLE/rootfs/tmp/locked" true

	# Each of what stands in the way is said, and then is one.
	run oci checkpoint --check --image-path "$IMAGES" c1
	assert_failure 1
	assert_line --partial '1 TCP connection is open: close, or use --tcp-established'
	assert_line --partial 'holds a file lock: use --file-locks'
	[ ! -e "$IMAGES" ]
	run oci checkpoint --image-path "$IMAGES" --file-locks c1
	assert_failure 1
	assert_output --partial 'container "c1": criu fails: Error ('
	assert_output --partial 'Connected TCP socket'
	assert_output --partial "all of it is in $IMAGES/dump.log"
	run oci checkpoint --image-path "$IMAGES" --tcp-established c1
	assert_failure 1
	assert_output --partial 'file lock'
	echo two >&5
	read -r -t 20 answer <&5
	assert_equal "$answer" "${first%% *} 2 2"

	run oci checkpoint --check --tcp-established --file-locks c1
	assert_success
	assert_output ''
	quietly oci checkpoint --image-path "$IMAGES" --tcp-established --file-locks c1
	flock --nonblock "$BUNDLE/rootfs/tmp/locked" true
	# What is sent while nobody is there arrives later.
	echo three >&5
	restored --tcp-established --file-locks c1
	read -r -t 60 answer <&5
	assert_equal "$answer" "${first%% *} 3 3"
	run ! flock --nonblock "$BUNDLE/rootfs/tmp/locked" true
	# And somebody new finds it as well.
	exec 6<>/dev/tcp/10.77.0.2/7000
	echo new >&6
	read -r -t 20 answer <&6
	assert_equal "$answer" "${first%% *} 4 1"
	exec 5>&- 6>&-
	oci delete --force c1
	ip netns del inside
	assert_nothing_left
}

# bats test_tags=long
@test "checkpoint: a connection on the host's own network goes on" {
	local answer first
	edit_config "$BUNDLE" '.linux.namespaces |= map(select(.type != "network"))'
	payload serve 7001
	quietly oci run --detach --bundle "$BUNDLE" c1
	wait_until 3 eval '(exec 5<>/dev/tcp/127.0.0.1/7001) 2>/dev/null'
	exec 5<>/dev/tcp/127.0.0.1/7001
	echo one >&5
	read -r -t 20 first <&5
	quietly oci checkpoint --image-path "$IMAGES" --tcp-established c1
	restored --tcp-established c1
	echo two >&5
	read -r -t 60 answer <&5
	assert_equal "$answer" "${first%% *} 2 2"
	exec 5>&-
	oci delete --force c1
	assert_nothing_left
}

# bats test_tags=long
@test "checkpoint: --empty-ns network, --work-path, --auto-dedup, --manage-cgroups-mode are taken" {
	local token count
	running c1
	quietly oci checkpoint --image-path "$IMAGES" --work-path "$BUNDLE/criu" --empty-ns network \
		--auto-dedup --manage-cgroups-mode full --ext-unix-sk --shell-job --link-remap c1
	[ -s "$BUNDLE/criu/dump.log" ] && [ ! -e "$IMAGES/dump.log" ]
	read -r token count < <(kept)
	restored --work-path "$BUNDLE/criu" --empty-ns network --manage-cgroups-mode ignore --no-subreaper \
		--no-pivot --ext-unix-sk --shell-job c1
	[ -s "$BUNDLE/criu/restore.log" ] && [ ! -e "$IMAGES/restore.log" ]
	goes_on "$token" "$count"
	oci delete --force c1
	for flag in '--empty-ns pid' '--manage-cgroups-mode odd' '--page-server nowhere'; do
		running c1
		# shellcheck disable=SC2086
		run oci checkpoint $flag --image-path "$IMAGES" c1
		assert_failure 1
		assert_output --partial "${flag% *}: \"${flag#* }\""
		assert_equal "$(oci state c1 | jq -r .status)" running
		oci delete --force c1
	done
	assert_nothing_left
}

# bats test_tags=long
@test "checkpoint: pipes of the restorer are the restored container's streams, also in the foreground" {
	local token status=0
	payload tell 40
	oci run --detach --bundle "$BUNDLE" c1 </dev/null 2>"$BUNDLE/errors" 3>&- > >(cat >"$BUNDLE/before")
	wait_until 3 test -s "$BUNDLE/before"
	quietly oci checkpoint --image-path "$IMAGES" c1
	assert_equal "$(jq -r '.[0], (.[1] | .[:5])' "$IMAGES/descriptors.json" | sed 's/^file.*\] //' | tr '\n' ' ')" '/dev/null pipe: '
	token=$(head -c 8 "$BUNDLE/before")
	# It ends as it would have without all that, and is deleted as with runc.
	{ oci restore --bundle "$BUNDLE" --image-path "$IMAGES" c1 </dev/null 2>"$BUNDLE/errors" || echo "status $?" >"$BUNDLE/status"; } |
		cat >"$BUNDLE/after"
	assert_equal "$(<"$BUNDLE/status")" 'status 7'
	assert_equal "$(cat "$BUNDLE/errors")" ''
	assert_equal "$(tail -n 1 "$BUNDLE/after")" "$token 39"
	diff <(seq 0 39) <(sed "s/^$token //" "$BUNDLE/before" "$BUNDLE/after")
	run oci state c1
	assert_failure
	quietly oci restore --bundle "$BUNDLE" --image-path "$IMAGES" c1 || status=$?
	assert_equal "$status" 7
	assert_nothing_left
}

@test "checkpoint: a terminal comes back by the console socket, or is ours in the foreground" {
	local token recvtty=$REPO/tests/clients/recvtty.py
	edit_config "$BUNDLE" '.process.terminal = true'
	payload tell 60
	take_terminal() {
		python3 "$recvtty" "$BUNDLE/console" >"$1" 2>&1 3>&- 4>&- &
		BACKGROUND+=($!)
		wait_until 5 test -S "$BUNDLE/console"
	}
	take_terminal "$BUNDLE/first"
	quietly oci run --detach --bundle "$BUNDLE" --console-socket "$BUNDLE/console" c1
	wait_until 5 grep -q ' 2' "$BUNDLE/first"
	quietly oci checkpoint --leave-running --image-path "$IMAGES" c1
	token=$(sed -n 's/^\([0-9a-f]\{8\}\) 0.*/\1/p' "$BUNDLE/first")
	oci delete --force c1
	rm "$BUNDLE/console"
	take_terminal "$BUNDLE/second"
	restored --console-socket "$BUNDLE/console" c1
	wait_until 10 eval '[ "$(grep -c "^$token " "$BUNDLE/second")" -ge 3 ]'
	assert_equal "$(head -n 1 "$BUNDLE/second")" 'message c1, 1 fd'
	run oci exec c1 sh -c 'ls -l /proc/1/fd/0; test -c /dev/console && echo console'
	assert_line --partial '/dev/pts/0'
	assert_line console
	oci delete --force c1
	rm "$BUNDLE/console"

	run oci restore --detach --bundle "$BUNDLE" --image-path "$IMAGES" c1
	assert_failure 1
	assert_output --partial 'process.terminal is true: it needs --console-socket'
	run in_tty "$OCI" --root "$CTR_ROOT" restore --bundle "$BUNDLE" --image-path "$IMAGES" c1
	assert_failure 7
	[[ $output == *"$token 59"* ]] || fail "$output"
	rm -rf "$IMAGES"
	assert_nothing_left
}

@test "checkpoint: memory comes over the network: --page-server, and --lazy-pages on demand" {
	local before server
	payload fill 8
	mkfifo "$BUNDLE/questions"
	exec 5<>"$BUNDLE/questions"
	ask() {
		local lines
		lines=$(wc -l <"$1")
		echo '?' >&5
		wait_until 20 eval "[ \$(wc -l <'$1') -gt $lines ]"
		tail -n 1 "$1"
	}
	oci run --detach --bundle "$BUNDLE" c1 <&5 > >(cat >"$BUNDLE/before") 2>&1 3>&- 4>&-
	wait_until 20 grep -q ready "$BUNDLE/before"
	before=$(ask "$BUNDLE/before")
	mkdir "$IMAGES"
	criu page-server --images-dir "$IMAGES" --port 7002 </dev/null >"$BUNDLE/server" 2>&1 3>&- 4>&- &
	server=$!
	BACKGROUND+=("$server")
	wait_until 3 eval 'ss -tln | grep -q :7002'
	quietly oci checkpoint --leave-running --image-path "$IMAGES" --page-server 127.0.0.1:7002 c1
	wait "$server"
	oci delete --force c1
	oci restore --detach --bundle "$BUNDLE" --image-path "$IMAGES" c1 <&5 2>"$BUNDLE/errors" 3>&- 4>&- \
		> >(cat >"$BUNDLE/after") || fail "$(cat "$BUNDLE/errors")"
	: >>"$BUNDLE/after"
	assert_equal "$(ask "$BUNDLE/after")" "$before"

	# The dump serves its pages until all are fetched; the NUL says that it is ready to.
	rm -rf "$IMAGES"
	mkfifo "$BUNDLE/status"
	oci checkpoint --check --lazy-pages c1 || { skip "no userfaultfd for criu here: $(oci checkpoint --check --lazy-pages c1)"; }
	oci checkpoint --lazy-pages --page-server 127.0.0.1:7003 --status-fd 7 --image-path "$IMAGES" c1 \
		7>"$BUNDLE/status" </dev/null >"$BUNDLE/dumping" 2>&1 &
	server=$!
	BACKGROUND+=("$server")
	assert_equal "$(timeout 100 head -c 1 "$BUNDLE/status" | od -An -tx1 | tr -d ' ')" 00
	mkdir "$BUNDLE/criu"
	criu lazy-pages --images-dir "$IMAGES" --work-dir "$BUNDLE/criu" --page-server --address 127.0.0.1 --port 7003 \
		</dev/null >"$BUNDLE/lazy" 2>&1 3>&- 4>&- &
	BACKGROUND+=($!)
	wait_until 5 test -S "$BUNDLE/criu/lazy-pages.socket"
	oci restore --lazy-pages --detach --bundle "$BUNDLE" --image-path "$IMAGES" --work-path "$BUNDLE/criu" c2 \
		<&5 > >(cat >"$BUNDLE/lazily") 2>&1 3>&- 4>&-
	: >>"$BUNDLE/lazily"
	assert_equal "$(ask "$BUNDLE/lazily")" "$before"
	wait "$server" || fail "$(cat "$BUNDLE/dumping")"
	gone c1
	exec 5>&-
	oci delete c1
	oci delete --force c2
	assert_nothing_left
}

@test "checkpoint: a user namespace, and hooks of the runtime at the restore" {
	local token count
	edit_config "$BUNDLE" --arg log "$BUNDLE/hooks" '.linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings
		| .hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "true"]}]
		| .hooks.poststop = [{path: "/bin/sh", args: ["sh", "-c", "echo over >>" + $log]}]'
	chown -R 100000:100000 "$BUNDLE/rootfs"
	edit_config "$BUNDLE" --arg log "$BUNDLE/hooks" \
		'.hooks.createRuntime[0].args[2] = "PATH=/usr/bin; jq .pid >>" + $log'
	running c1
	quietly oci checkpoint --image-path "$IMAGES" c1
	read -r token count < <(kept)
	restored c1
	goes_on "$token" "$count"
	assert_equal "$(sed 1d "$BUNDLE/hooks" | tr '\n' ' ')" "over $(pid_of c1) "
	assert_equal "$(stat -c %u "/proc/$(pid_of c1)")" 100000
	oci delete --force c1
	assert_nothing_left
}

@test "checkpoint: what can't be is refused with its reason, and nothing changes" {
	quietly oci create --bundle "$BUNDLE" c1
	run oci checkpoint --image-path "$IMAGES" c1
	assert_failure 1
	assert_output --partial "container \"c1\" can't be checkpointed: it is created"
	[ ! -e "$IMAGES" ]
	run oci checkpoint --check c1
	assert_failure 1
	assert_line --partial 'container "c1" is created, and only one that runs'
	oci delete --force c1

	running c1
	run oci checkpoint --check c1
	assert_success
	assert_output ''
	run oci checkpoint --check --parent-path /abs c1
	assert_failure 1
	assert_output --partial '--parent-path /abs: it must be relative'
	# Who came by exec is not in the tree that criu dumps.
	quietly oci exec --detach c1 sleep 1000
	run oci checkpoint --check c1
	assert_failure 1
	assert_line --regexp "process [0-9]+ \(sleep\) is no child of the container's init, but came by .exec."
	# A host without what criu needs.
	mount --bind /dev/null "$(readlink -f /usr/sbin/iptables-restore)"
	run oci checkpoint --check c1
	umount "$(readlink -f /usr/sbin/iptables-restore)"
	assert_line --partial 'install the package iptables'
	oci delete --force c1
	rm -rf "$IMAGES"
	assert_nothing_left
}

@test "restore: what fails leaves nothing but the log" {
	running c1
	run oci restore --detach --bundle "$BUNDLE" --image-path "$BUNDLE/nosuch" c2
	assert_failure 1
	assert_output --partial "--image-path: open the folder $BUNDLE/nosuch"
	mkdir "$BUNDLE/empty"
	run oci restore --detach --bundle "$BUNDLE" --image-path "$BUNDLE/empty" c2
	assert_failure 1
	assert_output --partial "no checkpoint in $BUNDLE/empty: it has no inventory.img"
	quietly oci checkpoint --leave-running --image-path "$IMAGES" c1
	run oci restore --detach --bundle "$BUNDLE" --image-path "$IMAGES" c1
	assert_failure 1
	assert_output --partial 'container "c1" already exists'
	run oci restore --check --bundle "$BUNDLE" --image-path "$IMAGES" c1
	assert_failure 1
	assert_output --partial 'container "c1" is there already (running)'
	assert_equal "$(oci state c1 | jq -r .status)" running
	oci delete --force c1
	# A stream that was a file can't become a pipe.
	quietly oci run --detach --bundle "$BUNDLE" c1
	counted_to 1
	quietly oci checkpoint --image-path "$IMAGES.2" c1
	run oci restore --detach --bundle "$BUNDLE" --image-path "$IMAGES.2" c1
	assert_failure 1
	assert_output --partial 'standard stream 1 was a file when the checkpoint was made'
	rm -rf "$IMAGES.2"
	snapshot_host

	run oci restore --check --bundle "$BUNDLE" --image-path "$IMAGES" c1
	assert_success
	assert_output ''
	# A file that the process has open is gone: criu says so in the middle of its work.
	mv "$BUNDLE/rootfs/usr/bin/keeper" "$BUNDLE/keeper"
	run oci restore --detach --bundle "$BUNDLE" --image-path "$IMAGES" --pid-file "$BUNDLE/pid" c1
	assert_failure 1
	assert_output --partial 'restore the processes: criu fails: Error ('
	assert_output --partial 'usr/bin/keeper'
	assert_output --partial "all of it is in $IMAGES/restore.log"
	[ ! -e "$BUNDLE/pid" ]
	run oci state c1
	assert_failure
	assert_nothing_left
	# A hook that fails, after criu has made the namespaces.
	mv "$BUNDLE/keeper" "$BUNDLE/rootfs/usr/bin/keeper"
	edit_config "$BUNDLE" '.hooks.createRuntime = [{path: "/bin/false"}]'
	run oci restore --detach --bundle "$BUNDLE" --image-path "$IMAGES" c1
	assert_failure 1
	assert_output --partial 'hooks.createRuntime[0]: /bin/false failed with status 1'
	run oci state c1
	assert_failure
	assert_nothing_left
	# And then it is done after all.
	edit_config "$BUNDLE" 'del(.hooks)'
	restored c1
	oci delete --force c1
	assert_nothing_left
}

@test "ctr checkpoint, ctr restore: a container knows from its checkpoint what it was" {
	local token count status=0
	ctr_background run --name c1 --memory 64m --rootfs "$BUNDLE/rootfs" keeper count /tmp/n
	wait_until 10 state_is c1 running
	counted_to 3
	run ctr checkpoint --check c1
	assert_success
	assert_output ''
	run ctr checkpoint --image-path "$IMAGES" c1
	assert_success
	# Whoever stood by it sees it end, as by a kill.
	wait "$ctr_pid" || status=$?
	assert_equal "$status" 137
	assert_equal "$(ctr state c1 | jq -r .status)" stopped
	read -r token count < <(kept)
	# For criu a stream that is a file has to have the mode of the old one.
	install -m 600 /dev/null "$BATS_TEST_TMPDIR/said"
	quietly ctr restore --detach --image-path "$IMAGES" c1
	goes_on "$token" "$count"
	assert_equal "$(<"$CGROUPS/ctr/c1/memory.max")" 67108864
	run ctr ps --format '{{.Names}} {{.State}}'
	assert_line 'c1 running'
	quietly ctr checkpoint --image-path "$IMAGES.2" c1
	# In the foreground with --rm: what run does.
	ctr_background restore --rm --image-path "$IMAGES.2" --pidfile "$BUNDLE/pid" c2
	wait_until 10 state_is c2 running
	counted_to $((count + 8))
	kill -KILL "$(<"$BUNDLE/pid")"
	status=0
	wait "$ctr_pid" || status=$?
	assert_equal "$status" 137
	run ctr state c2
	assert_failure
	ctr rm c1
	# What a throw-away layer holds is not in a checkpoint.
	ctr_background run --name c3 busybox sleep 1000
	wait_until 10 state_is c3 running
	run ctr checkpoint --check c3
	assert_failure 1
	assert_line --partial 'throw-away layer'
	run ctr checkpoint --image-path "$IMAGES" c3
	assert_failure 125
	assert_output --partial 'throw-away layer'
	assert_equal "$(ctr state c3 | jq -r .status)" running
	ctr rm --force c3
	assert_nothing_left
}
