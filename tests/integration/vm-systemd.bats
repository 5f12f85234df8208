# vm: --systemd -m 2560
# limit: 1200
# The systemd cgroup manager, on a systemd that runs: what it shows of our units, what the kernel has
# of them, and that nothing stays. fd 3 and standard output are bats': a created container gets neither.

load lib

setup_file() {
	make_bundle "$BATS_FILE_TMPDIR/bundle"
	# A user's systemd is asked for below; its tmpfiles would empty /tmp, with bats in it.
	systemctl mask --runtime systemd-tmpfiles-setup.service
}

setup() {
	B=$BATS_TEST_TMPDIR/b ROOTFS=$BATS_FILE_TMPDIR/bundle/rootfs
	ctr_setup
	mkdir "$B"
	cp "$BATS_FILE_TMPDIR/bundle/config.json" "$B"
	edit_config "$B" --arg rootfs "$ROOTFS" '.root.path = $rootfs | .process.args = ["sleep", "1000"]'
	# A slice that was once needed stays, empty: it is not ours.
	systemctl start ctrtest.slice
	snapshot_host
}

teardown() {
	ctr_teardown
	systemctl stop ctrtest.slice
}

# The unit's group, seen by who isn't in the way of names: in bats, `ctr` in a name is counted as ours.
oci() {
	"$OCI" --root "$CTR_ROOT" --systemd-cgroup "$@" 3>&- 4>&-
}

