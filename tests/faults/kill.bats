# limit: 240
# kill -9 at every system call: what is left is listed, and `rm --force` takes it away.

load ../integration/lib
load faults

# each_kill [-f] LESS ARG...
each_kill() {
	local call n calls follow=()
	[ "$1" != -f ] || { follow=(-f) && shift; }
	calls=$(calls_of "${follow[@]}" "${@:2}")
	[ "$(wc -l <<<"$calls")" -gt 100 ]
	while read -r call n; do
		faulty "${follow[@]}" signal=KILL "$call" "$n" "${@:2}"
		clean_up
	done < <(sample "$1" <<<"$calls")
}

@test "faults: run killed at any call" {
	each_kill 8 run --rm --name c1 busybox true
}

@test "faults: the processes of run killed at any call" {
	each_kill -f 12 run --rm --name c1 busybox true
}

@test "faults: create killed at any call" {
	each_kill 10 create --attach stdin --name c1 busybox true
}

@test "faults: rm --force killed at any call" {
	local call n calls
	ctr create --name c1 busybox sleep 1000 >/dev/null
	calls=$(calls_of rm --force c1)
	while read -r call n; do
		ctr create --name c1 busybox sleep 1000 >/dev/null
		ctr start c1 >/dev/null
		faulty signal=KILL "$call" "$n" rm --force c1
		clean_up
	done < <(sample 6 <<<"$calls")
}

@test "faults: start killed at any call" {
	local call n calls
	ctr create --name c1 busybox sleep 1000 >/dev/null
	calls=$(calls_of start c1)
	ctr rm --force c1
	while read -r call n; do
		ctr create --name c1 busybox sleep 1000 >/dev/null
		faulty signal=KILL "$call" "$n" start c1
		clean_up
	done < <(sample 6 <<<"$calls")
}

# A monitor that is not the one that was killed may start it just now.
up_again() {
	ctr stop -t 0 c1 && ctr start c1
}

# Also its monitor, and the keeper of that: it is not lost, and can be started whoever was killed.
@test "faults: start of one that has stopped, or a process of that, killed at any call" {
	local call n calls
	ctr run -d --name c1 busybox sh -c 'exit 3' >/dev/null
	ctr wait c1
	calls=$(calls_of -f start c1)
	while read -r call n; do
		faulty -f signal=KILL "$call" "$n" start c1
		wait_until 10 up_again || fail "after $at"
		run ctr wait c1
		assert_output 3
	done < <(sample 40 <<<"$calls")
	clean_up
}

@test "faults: exec killed at any call leaves the container alone, and goes with it" {
	local call n calls
	ctr create --name c1 busybox sleep 1000 >/dev/null
	ctr start c1 >/dev/null
	calls=$(calls_of exec c1 true)
	while read -r call n; do
		faulty signal=KILL "$call" "$n" exec c1 sleep 0.1
		[ "$(ctr ps --format '{{.State}}')" = running ]
	done < <(sample 8 <<<"$calls")
	clean_up
}
