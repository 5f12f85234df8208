# vm: --systemd -m 2560
# limit: 600
# The rows of the stage tables that need systemd or a controller, made to fail: what rows.bats does with all
# the others. Here, units are counted as what may be left as well. Killed there: vm-rows-kill.bats.

load ../integration/lib
load faults
load rows
load vm-rows

@test "vm-rows: a failure in any row of a scope" {
	each_row_fails scope
}

# bats test_tags=long
@test "vm-rows: a failure in any row of a slice" {
	each_row_fails slice
}

@test "vm-rows: a failure where nobody else is let into the cgroup" {
	each_row_fails closed
}

@test "vm-rows: a failure where systemd moves a user's process" {
	user_begins
	each_row_fails moved
	user_ends
}

@test "vm-rows: each row that is walked nowhere else is walked here" {
	local name
	# Where all the tests above ran, they have seen it.
	cp "$BATS_FILE_TMPDIR"/walked.* . 2>/dev/null || true
	for name in scope slice closed moved; do
		[ ! -e "walked.$name" ] || continue
		[ "$name" != moved ] || user_begins
		rows_of "$name" >/dev/null
		[ "$name" != moved ] || user_ends
	done
	[ ! -s wrong ] || fail "$(<wrong)"
	# One that waits for a gate alone makes no call of its own.
	grep -h $'^row [^\t]*\t[^\t]*\t.' walked.* | cut -f1,2 | grep -E "$ELSEWHERE" | sort -u >seen
	grep -h '^row ' walked.scope | cut -f1,2 | grep -E "$ELSEWHERE" | sort -u >all
	diff seen all || fail "no case walks these rows: give them one"
}