# bring NAME [FILTER]: created from the bundle, changed by a jq filter, and started.
bring() {
	[ $# -lt 2 ] || edit_config "$B" "$2"
	oci create --bundle "$B" "$1" </dev/null >"$BATS_TEST_TMPDIR/said" 2>&1 ||
		fail "$(<"$BATS_TEST_TMPDIR/said")"
	oci start "$1"
}

# prop UNIT NAME: one property as systemctl shows it.
prop() {
	systemctl show --property "$2" --value "$1"
}

# gone UNIT: neither a unit nor a group of that name.
gone() {
	[ "$(prop "$1" LoadState)" = not-found ] && [ -z "$(find "$CGROUPS" -name "$1")" ]
}

# Any name of a slice is loaded as soon as it is named: one that is gone is inactive, and has no words of ours.
slice_gone() {
	[ "$(prop "$1" ActiveState)" = inactive ] && [ "$(prop "$1" Description)" != 'ctr container c1' ] &&
		[ -z "$(find "$CGROUPS" -name "$1")" ]
}

assert_gone() {
	gone "$1" || fail "$1 is $(prop "$1" LoadState), $(prop "$1" ActiveState); $(find "$CGROUPS" -name "$1")"
	assert_nothing_left
}

@test "systemd: a scope with that name, in that slice, delegated" {
	bring c1 '.linux.cgroupsPath = "ctrtest.slice:libpod:abc"'
	unit=libpod-abc.scope
	assert_equal "$(prop "$unit" ActiveState)" active
	assert_equal "$(prop "$unit" Slice)" ctrtest.slice
	assert_equal "$(prop "$unit" ControlGroup)" "/ctrtest.slice/$unit"
	assert_equal "$(prop "$unit" Description)" 'ctr container c1'
	assert_equal "$(prop "$unit" Delegate)" yes
	assert_equal "$(prop "$unit" DefaultDependencies)" no
	assert_equal "$(prop "$unit" CollectMode)" inactive-or-failed
	assert_equal "$(prop "$unit" MemoryAccounting)" yes
	assert_equal "$(<"$CGROUPS/ctrtest.slice/$unit/cgroup.procs")" "$(oci state c1 | jq .pid)"
	run oci exec c1 cat /proc/self/cgroup
	assert_output 0::/
	oci delete --force c1
	assert_gone "$unit"
}

# bats test_tags=long
@test "systemd: slices are expanded; a slice may be the unit itself; usual names" {
	bring c1 '.linux.cgroupsPath = "ctrtest-a-b.slice::abc"'
	assert_equal "$(<"$CGROUPS/ctrtest.slice/ctrtest-a.slice/ctrtest-a-b.slice/abc.scope/cgroup.procs")" "$(oci state c1 | jq .pid)"
	oci delete --force c1
	gone abc.scope
	systemctl stop ctrtest-a.slice

	bring c1 '.linux.cgroupsPath = "::ctrtest-own.slice" | .linux.resources.pids.limit = 33'
	assert_equal "$(prop ctrtest-own.slice ActiveState)" active
	assert_equal "$(prop ctrtest-own.slice TasksMax)" 33
	assert_equal "$(<"$CGROUPS/ctrtest.slice/ctrtest-own.slice/pids.max")" 33
	assert_equal "$(<"$CGROUPS/ctrtest.slice/ctrtest-own.slice/cgroup.procs")" "$(oci state c1 | jq .pid)"
	oci delete --force c1
	slice_gone ctrtest-own.slice

	bring a+b 'del(.linux.cgroupsPath)'
	assert_equal "$(prop 'ctr-a\x2bb.scope' ControlGroup)" '/system.slice/ctr-a\x2bb.scope'
	oci delete --force a+b
	assert_nothing_left
}

@test "systemd: limits are properties and files, also after a daemon-reload" {
	bring c1 '.linux.cgroupsPath = "ctrtest.slice::abc" | .linux.resources = {
		memory: {limit: 67108864, swap: 100663296, reservation: 33554432},
		cpu: {shares: 2048, quota: 33333, period: 100000, cpus: "0", mems: "0", burst: 1000},
		pids: {limit: 44}, hugepageLimits: [{pageSize: "2MB", limit: 4194304}],
		unified: {"memory.high": "60M", "memory.oom.group": "1"}}'
	dir=$CGROUPS/ctrtest.slice/abc.scope
	assert_equal "$(prop abc.scope MemoryMax)" 67108864
	assert_equal "$(prop abc.scope MemorySwapMax)" 33554432
	assert_equal "$(prop abc.scope MemoryLow)" 33554432
	assert_equal "$(prop abc.scope MemoryHigh)" 62914560
	assert_equal "$(prop abc.scope CPUWeight)" 174
	assert_equal "$(prop abc.scope CPUQuotaPerSecUSec)" 340ms
	assert_equal "$(prop abc.scope CPUQuotaPeriodUSec)" 100ms
	assert_equal "$(prop abc.scope AllowedCPUs)" 0
	assert_equal "$(prop abc.scope AllowedMemoryNodes)" 0
	assert_equal "$(prop abc.scope TasksMax)" 44
	assert_equal "$(<"$dir/cpu.max")" '33333 100000'
	both() {
		assert_equal "$(<"$dir/memory.max")" 67108864
		assert_equal "$(<"$dir/memory.swap.max")" 33554432
		assert_equal "$(<"$dir/memory.low")" 33554432
		assert_equal "$(<"$dir/memory.high")" 62914560
		assert_equal "$(<"$dir/cpu.weight")" 174
		assert_equal "$(<"$dir/cpuset.cpus")" 0
		assert_equal "$(<"$dir/pids.max")" 44
		# systemd has no word for these.
		assert_equal "$(<"$dir/cpu.max.burst")" 1000
		assert_equal "$(<"$dir/hugetlb.2MB.max")" 4194304
	}
	both
	# So it has for this one, only in another way (OOMPolicy), and puts it back in a daemon-reload.
	assert_equal "$(<"$dir/memory.oom.group")" 1
	systemctl daemon-reload
	both
	# What it makes of a quota is never less than was asked for.
	[ "$(cut -d' ' -f1 "$dir/cpu.max")" -ge 33333 ]
	oci delete --force c1
	assert_gone abc.scope
}

# bats test_tags=long
@test "systemd: no limit is said as infinity, and systemd's default holds where nothing is said" {
	bring c1 '.linux.cgroupsPath = "ctrtest.slice::abc" | .linux.resources = {pids: {limit: -1}, memory: {limit: -1}}'
	assert_equal "$(prop abc.scope TasksMax)" infinity
	assert_equal "$(prop abc.scope MemoryMax)" infinity
	assert_equal "$(<"$CGROUPS/ctrtest.slice/abc.scope/pids.max")" max
	oci delete --force c1
	bring c1 'del(.linux.resources)'
	assert_equal "$(prop abc.scope TasksMax)" "$(systemctl show --property DefaultTasksMax --value)"
	oci delete --force c1
	assert_gone abc.scope
}

