# ctr stats: what the host can tell of a container, and what it can't.

load lib

# started NAME ...: and its process has begun, for which exec waits where a kernel starts first.
started() {
	ctr create --name "$@"
	ctr start "$1"
	ctr exec "$1" true
}

# stat NAME FILTER: of one look, by jq.
stat() {
	ctr stats --no-stream --interval 200ms --format json "$1" | jq -r ".[0] | $2"
}

@test "stats: one that works and one that sleeps" {
	started busy busybox -- sh -c 'while :; do :; done'
	started idle busybox -- sleep 1000
	run ctr stats --no-stream
	assert_success
	assert_line --regexp '^ID +NAME +CPU % +MEM USAGE / LIMIT +MEM % +NET IO +BLOCK IO +PIDS +PSI CPU / MEM / IO$'
	assert_line --regexp '^[0-9a-f]{12} +idle +0\.[0-9]{2}% '
	assert_equal "${#lines[@]}" 3
	[ "$(stat busy '.CPUPercent > 20')" = true ]
	[ "$(stat busy '.CPUTimeMicroseconds > 100000')" = true ]
	run ctr stats --no-stream --format '{{.Name}} {{.CPUPerc}}' idle
	assert_output --regexp '^idle 0\.[0-9]{2}%$'
	ctr rm --force busy idle
	assert_nothing_left
}

# bats test_tags=one-kernel
@test "stats: what has no controller here is - and null, not 0" {
	local part
	started c1 busybox -- sleep 1000
	for part in memory:MemUsage:MemUsageBytes pids:PIDs:PidsCurrent io:BlockIO:BlockInputBytes; do
		IFS=: read -r controller text number <<<"$part"
		! grep -qw "$controller" "$CGROUPS/cgroup.controllers" || continue
		assert_equal "$(stat c1 ".$text")" -
		assert_equal "$(stat c1 ".$number")" null
	done
	ctr rm --force c1
	assert_nothing_left
}

@test "stats: bytes of its own network namespace" {
	local pid before
	ctr create --name c1 --cap-add NET_RAW busybox -- sleep 1000
	pid=$(ctr state c1 | jq .pid)
	# Both ends: what goes out by one comes in by the other.
	nsenter --net="/proc/$pid/ns/net" sh -e <<-'END'
		ip link add va type veth peer name vb
		ip link set va up
		ip link set vb up
		ip addr add 10.9.0.1/24 dev va
		ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:01 dev va
	END
	ctr start c1
	ctr exec c1 true
	before=$(stat c1 .NetOutputBytes)
	ctr exec c1 ping -c 1 -W 1 -s 4000 10.9.0.2 >/dev/null || true
	[ "$(stat c1 ".NetInputBytes > 3000 and .NetOutputBytes > 3000 + $before")" = true ]
	started c2 busybox -- sleep 1000
	assert_equal "$(stat c2 .NetInputBytes)" 0
	ctr rm --force c1 c2
	assert_nothing_left
}

# bats test_tags=one-kernel
@test "stats: no bytes of the host's network" {
	started c1 --network host busybox -- sleep 1000
	assert_equal "$(stat c1 .NetIO)" -
	assert_equal "$(stat c1 .NetInputBytes)" null
	ctr rm --force c1
	assert_nothing_left
}

@test "stats: which containers" {
	started c1 busybox -- sleep 1000
	ctr create --name c2 busybox -- sleep 1000
	ctr run --name c3 busybox -- true
	ctr pause c1
	run ctr stats --no-stream --interval 100ms --format '{{.Name}} {{.State}}'
	assert_output 'c1 paused'
	run ctr stats --no-stream --interval 100ms --all --format '{{.Name}} {{.State}}'
	assert_equal "${#lines[@]}" 3
	run ctr stats --no-stream --interval 100ms --format '{{.Name}} {{.CPUPerc}} {{.PSI}}' c3
	assert_output 'c3 - - / - / -'
	run ctr stats --no-stream nothere
	assert_failure 125
	assert_output --partial 'does not exist'
	run ctr stats --all c1
	assert_failure 125
	run ctr stats --interval soon
	assert_failure 125
	assert_output --partial -- '--interval: "soon" is no time'
	ctr rm --force c1 c2 c3
	assert_nothing_left
}

@test "stats: a stream outlives a container that goes, and sees one that comes" {
	started c1 busybox -- sleep 1000
	started c2 busybox -- sleep 1000
	ctr_background stats --interval 100ms --format '{{json .}}'
	wait_until 5 grep -q '"Name":"c1"' "$ctr_out"
	ctr rm --force c1
	started c3 busybox -- sleep 1000
	wait_until 5 grep -q '"Name":"c3"' "$ctr_out"
	kill -0 "$ctr_pid"
	# The last look has no c1, and each line is a document.
	run jq -r .Name "$ctr_out"
	assert_success
	assert_equal "$(tail -n 2 "$ctr_out" | jq -r .Name | sort | tr '\n' ' ')" 'c2 c3 '
	kill "$ctr_pid"
	wait "$ctr_pid" || true
	BACKGROUND=()
	ctr_background stats --interval 100ms c2
	wait_until 5 grep -q c2 "$ctr_out"
	ctr rm --force c2
	sleep 0.5
	kill -0 "$ctr_pid"
	run grep -c $'\033' "$ctr_out"
	assert_output 0
	kill "$ctr_pid"
	wait "$ctr_pid" || true
	BACKGROUND=()
	ctr rm --force c3
	assert_nothing_left
}

@test "stats: a terminal is cleared in between, but not with --no-reset" {
	started c1 busybox -- sleep 1000
	run in_tty timeout $((1 + TIME_SCALE)) "$CTR_BIN" --root "$CTR_ROOT" stats --interval 200ms c1
	assert_output --partial $'\033[2J'
	run in_tty timeout $((1 + TIME_SCALE)) "$CTR_BIN" --root "$CTR_ROOT" stats --interval 200ms --no-reset c1
	refute_output --partial $'\033[2J'
	assert_output --partial c1
	ctr rm --force c1
	assert_nothing_left
}
