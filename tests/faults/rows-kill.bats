# limit: 300
# kill -9 in every row of both stage tables, as ctr-oci walks them: of the process that is in the row,
# and of the other side. Then `delete --force` must leave nothing.

load ../integration/lib
load faults
load rows

setup() { rows_setup; }
teardown() { rows_teardown; }

# killed_at CASE ROW N WHO: how often a row polls is not the same each time; then it is its last call.
killed_at() {
	local n=$3 tries
	for tries in 1 2 3; do
		walk "$1" kill "$2" "$n" "$4"
		[ -z "$hit" ] || break
		n=$(awk -F'\t' -v row="$2" '$2 == row { print split($3, calls, " ") }' walked | sort -n | tail -n 1)
		removed
	done
	[ -n "$hit" ] || wrong 'it was not killed'
	[[ $1 != [es]* || $(oci state c1 | jq -r .status) == running ]] || wrong 'the container suffered'
	removed
}

# each_row_killed CASE: at the first and the last call of each row; at every one in check-long.
each_row_killed() {
	local row calls n last i=$SEED
	rows_of "$1" >rows
	only_new "$1"
	while IFS=$'\t' read -r row calls <&5; do
		last=$(wc -w <<<"$calls")
		for n in $([ -n "${CTR_LONG-}" ] && seq 1 "$last" || printf '%s\n' 1 "$last" | uniq); do
			killed_at "$1" "$row" "$n" self
			[[ -z ${CTR_LONG-} && $((i++ % 2)) == 0 && $last != 1 ]] || killed_at "$1" "$row" "$n" other
		done
	done 5<rows
	[ ! -s wrong ] || fail "$(<wrong)"
}

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