@test "systemd: limits bite" {
	edit_config "$B" '.linux.cgroupsPath = "ctrtest.slice::abc" | .process.args = ["probe", "memory", "64"] |
		.linux.resources.memory = {limit: 16777216, swap: 16777216}'
	run oci run --bundle "$B" c1
	assert_failure 137
	gone abc.scope
	bring c2 '.process.args = ["sh", "-c", "bomb() { bomb | bomb & }; bomb; sleep 1000"] | .linux.resources = {pids: {limit: 20}}'
	wait_until 5 grep -qE 'max [1-9]' "$CGROUPS/ctrtest.slice/abc.scope/pids.events"
	[ "$(<"$CGROUPS/ctrtest.slice/abc.scope/pids.current")" -le 20 ]
	oci delete --force c2
	assert_gone abc.scope
}

@test "systemd: update changes the property and the file, and they stay" {
	bring c1 '.linux.cgroupsPath = "ctrtest.slice::abc" | .linux.resources = {memory: {limit: 67108864, swap: 67108864}, cpu: {quota: 50000, period: 100000}}'
	dir=$CGROUPS/ctrtest.slice/abc.scope
	oci update --memory 96m --memory-swap 128m --pids-limit 55 --cpu-share 512 --cpuset-cpus 0 c1
	assert_equal "$(prop abc.scope MemoryMax)" $((96 << 20))
	assert_equal "$(prop abc.scope MemorySwapMax)" $((32 << 20))
	assert_equal "$(prop abc.scope TasksMax)" 55
	assert_equal "$(prop abc.scope CPUWeight)" "$(<"$dir/cpu.weight")"
	assert_equal "$(<"$dir/memory.max")" $((96 << 20))
	assert_equal "$(<"$dir/pids.max")" 55
	# A period alone leaves the quota as it was.
	oci update --cpu-period 200000 c1
	assert_equal "$(<"$dir/cpu.max")" '50000 200000'
	assert_equal "$(prop abc.scope CPUQuotaPerSecUSec)" 250ms
	# What isn't a whole percent is exact in the file.
	oci update --cpu-quota 12345 --cpu-period 100000 c1
	assert_equal "$(<"$dir/cpu.max")" '12345 100000'
	systemctl daemon-reload
	assert_equal "$(<"$dir/memory.max")" $((96 << 20))
	assert_equal "$(<"$dir/pids.max")" 55
	run oci update --cpuset-mems 63 c1
	assert_failure
	assert_output --partial cpuset.mems
	oci delete --force c1
	assert_gone abc.scope
}

# may NODE, may_not NODE: opening it in c1 for reading and writing, by a fresh process.
may() {
	oci exec c1 sh -c ": <>$1"
}

may_not() {
	run may "$1"
	assert_failure
	assert_output --partial 'Operation not permitted'
}

# Two nodes that the standard doesn't grant, and whose opening wants no capability.
NODES='.linux.devices = [{path: "/dev/fuse", type: "c", major: 10, minor: 229}, {path: "/dev/loop-control", type: "c", major: 10, minor: 237}]'

@test "systemd: device rules survive a daemon-reload, and ours hold where systemd's are widened" {
	modprobe -a fuse loop
	bring c1 '.linux.cgroupsPath = "ctrtest.slice::abc" | '"$NODES"' |
		.linux.resources.devices = [{allow: false, access: "rwm"}, {allow: true, type: "c", major: 10, minor: 229, access: "rw"}]'
	assert_equal "$(prop abc.scope DevicePolicy)" strict
	prop abc.scope DeviceAllow | grep -q '/dev/char/10:229 rw'
	look() {
		may /dev/null
		may /dev/zero
		may /dev/fuse
		may_not /dev/loop-control
	}
	look
	systemctl daemon-reload
	look
	# With systemd's own list gone, ours refuses all the same.
	systemctl set-property --runtime abc.scope DevicePolicy=auto DeviceAllow=
	assert_equal "$(prop abc.scope DevicePolicy)" auto
	look
	systemctl daemon-reload
	look
	# And both are asked: a list of systemd's that is narrower holds too.
	systemctl set-property --runtime abc.scope DevicePolicy=strict DeviceAllow='/dev/null rw'
	may /dev/null
	may_not /dev/fuse
	oci update --pids-limit 50 c1
	may_not /dev/fuse
	oci delete --force c1
	assert_gone abc.scope
}

