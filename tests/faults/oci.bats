# limit: 240
# Every verb of ctr-oci with an error from, and kill -9 at, each of its system calls. Where the verb was
# in a stage table, rows.bats and rows-kill.bats know more.

load ../integration/lib
load faults

setup() {
	ctr_setup
	SEED=${CTR_SEED:-$((RANDOM % 97))}
	echo "CTR_SEED=$SEED"
	FAULTY=("$OCI" --root "$CTR_ROOT")
	cd "$BATS_TEST_TMPDIR" || return
	make_bundle bundle
	edit_config bundle '.process.args = ["sleep", "1000"]'
	echo '{"unified": {"cgroup.max.depth": "5"}}' >limits.json
	snapshot_host
}

# What is to be deleted without --force has ended.
stopped() {
	oci kill c1 KILL
	wait_until 5 sh -c '[ "$("$0" --root "$1" state c1 | jq -r .status)" = stopped ]' "$OCI" "$CTR_ROOT"
}

# prepare VERB: the container c1 as that verb wants it.
prepare() {
	[ "$1" != create ] || return 0
	oci create --bundle bundle c1 >/dev/null 2>&1
	[ "$1" != start ] || return 0
	oci start c1
	[ "$1" != resume ] || oci pause c1
	[ "$1" != delete ] || stopped
}

# Whatever happened, one word takes all away, and never more is needed.
removed() {
	oci delete --force c1 >said 2>&1 || fail "after a fault at $at: delete --force: $(<said)"
	wait_until 5 nothing_left 2>/dev/null || fail "after a fault at $at ($status: $said):" "$LEFT"
}

# disturbed [-f] VERB LESS ARG...
disturbed() {
	local follow=() verb less call n calls i=$SEED
	[ "$1" != -f ] || { follow=(-f) && shift; }
	verb=$1 less=$2
	shift 2
	prepare "$verb"
	calls=$(calls_of "${follow[@]}" "$@")
	removed
	[ "$(wc -l <<<"$calls")" -gt 10 ]
	while read -r call n; do
		prepare "$verb"
		faulty "${follow[@]}" signal=KILL "$call" "$n" "$@"
		removed
		[ -n "$(echo "$call " | fallible)" ] || continue
		prepare "$verb"
		faulty "${follow[@]}" "error=${ERRORS[i++ % 3]}" "$call" "$n" "$@"
		told
		[[ $1 != delete || $status != 0 || ! -e $CTR_ROOT/c1 ]] || fail "it says that it has deleted: $at"
		removed
	done < <(sample "$less" <<<"$calls")
}

@test "faults: ctr-oci create" {
	disturbed create 20 create --bundle bundle --pid-file pid c1
}

@test "faults: the processes of ctr-oci run" {
	edit_config bundle '.process.args = ["true"]'
	disturbed -f create 60 run --bundle bundle c1
}

@test "faults: ctr-oci start" {
	disturbed start 10 start c1
}

@test "faults: a start that was killed once the init had heard it is done by the next one" {
	prepare start
	faulty signal=KILL unlinkat 1 start c1
	assert_equal "$(oci state c1 | jq -r .status)" created
	oci start c1
	assert_equal "$(oci state c1 | jq -r .status)" running
	run oci start c1
	assert_failure
	assert_output --partial 'it is running'
	removed
}

@test "faults: ctr-oci exec" {
	disturbed exec 20 exec --detach --pid-file pid c1 sleep 1001
	disturbed -f exec 40 exec c1 true
}

@test "faults: ctr-oci kill, pause, resume, update" {
	disturbed kill 12 kill c1 USR1
	disturbed kill 12 kill --all c1 KILL
	disturbed pause 12 pause c1
	disturbed resume 12 resume c1
	disturbed update 20 update --resources limits.json c1
}

@test "faults: ctr-oci delete" {
	disturbed delete 12 delete c1
	disturbed running 12 delete --force c1
}

@test "faults: delete --force says that it is done only when it is" {
	local call n
	prepare running
	while read -r call n; do
		[ -e "$CTR_ROOT/c1" ] || prepare running
		faulty error=EPERM "$call" "$n" delete --force c1
		[[ $status != 0 || ! -e $CTR_ROOT/c1 ]] || fail "at $at"
	done < <(calls_of delete --force c1 | grep -E '^(newfstatat|fstat|openat) ')
	removed
}

@test "faults: a hook whose runtime was killed before it began does not begin" {
	local tracer pid
	edit_config bundle --arg mark "$PWD/hooked" '.hooks.createRuntime = [{path: "/bin/sh",
		args: ["sh", "-c", "echo >\($mark); exec sleep 1002"]}]'
	# The hook's own first call takes three seconds, in which it has no parent any more.
	strace -f -qq -o /dev/null -e trace=setpgid -e inject=setpgid:delay_enter=3000000 \
		"${FAULTY[@]}" create --bundle bundle c1 </dev/null >said 2>&1 3>&- &
	tracer=$!
	sleep 1.5
	pid=$(pgrep -P "$tracer")
	[ ! -e hooked ]
	kill -KILL "$pid"
	wait "$tracer" || true
	[ ! -e hooked ] || fail 'it has begun'
	oci delete --force c1
	assert_nothing_left
}
