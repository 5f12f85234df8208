# What exec starts: listed, looked at, signalled, and ended with who waits for it.

load lib

sessions() {
	ctr session ls --quiet "$@"
}

# group NAME SESSION: the folder of its cgroup
group() {
	echo "/sys/fs/cgroup$(ctr inspect --format '{{.CgroupPath}}' "$1")/exec-$2"
}

nobody_in() {
	[ ! -e "$1" ] || [ -z "$(cat "$1/cgroup.procs")" ]
}

no_sessions() {
	[ -z "$(sessions)" ]
}

# An exec in the background, its session begun. Sets exec_pid, session.
exec_background() {
	"$CTR_BIN" "${CTR_FLAGS[@]}" exec "$@" </dev/null >/dev/null 2>&1 3>&- 4>&- &
	exec_pid=$!
	BACKGROUND+=("$exec_pid")
	wait_until 5 eval '[ -n "$(sessions)" ] && [ "$(ctr session inspect "$(sessions)" | jq ".[0].Pids | length")" -ge 1 ]'
	session=$(sessions)
}

@test "session: what runs is listed and inspected, and is gone when it has ended" {
	local dir
	ctr run -d --name c1 busybox sleep 1000
	exec_background -i -u 7:8 c1 sleep 1001
	[[ $session =~ ^[0-9a-f]{12}$ ]] || fail "$session"
	run ctr session ls
	assert_line --partial 'sleep 1001'
	run ctr session inspect "${session:0:5}"
	assert_equal "$(jq -r '.[0] | [.ID, .ContainerName, .Running, .Keep, .OpenStdin, .ProcessConfig.entrypoint,
		(.ProcessConfig.arguments | join(" ")), .ProcessConfig.user, .ProcessConfig.tty] | join(",")' <<<"$output")" \
		"$session,c1,true,false,true,sleep,1001,7:8,false"
	assert_equal "$(jq -r '.[0].ClientPid' <<<"$output")" "$exec_pid"
	assert_equal "$(jq -c '.[0] | [.Pid] == .Pids' <<<"$output")" true
	assert_equal "$(tr '\0' ' ' <"/proc/$(jq '.[0].Pid' <<<"$output")/cmdline")" 'sleep 1001 '
	assert_equal "$(ctr inspect --format '{{json .ExecIDs}}' c1)" "[\"$session\"]"
	dir=$(group c1 "$session")
	[ -d "$dir" ]
	run ctr session kill "$session"
	assert_output "$session"
	status=0
	wait "$exec_pid" || status=$?
	assert_equal "$status" 137
	no_sessions
	[ ! -e "$dir" ]
	run ctr session inspect "$session"
	assert_failure 125
	assert_output --partial "there is no exec session \"$session\""
	# One that ended by itself leaves as little.
	run ctr exec c1 sh -c 'exit 3'
	assert_failure 3
	no_sessions
	[ -z "$(find "$CTR_ROOT/c1" -name 'exec-*')" ]
	[ -z "$(find "${dir%/*}" -name 'exec-*')" ]
	ctr rm --force c1
	assert_nothing_left
}

@test "session: one whose command isn't there leaves nothing" {
	ctr run -d --name c1 busybox sleep 1000
	run ctr exec c1 nosuch
	assert_failure 127
	run ctr exec -d c1 nosuch
	assert_failure 127
	[ -z "$(find "$CTR_ROOT/c1" -name 'exec-*')" ]
	[ -z "$(find "$(group c1 x | xargs dirname)" -name 'exec-*')" ]
	ctr rm --force c1
	assert_nothing_left
}

@test "session: signals go to its first process, or to all of them" {
	ctr run -d --name c1 busybox sleep 1000
	exec_background c1 sh -c 'trap "exit 7" USR1; sleep 1001 & wait $!'
	wait_until 5 eval '[ "$(ctr session inspect "$session" | jq ".[0].Pids | length")" = 2 ]'
	ctr session kill --signal USR1 "$session"
	status=0
	wait "$exec_pid" || status=$?
	assert_equal "$status" 7
	# Its child lives on, as it does after docker's exec, and is known.
	run ctr session ls --noheading
	assert_output --partial 'Exited (7), its children run'
	assert_equal "$(ctr session inspect "$session" | jq -c '.[0] | [.Running, .ExitCode, (.Pids | length)]')" '[false,7,1]'
	run ctr session kill -s USR1 "$session"
	assert_failure 125
	assert_output --partial 'its first process has ended'
	ctr session kill --all -s TERM "$session"
	wait_until 5 no_sessions
	run ctr session kill --signal NOSUCH "$session"
	assert_failure 125
	ctr rm --force c1
	assert_nothing_left
}

@test "session: it ends with its client, and all that it began" {
	local dir
	ctr run -d --name c1 busybox sleep 1000
	exec_background c1 sh -c 'setsid sleep 1001 & setsid sh -c "trap : HUP TERM; sleep 1002; sleep 1003" & wait'
	dir=$(group c1 "$session")
	wait_until 5 eval '[ "$(wc -l <"'"$dir"'/cgroup.procs")" = 4 ]'
	kill_hard "$exec_pid"
	wait_until 5 nobody_in "$dir"
	wait_until 5 eval '[ ! -e "'"$dir"'" ] && [ ! -e "$CTR_ROOT/c1/exec-$session" ]'
	state_is c1 running
	ctr rm --force c1
	assert_nothing_left
}

@test "session: it ends with its client also when the monitor is killed meanwhile" {
	local dir
	ctr run -d --name c1 busybox sleep 1000
	exec_background c1 sh -c 'setsid sleep 1001 & wait'
	dir=$(group c1 "$session")
	kill -KILL "$(monitors c1 monitor)"
	wait_until 5 eval '[ "$(monitors c1 | wc -l)" = 2 ]'
	[ -n "$(cat "$dir/cgroup.procs")" ]
	# Both at once: the one who takes over finds it.
	kill -KILL "$exec_pid" "$(monitors c1 monitor)"
	wait_until 5 eval '[ ! -e "'"$dir"'" ]'
	state_is c1 running
	ctr rm --force c1
	assert_nothing_left
}

@test "session: without a monitor the first process ends at once, the rest when somebody looks" {
	local dir
	ctr_background run --rm --name c1 busybox sleep 1000
	wait_until 5 state_is c1 running
	assert_equal "$(monitors c1 | wc -l)" 0
	exec_background c1 sh -c 'setsid sleep 1001 & wait'
	dir=$(group c1 "$session")
	wait_until 5 eval '[ "$(wc -l <"'"$dir"'/cgroup.procs")" = 2 ]'
	kill_hard "$exec_pid"
	wait_until 5 eval '[ "$(wc -l <"'"$dir"'/cgroup.procs")" = 1 ]'
	no_sessions
	[ ! -e "$dir" ]
	ctr kill c1
	wait "$ctr_pid" || true
	assert_nothing_left
}

@test "session: one that is kept, and one in the background, live on" {
	ctr run -d --name c1 busybox sleep 1000
	exec_background --keep c1 sleep 1001
	kill_hard "$exec_pid"
	sleep 0.3
	assert_equal "$(sessions)" "$session"
	assert_equal "$(ctr session inspect "$session" | jq -c '.[0] | [.Running, .Keep]')" '[true,true]'
	ctr session kill "$session"
	no_sessions
	run ctr exec -d c1 sleep 1002
	assert_success
	session=$output
	sleep 0.3
	assert_equal "$(sessions)" "$session"
	assert_equal "$(ctr top c1 args | grep -c 1002)" 1
	ctr session kill "$session"
	no_sessions
	run ctr exec -d c1 sh -c 'exit 5'
	wait_until 5 no_sessions
	ctr rm --force c1
	assert_nothing_left
}

@test "session: of several containers, of a stopped one, in a paused one" {
	local one two
	ctr run -d --name c1 busybox sleep 1000
	ctr run -d --name c2 busybox sleep 1000
	one=$(ctr exec -d c1 sleep 1001)
	two=$(ctr exec -d c2 sleep 1001)
	assert_equal "$(sessions | sort)" "$(printf '%s\n' "$one" "$two" | sort)"
	assert_equal "$(sessions c2)" "$two"
	run ctr session inspect ''
	assert_failure 125
	run ctr session ls nosuch
	assert_failure 125
	ctr pause c1
	assert_equal "$(sessions c1)" "$one"
	ctr session kill "$one"
	ctr resume c1
	assert_equal "$(sessions)" "$two"
	ctr stop --time 0 c2
	no_sessions
	ctr start c2
	no_sessions
	ctr rm --force c1 c2
	assert_nothing_left
}

@test "session: limits of the container hold for it, and a container may have none for groups" {
	ctr run -d --name c1 busybox sleep 1000
	echo 0 >"/sys/fs/cgroup$(ctr inspect --format '{{.CgroupPath}}' c1)/cgroup.max.descendants"
	exec_background c1 sleep 1001
	assert_equal "$(ctr session inspect "$session" | jq '.[0].Pids | length')" 1
	kill_hard "$exec_pid"
	wait_until 5 no_sessions
	ctr rm --force c1
	assert_nothing_left
}
