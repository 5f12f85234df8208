# limit: 300
# kill -9 in every row of both stage tables, as ctr-oci walks them: of the process that is in the row,
# and of the other side. Then `delete --force` must leave nothing.

load ../integration/lib
load faults
load rows

setup() { rows_setup; }
teardown() { rows_teardown; }

@test "rows: killed in any row" {
	each_row_killed wide
}

@test "rows: killed in any row of a new user namespace" {
	each_row_killed user
}

@test "rows: killed in any row of a joined user namespace" {
	each_row_killed joined
}

@test "rows: killed in any row of exec" {
	each_row_killed exec
}

@test "rows: killed in any row of an exec session" {
	each_row_killed session
}
