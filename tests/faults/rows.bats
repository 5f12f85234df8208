# limit: 300
# Every row of both stage tables made to fail, and killed, as ctr-oci walks them.

load ../integration/lib
load faults
load rows

setup() { rows_setup; }
teardown() { rows_teardown; }

@test "rows: each row of the tables is walked by one of the cases" {
	local table name
	for table in wide user exec session; do
		rows_of $table >/dev/null
	done
	# Those in which a call was made.
	grep -h $'^row [^\t]*\t[^\t]*\t[a-z0-9]' walked.* | cut -f1,2 | sort -u >seen
	grep -h '^row ' walked.wide | cut -f1,2 | sort -u >all
	diff seen <(grep -vE "$ELSEWHERE|$MICROVM" all) || fail "no case makes a call in these rows: give them one (rows.bash)"
	# What the helper sees is what is printed.
	"$CTR_BIN" --root "$CTR_ROOT" run --dry-run busybox true |
		sed -nE 's/^[0-9]+ +(parent|child) +(.*[^ ]) +[a-z-]+ +[a-z-]+ +(yes|-)( .*)?$/row create \1\t\2/p' |
		sort >printed
	diff printed <(grep '^row create' all)
}

@test "rows: a failure in any row is told by its name, and leaves nothing" {
	each_row_fails wide
}

@test "rows: a failure in any row of a new user namespace" {
	each_row_fails user
}

@test "rows: a failure in any row of a joined user namespace" {
	each_row_fails joined
}

@test "rows: a failure in any row of exec" {
	each_row_fails exec
}

@test "rows: a failure in any row of an exec session" {
	each_row_fails session
}
