# limit: 300
# Every row of both stage tables made to fail, and killed, as ctr-oci walks them.

load ../integration/lib
load faults
load rows

setup() { rows_setup; }
teardown() { rows_teardown; }

# What always does what it says, whatever the machine is like, or is asked only to be on the safe side.
NO_FAILURE='close|close_range|umask|getpid|gettid|getuid|geteuid|poll|ppoll|waitid|rt_sig.*'

# What asks systemd, or needs a controller: vm-systemd.bats, oci/vm-resources.bats.
ELSEWHERE='systemd|scope|let nobody else into the cgroup'

@test "rows: each row of the tables is walked by one of the cases" {
	local table name
	for table in wide user exec session; do
		rows_of $table >/dev/null
	done
	# Those in which a call was made.
	grep -h $'^row [^\t]*\t[^\t]*\t.' walked.* | cut -f1,2 | sort -u >seen
	grep -h '^row ' walked.wide | cut -f1,2 | sort -u >all
	diff seen <(grep -vE "$ELSEWHERE" all) || fail "no case makes a call in these rows: give them one (rows.bash)"
	# What the helper sees is what is printed.
	"$CTR_BIN" --root "$CTR_ROOT" run --dry-run busybox true |
		sed -nE 's/^[0-9]+ +(parent|child) +(.*[^ ]) +[a-z-]+ +[a-z-]+ +(yes|-)( .*)?$/row create \1\t\2/p' |
		sort >printed
	diff printed <(grep '^row create' all)
}

# The error names the row it came from; of a container that was not created, nothing is there.
failed_well() {
	[[ $said == *"$1: "* ]] || wrong 'the row is not named'
	[[ $2 == exec || $2 == session || $(grep -c $'\twait for start\t.' walked) != 0 ]] || all_gone
}

# row_fails CASE ROW N: sets told if somebody was.
row_fails() {
	local errnos=(12 5 1)
	walk "$1" fail "$2" "$3" "${errnos[tries++ % 3]}"
	if [ "$status" != 0 ]; then
		failed_well "$2" "$1"
		told=yes
	fi
	removed
}

# each_row_fails CASE
each_row_fails() {
	local row calls n told tries=$SEED
	rows_of "$1" >rows
	only_new "$1"
	while IFS=$'\t' read -r row calls <&5; do
		told=''
		for n in $(some_of "$calls" "$NO_FAILURE"); do
			row_fails "$1" "$row" "$n"
		done
		# Beyond the sample only until there is one that can't be overcome.
		for n in $(seq 1 "$(wc -w <<<"$calls")"); do
			[ -n "$told" ] || row_fails "$1" "$row" "$n"
		done
		# Who isn't back is as good as before: it makes no difference to what was executed.
		[[ -n $told || $row == 'come back from them' ]] || wrong "$row: none of its calls ($calls) fails"
	done 5<rows
	[ ! -s wrong ] || fail "$(<wrong)"
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
