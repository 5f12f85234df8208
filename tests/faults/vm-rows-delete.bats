# vm: --systemd -m 2560
# limit: 900
# `delete` of a container that is a unit of systemd's, and ctr-systemd wherever it is asked: an error from, and
# kill -9 at, their system calls. And whose a unit is.

load ../integration/lib
load faults
load rows
load vm-rows

# bring CASE ID
bring() {
	oci --systemd-cgroup create --bundle "$1" "$2" </dev/null >said.create 2>&1 || fail "$(<said.create)"
	oci start "$2"
}

# deletes CASE LESS: `delete --force` with a fault at a sample of its calls.
deletes() {
	local call n i=$SEED
	FAULTY=("$OCI" --root "$CTR_ROOT")
	bring "$1" c1
	calls_of delete --force c1 >calls
	[ "$(wc -l <calls)" -gt 40 ]
	while read -r call n; do
		bring "$1" c1
		faulty signal=KILL "$call" "$n" delete --force c1
		removed
		[ -n "$(echo "$call " | fallible)" ] || continue
		bring "$1" c1
		faulty "error=${ERRORS[i++ % 3]}" "$call" "$n" delete --force c1
		told
		[[ $status != 0 || ! -e $CTR_ROOT/c1 ]] || wrong 'it says that it has deleted'
		removed
	done < <(sample "$2" <calls)
	[ ! -s wrong ] || fail "$(<wrong)"
}

@test "vm-rows: delete --force of a scope, with a fault at any call" {
	deletes scope 60
}

# bats test_tags=long
@test "vm-rows: delete --force of a slice, with a fault at any call" {
	deletes slice 90
}

# ---- ctr-systemd ---------------------------------------------------------------------

# A ctr-oci whose ctr-systemd runs under a tracer when it is told so.
apart() {
	mkdir bin
	cp "$OCI" bin/ctr-oci
	cp "${OCI%/*}/ctr-systemd" bin/ctr-systemd.real
	cp "$CTR_BUILD/tests/helpers/within" bin/ctr-systemd
	APART="$PWD/bin/ctr-oci --root $CTR_ROOT"
}

# asked STRACE-OPTIONS VERB-AND-ARGS...: with ctr-systemd traced the first time that it is asked.
asked() {
	echo "$(command -v strace) -qq $1" >bin/ctr-systemd.lines
	at="ctr-systemd $1" status=0
	shift
	timeout -k 1 60 $APART "$@" </dev/null >said 2>&1 3>&- 4>&- || status=$?
	said=$(<said)
	[ ! -s bin/ctr-systemd.lines ] || wrong 'ctr-systemd was not asked'
}

# its_calls VERB-AND-ARGS...: as calls_of, without what the loader does.
its_calls() {
	asked "-e signal=none -o $PWD/trace" "$@"
	[ "$status" = 0 ] || fail "$said"
	sed -nE 's/^([a-z0-9_]+)\(.*/\1/p' trace | grep -vE "$NEVER" | awk '{ print $1, ++n[$1], NR }' |
		sed -n '/^capset/,$ p' | cut -d' ' -f1,2
}

# struck N CALL FAULT VERB-AND-ARGS...: as asked, with a fault at ctr-systemd's N-th call of that name.
struck() {
	local call=$2
	asked "-o $PWD/trace -e inject=$call:$3:when=$1" "${@:4}"
	hit=$(sed -nE '/\(INJECTED\)|^\+\+\+ killed by SIGKILL/p' trace)
	last=$(awk -v call="$call(" 'index($0, call) == 1 { n++ } END { print n + 0 }' trace)
}

# A create that says it failed has put all back, whatever ctr-systemd was about; and says what it was about.
create_told() {
	[ "$status" != 0 ] || return 0
	[[ $said == *"have systemd make the $1: "* ]] || wrong 'the row is not named'
	all_gone
}

# created N CALL FAULT CASE
created() {
	struck "$1" "$2" "$3" --systemd-cgroup create --bundle "$4" c1
}