# bats test_tags=long
@test "systemd: all but one is refused by ours alone; without rules everything is allowed" {
	modprobe -a fuse loop
	bring c1 '.linux.cgroupsPath = "ctrtest.slice::abc" | '"$NODES"
	assert_equal "$(prop abc.scope DevicePolicy)" auto
	may /dev/loop-control
	oci delete --force c1
	bring c1 '.linux.resources.devices = [{allow: true, access: "rwm"}, {allow: false, type: "c", major: 10, minor: 237, access: "rwm"}]'
	prop abc.scope DeviceAllow | grep -q 'char-\* rwm'
	may /dev/fuse
	may_not /dev/loop-control
	systemctl daemon-reload
	may /dev/fuse
	may_not /dev/loop-control
	oci delete --force c1
	assert_gone abc.scope
}

# bats test_tags=long
@test "systemd: a scope that ended alone is deleted as any other" {
	bring c1 '.linux.cgroupsPath = "ctrtest.slice::abc" | .process.args = ["true"]'
	wait_until 5 gone abc.scope
	assert_equal "$(oci state c1 | jq -r .status)" stopped
	oci delete c1
	assert_gone abc.scope
}

@test "systemd: processes that outlive init keep the scope until delete" {
	bring c1 '.linux.cgroupsPath = "ctrtest.slice::abc" | .linux.namespaces |= map(select(.type != "pid")) |
		.process.args = ["sh", "-c", "sleep 1000 & sleep 1"]'
	wait_until 5 state_is c1 stopped
	[ -n "$(<"$CGROUPS/ctrtest.slice/abc.scope/cgroup.procs")" ]
	oci kill --all c1 KILL
	wait_until 5 gone abc.scope
	oci delete c1
	assert_nothing_left
}

@test "systemd: pause, resume, ps, events and a group made inside" {
	bring c1 '.linux.cgroupsPath = "ctrtest.slice::abc"'
	oci pause c1
	assert_equal "$(<"$CGROUPS/ctrtest.slice/abc.scope/cgroup.freeze")" 1
	assert_equal "$(oci state c1 | jq -r .status)" paused
	oci resume c1
	run oci ps --format json c1
	assert_output "[$(oci state c1 | jq .pid)]"
	run oci events --stats c1
	assert_success
	assert_equal "$(jq .data.pids.current <<<"$output")" 1
	mkdir -p "$CGROUPS/ctrtest.slice/abc.scope/x/y"
	run oci exec --cgroup /x/y c1 cat /proc/self/cgroup
	assert_output 0::/x/y
	oci delete --force c1
	assert_gone abc.scope
}

@test "systemd: a create that fails leaves no unit" {
	edit_config "$B" '.linux.cgroupsPath = "ctrtest.slice::abc" | .process.args = ["/no/such/command"]'
	run oci create --bundle "$B" c1
	assert_failure
	assert_output --partial '"/no/such/command": no such file or directory'
	assert_gone abc.scope
	edit_config "$B" '.process.args = ["true"] | .linux.resources.unified = {"memory.nosuch": "1"}'
	run oci create --bundle "$B" c1
	assert_failure
	assert_output --partial 'linux.resources.unified.memory.nosuch'
	assert_gone abc.scope
	# A slice that can't be.
	edit_config "$B" '.linux.cgroupsPath = "::ctrtest-own.slice"'
	run oci create --bundle "$B" c1
	assert_failure
	slice_gone ctrtest-own.slice
	assert_nothing_left
}

