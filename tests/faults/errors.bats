# limit: 300
# An error from every system call: it is overcome, or told, with status 125 to 127, and nothing is left.

load ../integration/lib
load faults

# each_error [-f] LESS ARG...
each_error() {
	local call n calls i=$SEED follow=()
	[ "$1" != -f ] || { follow=(-f) && shift; }
	calls=$(calls_of "${follow[@]}" "${@:2}" | fallible)
	[ "$(wc -l <<<"$calls")" -gt 60 ]
	while read -r call n; do
		faulty "${follow[@]}" "error=${ERRORS[i++ % 3]}" "$call" "$n" "${@:2}"
		told
		clean_up
	done < <(sample "$1" <<<"$calls")
}

@test "faults: an error at any call of run" {
	each_error 5 run --rm --name c1 busybox true
}

@test "faults: an error at any call of the processes of run" {
	each_error -f 9 run --rm --name c1 busybox true
}

@test "faults: an error at any call of create" {
	each_error 6 create --attach stdin --name c1 busybox true
}

@test "faults: an error at any call of exec" {
	local call n calls i=$SEED
	ctr create --name c1 busybox sleep 1000 >/dev/null
	ctr start c1 >/dev/null
	calls=$(calls_of -f exec c1 true | fallible)
	while read -r call n; do
		faulty -f "error=${ERRORS[i++ % 3]}" "$call" "$n" exec c1 true
		told
		[ "$(ctr ps --format '{{.State}}')" = running ]
	done < <(sample 6 <<<"$calls")
	clean_up
}