helper_creates() {
	local call n i=$SEED
	apart
	its_calls --systemd-cgroup create --bundle "$1" c1 >calls
	removed
	[ "$(wc -l <calls)" -gt 20 ]
	while read -r call n; do
		if until_hit created "$n" "$call" signal=KILL "$1"; then
			[ "$status" != 0 ] || wrong 'it was created without an answer'
			create_told "$1"
			removed
		fi
		[ -n "$(echo "$call " | fallible)" ] || continue
		until_hit created "$n" "$call" "error=${ERRORS[i++ % 3]}" "$1" || continue
		create_told "$1"
		removed
	# And always where systemd was just told to make it, and its answer is awaited.
	done < <(sample "$2" <calls; grep ^sendmsg calls | tail -n 2; grep ^recvmsg calls | tail -n 1)
	[ ! -s wrong ] || fail "$(<wrong)"
}

@test "vm-rows: ctr-systemd fails or is killed while it has a scope made" {
	helper_creates scope 50
}

# bats test_tags=long
@test "vm-rows: ctr-systemd fails or is killed while it has a slice made" {
	helper_creates slice 50
}

# deleted N CALL FAULT
deleted() {
	bring scope c1
	struck "$@" delete --force c1
}

@test "vm-rows: ctr-systemd fails or is killed while it has a scope stopped" {
	local call n i=$SEED
	apart
	bring scope c1
	its_calls delete --force c1 >calls
	removed
	while read -r call n; do
		for what in signal=KILL "error=${ERRORS[i++ % 3]}"; do
			[[ $what == signal* || -n $(echo "$call " | fallible) ]] || continue
			until_hit deleted "$n" "$call" "$what" || continue
			[[ $status = 0 || $said == *systemd* ]] || wrong 'it does not tell whom it asked'
			[[ $status != 0 || ! -e $CTR_ROOT/c1 ]] || wrong 'it says that it has deleted'
			removed
		done
	done < <(sample 80 <calls; grep ^sendmsg calls | tail -n 2; grep ^recvmsg calls | tail -n 1)
	[ ! -s wrong ] || fail "$(<wrong)"
}

# ---- whose it is -----------------------------------------------------------------------

# left_alone CASE ROW: c1 was to be the unit that c2 is, and its create was killed there.
left_alone() {
	local pid verb
	bring "$1" c2
	pid=$(oci state c2 | jq .pid)
	walk "$1" kill "$2" 0 self
	[ -n "$hit" ] || fail "not killed at $2: $said"
	[ -e "$CTR_ROOT/c1" ] || fail 'there is nothing to delete'
	oci kill --all c1 KILL || true
	oci delete --force c1 || fail 'delete --force'
	[ ! -e "$CTR_ROOT/c1" ] || fail 'it is still there'
	assert_equal "$(oci state c2 | jq -r .status)" running
	assert_equal "$(oci exec c2 cat /proc/1/comm)" sleep
	assert_equal "$(oci state c2 | jq .pid)" "$pid"
	oci delete --force c2
	all_gone
	[ ! -s wrong ] || fail "$(<wrong)"
}

@test "vm-rows: a create that was killed early does not take another's scope along" {
	left_alone scope 'make the start socket'
}

# bats test_tags=long
@test "vm-rows: a create that was killed early does not take another's slice along" {
	left_alone slice 'have systemd make the slice'
}

@test "vm-rows: a container that ended alone does not take a later one's scope along" {
	edit_config scope '.process.args = ["true"]'
	bring scope c1
	wait_until 10 sh -c '! systemctl is-active --quiet ctr-c1.scope'
	edit_config scope '.process.args = ["sleep", "1000"]'
	bring scope c2
	oci delete c1
	assert_equal "$(oci state c2 | jq -r .status)" running
	systemctl is-active --quiet ctr-c1.scope
	oci delete --force c2
	all_gone
	[ ! -s wrong ] || fail "$(<wrong)"
}
