# vm: --systemd -m 2560
# limit: 600
# kill -9 in the rows of the stage tables that need systemd or a controller: what rows-kill.bats does with
# all the others. Then `delete --force` must leave nothing, no unit either.

load ../integration/lib
load faults
load rows
load vm-rows

@test "vm-rows: killed in any row of a scope" {
	killed_at scope 'wait for the scope' 0 self
	killed_at scope 'wait for the scope' 0 other
	each_row_killed scope
}

# bats test_tags=long
@test "vm-rows: killed in any row of a slice" {
	each_row_killed slice
}

@test "vm-rows: killed where nobody else is let into the cgroup" {
	each_row_killed closed
}

# bats test_tags=long
@test "vm-rows: killed where systemd moves a user's process" {
	user_begins
	killed_at moved 'wait for the scope' 0 self
	each_row_killed moved
	user_ends
}
