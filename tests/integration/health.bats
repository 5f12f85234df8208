# Health checks: a command that the monitor runs in the container now and then.

load lib

# health NAME: status, failures in a row
health() {
	ctr inspect --format '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' "$1"
}

health_is() {
	# shellcheck disable=SC2053 # a pattern
	[[ "$(health "$1")" == $2 ]]
}

@test "health: starting, healthy, unhealthy, and what the checks said" {
	ctr run -d --name c1 --health-cmd 'cat /tmp/well; test -e /tmp/well' --health-interval 50ms --health-retries 2 \
		--health-start-period 1h busybox sleep 1000
	health_is c1 'starting 0'
	ctr exec c1 sh -c 'echo all is well >/tmp/well'
	wait_until 5 health_is c1 'healthy 0'
	wait_until 5 eval '[ "$(ctr inspect --format "{{json .State.Health.Log}}" c1 | jq -r ".[-1].Output")" = "all is well" ]'
	assert_equal "$(ctr inspect --format '{{json .State.Health.Log}}' c1 | jq '.[-1].ExitCode')" 0
	ctr exec c1 rm /tmp/well
	wait_until 5 health_is c1 'unhealthy [2-9]*'
	assert_equal "$(ctr inspect --format '{{json .State.Health.Log}}' c1 | jq '.[-1].ExitCode')" 1
	# The last five are kept.
	wait_until 5 eval '[ "$(ctr inspect --format "{{.State.Health.FailingStreak}}" c1)" -gt 6 ]'
	assert_equal "$(ctr inspect --format '{{len .State.Health.Log}}' c1)" 5
	run ctr events --no-stream --filter event=health_status
	assert_line --partial unhealthy
	state_is c1 running
	ctr rm --force c1
	assert_nothing_left
}

@test "health: a check that takes too long is ended, one that can't be run is a failure" {
	ctr run -d --name c1 --health-cmd 'sleep 1000' --health-interval 50ms --health-timeout 200ms --health-retries 1 busybox sleep 1000
	wait_until 5 health_is c1 'unhealthy [1-9]*'
	assert_equal "$(ctr inspect --format '{{json .State.Health.Log}}' c1 | jq '.[0].ExitCode')" -1
	ctr rm --force c1
	ctr run -d --name c1 --health-cmd '["nosuch"]' --health-interval 50ms --health-retries 1 busybox sleep 1000
	wait_until 5 health_is c1 'unhealthy [1-9]*'
	assert_equal "$(ctr inspect --format '{{json .State.Health.Log}}' c1 | jq '.[0].ExitCode')" 127
	ctr rm --force c1
	assert_nothing_left
}

@test "health: kill, stop and restart when it fails" {
	local sick=(--health-cmd false --health-interval 50ms --health-retries 1)
	ctr run -d --name c1 "${sick[@]}" --health-on-failure kill busybox sleep 1000
	run ctr wait c1
	assert_output 137
	ctr rm c1
	ctr run -d --name c1 "${sick[@]}" --health-on-failure stop --restart always busybox sh -c 'trap "exit 4" TERM; while :; do sleep 0.05; done'
	run ctr wait c1
	assert_output 4
	ctr rm c1
	ctr run -d --name c1 "${sick[@]}" --health-on-failure restart busybox sh -c 'trap "exit 4" TERM; while :; do sleep 0.05; done'
	wait_until 10 eval '[ "$(ctr inspect --format "{{.RestartCount}}" c1)" -ge 2 ]'
	ctr stop c1
	ctr rm c1
	assert_nothing_left
}

@test "health: a paused container isn't asked; checks go on after a kill of the monitor" {
	local before
	ctr run -d --name c1 --health-cmd true --health-interval 50ms busybox sleep 1000
	wait_until 5 health_is c1 'healthy 0'
	ctr pause c1
	sleep 0.3
	health_is c1 'healthy 0'
	ctr resume c1
	kill -KILL "$(monitors c1 monitor)"
	sleep 0.2
	before=$(ctr inspect --format '{{json .State.Health.Log}}' c1 | jq -r '.[-1].Start')
	wait_until 5 eval '[ "$(ctr inspect --format "{{json .State.Health.Log}}" c1 | jq -r ".[-1].Start")" != "'"$before"'" ]'
	ctr rm --force c1
	assert_nothing_left
}

# status NAME: what `ps` says of it, the time left out
status() {
	ctr ps --all --filter "name=$1" --format '{{.Status}}' | sed 's/^Up .*\(seconds\?\|minutes\?\)/Up/'
}

status_of() {
	[ "$(status "$1")" = "$2" ]
}

@test "health: ps has it in Status, and finds containers by it" {
	ctr run -d --name c0 busybox sleep 1000
	ctr_background run --rm --name f0 busybox sleep 1000
	ctr run -d --name c1 --health-cmd 'test -e /tmp/well' --health-interval 50ms --health-retries 2 \
		--health-start-period 1h busybox sleep 1000
	assert_equal "$(status c1)" 'Up (health: starting)'
	assert_equal "$(ctr ps --filter health=starting --format '{{.Name}}')" c1
	ctr exec c1 touch /tmp/well
	wait_until 5 status_of c1 'Up (healthy)'
	run ctr ps --filter name=c1 --noheading
	assert_output --partial ' (healthy) '
	assert_equal "$(ctr ps --filter name=c1 --format json | jq -r '.[0].Status' | grep -o '(.*)')" '(healthy)'
	assert_equal "$(ctr ps --filter health=healthy --filter health=starting --format '{{.Name}}')" c1
	wait_until 5 status_of f0 Up
	assert_equal "$(ctr ps --filter health=none --format '{{.Name}}')" $'c0\nf0'
	ctr exec c1 rm /tmp/well
	wait_until 5 status_of c1 'Up (unhealthy)'
	assert_equal "$(ctr ps --filter health=healthy --quiet)" ''
	ctr pause c1
	assert_equal "$(status c1)" 'Up (Paused)'
	ctr resume c1
	assert_equal "$(status c1)" 'Up (unhealthy)'
	# A new life begins without what the last one left.
	ctr restart --time 0 c1
	assert_equal "$(status c1)" 'Up (health: starting)'
	ctr stop --time 0 c1
	[[ $(status c1) == 'Exited ('* && $(status c1) != *health* ]]
	assert_equal "$(ctr ps --all --filter name=c1 --filter health=none --format '{{.Name}}')" c1
	run ctr ps --filter health=good
	assert_failure 125
	assert_output --partial 'health= is one of starting, healthy, unhealthy, none'
	run ctr ps --filter status=up
	assert_failure 125
	assert_output --partial 'status= is one of creating, created, running, paused, stopped, exited'
	ctr kill f0
	wait "$ctr_pid" || true
	ctr rm --force c0 c1
	assert_nothing_left
}

@test "health: to list a container without a check costs no system call more, or one that fails" {
	local calls
	ctr run -d --name c1 busybox sleep 1000
	ctr_background run --rm --name c2 busybox sleep 1000
	wait_until 5 state_is c2 running
	calls=$(strace -f -e trace=all "$CTR_BIN" "${CTR_FLAGS[@]}" ps 2>&1 >/dev/null 3>&- | grep -c 'health\.json')
	assert_equal "$calls" 1
	ctr kill c2
	wait "$ctr_pid" || true
	ctr rm --force c1
	assert_nothing_left
}