# bats test_tags=long
@test "systemd: a unit of another's is not taken over" {
	bring c1 '.linux.cgroupsPath = "ctrtest.slice::abc"'
	run oci create --bundle "$B" c2
	assert_failure
	assert_output --partial 'have systemd start the unit abc.scope: Unit abc.scope'
	assert_equal "$(oci state c1 | jq -r .status)" running
	assert_equal "$(<"$CGROUPS/ctrtest.slice/abc.scope/cgroup.procs")" "$(oci state c1 | jq .pid)"
	oci delete --force c1
	assert_gone abc.scope
}

# bats test_tags=long
@test "systemd: more properties by annotation; bad ones are told" {
	bring c1 '.linux.cgroupsPath = "ctrtest.slice::abc" | .annotations = {
		"org.systemd.property.TimeoutStopSec": "123", "org.systemd.property.RuntimeMaxUSec": "uint64 5000000000",
		"org.systemd.property.CollectMode": "'\''inactive'\''", "org.systemd.property.After": "['\''a.service'\'', '\''b.service'\'']",
		"org.systemd.property.OOMPolicy": "'\''continue'\''", "org.systemd.property.SendSIGHUP": "true"}'
	assert_equal "$(prop abc.scope TimeoutStopUSec)" '2min 3s'
	assert_equal "$(prop abc.scope RuntimeMaxUSec)" '1h 23min 20s'
	assert_equal "$(prop abc.scope CollectMode)" inactive
	assert_equal "$(prop abc.scope SendSIGHUP)" yes
	prop abc.scope After | grep -q 'a.service.*b.service\|b.service.*a.service'
	oci delete --force c1
	edit_config "$B" '.annotations = {"org.systemd.property.NoSuchThing": "true"}'
	run oci create --bundle "$B" c1
	assert_failure
	assert_output --partial NoSuchThing
	edit_config "$B" '.annotations = {"org.systemd.property.TimeoutStopUSec": "soon"}'
	run oci create --bundle "$B" c1
	assert_failure
	assert_output --partial 'annotations.org.systemd.property.TimeoutStopUSec'
	assert_gone abc.scope
}

@test "systemd: whatever moment ctr-oci is killed at, delete --force finds the rest" {
	edit_config "$B" '.linux.cgroupsPath = "ctrtest.slice::abc"'
	for ms in 20 60 100 140 180 220 260 300 360 450; do
		oci create --bundle "$B" c1 </dev/null >/dev/null 2>&1 &
		sleep "0.$(printf %03d "$ms")"
		kill -KILL $! 2>/dev/null || true
		wait $! || true
		oci delete --force c1 || fail "after $ms ms"
		wait_until 2 gone abc.scope || fail "after $ms ms: $(systemctl status abc.scope)"
		[ ! -e "$CTR_ROOT/c1" ] || fail "after $ms ms: $(ls "$CTR_ROOT/c1")"
	done
	assert_nothing_left
}

@test "systemd: ctr run, create and update by hand" {
	run ctr run --rm --cgroup-manager systemd --memory 64m --cgroupns host --rootfs "$ROOTFS" cat /proc/self/cgroup
	assert_success
	assert_output --regexp '^0::/system.slice/ctr-[a-z_0-9]+\.scope$'
	ctr_background run --name c1 --cgroup-manager systemd --cgroup-parent ctrtest.slice --pids-limit 33 --rootfs "$ROOTFS" sleep 1000
	wait_until 5 state_is c1 running || fail "$(<"$ctr_out")"
	assert_equal "$(prop ctr-c1.scope TasksMax)" 33
	assert_equal "$(prop ctr-c1.scope Slice)" ctrtest.slice
	assert_equal "$(ctr inspect --format '{{.SystemdUnit}} {{.CgroupPath}}' c1)" 'ctr-c1.scope /ctrtest.slice/ctr-c1.scope'
	ctr rm --force c1
	assert_gone ctr-c1.scope
	run ctr run --cgroup-manager systemd --cgroup-parent web --rootfs "$ROOTFS" true
	assert_failure 125
	assert_output --partial '--cgroup-parent: "web" can'
	assert_nothing_left
}

# ---- a user's own ------------------------------------------------------------------

# In the host's mount namespace: what systemd mounts at /run/user isn't seen in ours.
as_user() {
	nsenter --target 1 --mount setpriv --reuid 1000 --regid 1000 --clear-groups env -i PATH="$PATH" HOME=/home XDG_RUNTIME_DIR=/run/user/1000 "$@" 3>&- 4>&-
}

