# vm: -c 2
# Processors that are somebody's own: cpuset and its partitions, over two processors.

load lib
load limits

@test "cgroups: a neighbour can't take a partition's processor" {
	local share
	run ctr pool create --cpuset-cpus 1 --partition root island
	assert_success
	assert_equal "$(cat "$CGROUPS/island/cpuset.cpus.partition")" root
	start c1 --cgroup-parent island sh -c 'while :; do :; done'
	start c2 sh -c 'while :; do :; done & while :; do :; done'
	run ctr exec c2 taskset -pc 1
	assert_line --regexp 'current affinity list: 0$'
	run ctr exec c2 taskset -c 1 true
	assert_failure
	# Two spinners next door, and still a whole processor.
	share=$(cpu_share /island/c1 6)
	echo "used $share thousandths of a processor"
	between 900 "$share" 1010
	ctr rm --force c1 c2
	ctr pool rm island
	assert_nothing_left
}
