# vm: --systemd
# limit: 1200
# build: tests/debian.tar
# A whole system under limits, beside a systemd that manages the machine. How it boots and ends otherwise: boot.bats.

load lib
load boot

# hog NAME UNIT BYTES [PROPERTY]: a unit in it that takes so much memory; prints how it ended.
hog() {
	ctr exec "$1" systemd-run --quiet --wait --unit "$2" -p MemorySwapMax=0 ${4:+-p "$4"} \
		dd if=/dev/zero of=/dev/null "bs=$3" count=1 >&2 || true
	ctr exec "$1" systemctl show --property Result --value "$2"
}

@test "boot: limits hold for all of it, its own below them too, and it can't raise them" {
	local word
	boot c1 --memory 200m --memory-swap 200m --pids-limit 150 --cpus 1
	assert_equal "$said" ''
	# Handed to it, and by it to its units as far as it wants them.
	for word in cpu io memory pids; do
		[[ " $(group_of c1 cgroup.controllers) " == *" $word "* ]] || fail "no $word"
	done
	for word in memory pids; do
		[[ " $(group_of c1 cgroup.subtree_control) " == *" $word "* ]] || fail "$word goes no further"
	done
	for word in memory.max memory.swap.max pids.max cpu.max; do
		run ctr exec c1 sh -c "echo max >/sys/fs/cgroup/$word"
		assert_failure
	done
	assert_equal "$(group_of c1 memory.max)" 209715200
	assert_equal "$(group_of c1 pids.max)" 150
	assert_equal "$(hog c1 small 10M MemoryMax=80M)" success
	assert_equal "$(hog c1 own 120M MemoryMax=80M)" oom-kill
	assert_equal "$(group_of c1 memory.events.local | grep '^oom ')" 'oom 0'
	assert_equal "$(hog c1 all 300M)" oom-kill
	group_of c1 memory.events.local | grep '^oom [1-9]'
	# It goes on, with two units that failed.
	assert_equal "$(ctr exec c1 systemctl is-system-running)" degraded
	run ctr stop c1
	assert_success
	assert_stopped c1 0
	ctr rm c1
	assert_nothing_left
}

@test "boot: in a scope of the machine's systemd" {
	boot c1 --cgroup-manager systemd --memory 200m
	assert_equal "$(systemctl show --property Delegate --value ctr-c1.scope)" yes
	[[ $(ctr exec c1 cat /proc/self/cgroup) == 0::/exec-* ]]
	assert_equal "$(oci exec c1 cat /proc/self/cgroup)" 0::/init.scope
	assert_equal "$(xattr trusted.delegate /system.slice/ctr-c1.scope)" 1
	# Neither meddles with the other's groups.
	systemctl daemon-reload
	ctr exec c1 systemctl daemon-reload
	run ctr exec c1 systemctl is-system-running
	assert_output running
	assert_equal "$(group_of c1 memory.max)" 209715200
	run ctr stop c1
	assert_success
	assert_stopped c1 0
	ctr rm c1
	assert_nothing_left
}