# The same in a unit of the user's, as a login's processes are.
in_session() {
	as_user systemd-run --user --scope --quiet -p Delegate=yes -- "$@"
}

@test "systemd: an ordinary user's container is a scope of the user's systemd" {
	getent passwd 1000 || useradd --uid 1000 ctrtest
	systemctl start user@1000.service
	snapshot_host
	user=/user.slice/user-1000.slice/user@1000.service
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR"
	edit_config "$B" '.linux.namespaces += [{type: "user"}] | .linux.resources = {memory: {limit: 67108864}, pids: {limit: 44}} |
		.linux.uidMappings = [{containerID: 0, hostID: 1000, size: 1}] | .linux.gidMappings = .linux.uidMappings'
	mkdir -m 700 "$CTR_ROOT/user"
	chown 1000:1000 "$CTR_ROOT/user"
	oci() { in_session "$OCI" --root "$CTR_ROOT/user" --systemd-cgroup "$@"; }
	bring c1
	assert_equal "$(as_user systemctl --user show -P ControlGroup ctr-c1.scope)" "$user/user.slice/ctr-c1.scope"
	assert_equal "$(as_user systemctl --user show -P MemoryMax ctr-c1.scope)" 67108864
	assert_equal "$(<"$CGROUPS$user/user.slice/ctr-c1.scope/pids.max")" 44
	run oci exec c1 cat /proc/self/cgroup
	assert_output 0::/
	# From a process outside of the user's units, into which it may not clone: systemd moves it.
	run as_user "$OCI" --root "$CTR_ROOT/user" exec c1 cat /proc/self/cgroup
	assert_success
	assert_output 0::/
	mkdir "$CGROUPS$user/user.slice/ctr-c1.scope/x"
	chown -R 1000:1000 "$CGROUPS$user/user.slice/ctr-c1.scope/x"
	run as_user "$OCI" --root "$CTR_ROOT/user" exec --cgroup /x c1 cat /proc/self/cgroup
	assert_output 0::/x
	# A system's init has gone into a group of its own, and handed controllers out beside it.
	edit_config "$B" '.annotations["dev.ctr.init"] = "systemd" | (.mounts[] | select(.type == "cgroup")).options = ["rw"] |
		.process.args = ["sh", "-c", "cd /sys/fs/cgroup && mkdir init.scope && echo 0 >init.scope/cgroup.procs && echo +pids >cgroup.subtree_control && sleep 1000"]'
	bring c2
	wait_until 5 grep -q pids "$CGROUPS$user/user.slice/ctr-c2.scope/cgroup.subtree_control"
	run as_user "$OCI" --root "$CTR_ROOT/user" exec c2 cat /proc/self/cgroup
	assert_output 0::/init.scope
	run oci exec c2 cat /proc/self/cgroup
	assert_output 0::/init.scope
	oci delete --force c2
	oci update --memory 96m c1
	assert_equal "$(as_user systemctl --user show -P MemoryMax ctr-c1.scope)" $((96 << 20))
	assert_equal "$(<"$CGROUPS$user/user.slice/ctr-c1.scope/memory.max")" $((96 << 20))
	oci delete --force c1
	assert_equal "$(as_user systemctl --user show -P LoadState ctr-c1.scope)" not-found
	[ ! -e "$CGROUPS$user/user.slice/ctr-c1.scope" ]
	systemctl stop user@1000.service
}

@test "systemd: a user without a systemd is told so" {
	run as_user "$OCI" --root /tmp/none --systemd-cgroup create --bundle "$ROOTFS/.." c1
	assert_failure
	assert_output --partial "--systemd-cgroup: the user's systemd does not answer at /run/user/1000/bus"
	run as_user env XDG_RUNTIME_DIR=/nowhere "$CTR_BIN" --root /tmp/none run --cgroup-manager systemd --rootfs "$ROOTFS" true
	assert_failure 125
	assert_output --partial "--cgroup-manager systemd: the user's systemd does not answer at /nowhere/bus"
	rm -rf /tmp/none
}
