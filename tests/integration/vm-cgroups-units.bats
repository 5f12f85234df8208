# vm: -c 2 -d 256M
# limit: 900
# build: tests/unit/cgroups
# The unit tests of src/cgroups where all controllers are: natively, on a hybrid host, they
# can try hugetlb only, and leave the rest out of their lists.

load lib

# unit NAME: run the program, and let bats show what it said when it failed.
unit() {
	run "$CTR_BUILD/tests/unit/cgroups/$1_test"
	[ "$status" -eq 0 ]
	[[ $output == *'PASSED'* ]]
	assert_nothing_left
}

@test "cgroups: limits reach the kernel, refusals name key and rule" {
	unit limits
}

@test "cgroups: pools are made, seen, changed and removed" {
	unit pool
}

@test "cgroups: groups are made, frozen, emptied and removed" {
	unit leaf
}

@test "cgroups: device programs are taken and obeyed" {
	unit devices
}

@test "cgroups: the tree is found and described" {
	unit host
}
