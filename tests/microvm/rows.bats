# vm: --kvm
# limit: 600
# The rows of the stage table that only a micro-VM's container has, made to fail and killed there: what
# tests/faults/rows.bats does with all the others. It is made, not started: no guest boots.

load guest
load ../faults/faults
load ../faults/rows

setup() {
	rows_begin
	guest_setup
	make_bundle vm
	edit_config vm --arg kernel "$KERNEL" '.process.args = ["sleep", "1000"] | .vm = {kernel: {path: $kernel}}'
	snapshot_host
}

teardown() {
	rows_teardown
}

case_begin() {
	:
}

case_command() {
	echo "$OCI --root $CTR_ROOT create --bundle vm c1"
}

only_new() {
	grep -E "^[^"$'\t'"]*($MICROVM)" rows >new
	mv new rows
}

@test "vm: rows: a failure, and a kill, where the way into the guest is made" {
	each_row_fails vm
	[ -s rows ]
	each_row_killed vm
}
