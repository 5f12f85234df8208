# What can be done with containers that live on, on a host where cgroup v2 is whole: `load stay`. The same walks
# on each kernel; each goes through several verbs with one container, for a command takes its time in there.
# shellcheck disable=SC2154

setup() {
	ctr_setup
	CTR_FLAGS+=(--data-root "$BATS_TEST_TMPDIR/data")
}

# field NAME TEMPLATE
field() {
	ctr inspect --format "$2" "$1"
}

# group NAME: the folder of its cgroup
group() {
	echo "$CGROUPS$(field "$1" '{{.CgroupPath}}')"
}

# ended BACKGROUND-PID STATUS
ended() {
	local status=0
	wait "$1" || status=$?
	assert_equal "$status" "$2"
}

# at_terminal ARG...: ctr on a terminal whose keyboard says KEYS, or what TYPIST prints.
at_terminal() {
	in_tty "$CTR_BIN" "${CTR_FLAGS[@]}" "$@"
}

sessions_gone() {
	[ -z "$(find "$1" -mindepth 1 -type d)" ]
}

# ---- exec and its sessions, what they use and what limits them --------------------------

walk_exec() {
	local session dir caps
	ctr run -d --name c1 --memory 24m --memory-swap 24m --pids-limit 50 busybox sleep 1000
	dir=$(group c1)
	run ctr exec -u 7:8 -w /tmp -e A=b c1 sh -c 'echo $(id -u) $(id -g) $PWD $A; cat /proc/self/cgroup; exit 3'
	assert_failure 3
	assert_output --regexp $'^7 8 /tmp b\n0::/exec-[0-9a-f]{12}$'
	caps=$(awk '$1 == "CapBnd:" { print $2 }' /proc/self/status)
	assert_equal "$(ctr exec --privileged c1 awk '$1 == "CapEff:" { print $2 }' /proc/self/status)" "$caps"
	[ "$(ctr exec c1 awk '$1 == "CapEff:" { print $2 }' /proc/self/status)" != "$caps" ]
	KEYS=$'tty; exit 4\r' run at_terminal exec -it c1 sh
	assert_failure 4
	assert_output --partial /dev/pts/0
	sessions_gone "$dir"

	session=$(ctr exec -d c1 sleep 1001)
	run ctr session ls --noheading c1
	assert_output --regexp "^$session +c1 +[0-9]+ +Up .* sleep 1001 *$"
	assert_equal "$(ctr session inspect "$session" | jq -c '.[0] | [.Running, .Keep, .Pids == [.Pid]]')" '[true,true,true]'
	assert_equal "$(<"$dir/exec-$session/cgroup.procs")" "$(ctr session inspect --format '{{.Pid}}' "${session:0:6}")"
	# It has no controllers: the container's limits are its own.
	assert_equal "$(<"$dir/exec-$session/cgroup.controllers")" ''
	run ctr top c1 pid args
	assert_line --regexp '^1 +sleep 1000$'
	assert_line --regexp 'sleep 1001$'
	assert_equal "$(ctr stats --no-stream --interval 200ms --format json c1 | jq -c '.[0] | [.PidsCurrent, .MemLimitBytes]')" \
		'[2,25165824]'
	run ctr exec c1 dd if=/dev/zero of=/dev/null bs=64M count=1
	assert_failure 137
	ctr update --memory 32m --pids-limit 2 c1
	assert_equal "$(<"$dir/memory.max") $(<"$dir/pids.max")" '33554432 2'
	run ctr exec c1 true
	assert_failure 125
	assert_output --partial 'so many processes as it may have are there: --pids-limit'
	ctr update --pids-limit 0 c1
	ctr session kill "$session"
	sessions_gone "$dir"

	# Its client is killed: neither it nor its children live on.
	ctr_background exec c1 sh -c 'setsid sleep 1002 & wait'
	wait_until 5 eval '[ "$(cat '"$dir"'/exec-*/cgroup.procs 2>/dev/null | wc -l)" = 2 ]'
	kill_hard "$ctr_pid"
	wait_until 5 sessions_gone "$dir"
	assert_equal "$(ctr session ls --quiet)" ''
	state_is c1 running
	ctr rm --force c1
	assert_nothing_left
}

# ---- what it prints, how it ends, that it begins again ----------------------------------

walk_life() {
	local follower waiter
	ctr run -d --name c1 busybox sh -c \
		'trap "echo end; exit 5" TERM; echo 1; echo 2; echo 3; while :; do sleep 0.1; done'
	ctr_background logs -f c1
	follower=$ctr_pid
	local followed=$ctr_out
	wait_until 5 grep -q 3 "$followed"
	assert_equal "$(ctr logs --tail 1 c1)" 3
	assert_equal "$(ctr logs --since 1h c1)" $'1\n2\n3'
	assert_equal "$(ctr logs --since 2100-01-01T00:00:00Z c1)" ''
	run ctr logs --timestamps --tail 1 c1
	assert_output --regexp '^2[0-9-]{9}T[0-9:.]+Z 3$'
	ctr_background wait c1
	waiter=$ctr_pid
	local waited=$ctr_out
	ctr stop --time 60 c1
	ended "$follower" 0
	ended "$waiter" 0
	assert_equal "$(<"$followed")" $'1\n2\n3\nend'
	assert_equal "$(<"$waited")" 5
	assert_equal "$(field c1 '{{.State.Status}} {{.State.ExitCode}}')" 'stopped 5'
	ctr start c1
	wait_until 5 eval '[ "$(ctr logs --tail 1 c1)" = 3 ]'
	ctr restart --time 60 c1
	state_is c1 running
	assert_equal "$(ctr logs c1 | grep -c end)" 2
	ctr kill c1
	assert_equal "$(ctr wait c1)" 137

	ctr run -dit --name c2 busybox sh
	wait_until 5 eval '[[ "$(ctr logs c2)" == *"#"* ]]'
	TYPIST='printf "echo w\$((1+1))rd\r"; sleep 3; printf "\x10\x11"' run at_terminal attach c2
	assert_success
	assert_output --partial w2rd
	KEYS=$'exit 6\r' run at_terminal attach c2
	assert_failure 6
	# What was shown before is shown again.
	assert_output --partial w2rd
	assert_equal "$(ctr wait c2)" 6
	ctr prune --force
	assert_equal "$(ctr ps --all --quiet)" ''
	BACKGROUND=()
	assert_nothing_left
}

# ---- frozen, renamed; its files, and what outlives it -----------------------------------

walk_files() {
	local volume n
	ctr run -d --name c1 -v data:/data busybox sh -c 'while :; do echo $((i += 1)) >>/data/n; sleep 0.1; done'
	volume=$(ctr volume inspect --format '{{.Mountpoint}}' data)
	wait_until 5 test -s "$volume/n"
	ctr pause c1
	n=$(<"$volume/n")
	grep -q 'frozen 1' "$(group c1)/cgroup.events"
	run ctr exec c1 true
	assert_failure 125
	ctr rename c1 c2
	run ctr ps --noheading
	assert_output --regexp ' c2 .* \(Paused\) '
	assert_equal "$(<"$volume/n")" "$n"
	ctr resume c2
	wait_until 5 eval '[ "$(wc -l <"$volume/n")" -gt "$(wc -l <<<"$n")" ]'

	echo 'from here' >"$TMPDIR/f"
	ctr cp "$TMPDIR/f" c2:/root/f
	ctr exec c2 sh -c 'cat /root/f /root/f >/root/g'
	ctr cp c2:/root/g "$TMPDIR/g"
	assert_equal "$(<"$TMPDIR/g")" $'from here\nfrom here'
	assert_equal "$(ctr diff c2)" $'C /root\nA /root/f\nA /root/g'
	assert_equal "$(ctr export c2 | tar -xOf - root/f)" 'from here'
	run ctr volume rm data
	assert_failure 2
	ctr rm --force c2
	ctr run --rm -v data:/data busybox grep -q . /data/n
	ctr volume rm data
	rm "$TMPDIR/f" "$TMPDIR/g"
	assert_nothing_left
}

# ---- what its monitor does by itself ----------------------------------------------------

health_is() {
	[[ "$(ctr ps --filter name=c2 --format '{{.Status}}')" == *"($1)" ]]
}

walk_restarts() {
	ctr run -d --name w1 --restart on-failure:2 busybox sh -c 'exit 3'
	assert_equal "$(ctr wait w1)" 3
	assert_equal "$(field w1 '{{.RestartCount}} {{.State.ExitCode}}')" '2 3'
	assert_equal "$(ctr events --no-stream --filter container=w1 --filter event=die --format '{{.ContainerExitCode}}' | tr '\n' ' ')" \
		'3 3 3 '
	ctr rm w1
}

walk_health() {
	ctr run -d --name c2 --health-cmd 'test -e /tmp/well' --health-interval 200ms --health-retries 2 \
		--health-start-period 1h --health-on-failure restart --stop-signal KILL busybox sleep 1000
	health_is 'health: starting'
	ctr exec c2 touch /tmp/well
	wait_until 5 health_is healthy
	ctr exec c2 rm /tmp/well
	wait_until 10 eval '[ "$(field c2 "{{.RestartCount}}")" = 1 ]'
	wait_until 5 health_is 'health: starting'
	assert_equal "$(ctr events --no-stream --filter event=health_status --format '{{.Attributes.health_status}}' | tr '\n' ' ')" \
		'healthy unhealthy '
	ctr rm --force c2
	assert_nothing_left
}

walk_watched() {
	walk_restarts
	walk_health
}

# ---- kill -9 of those beside it ---------------------------------------------------------

# c1, which ends with 5 when it is told to, and not before who told it has ended.
run_until_told() {
	ctr run -d --name c1 busybox sh -c 'while [ ! -e /tmp/end ]; do sleep 0.1; done; sleep 0.5; exit 5'
}

tells_of_ends() {
	[ "$(printf '6.15\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.15 ]
}

# The status is known, or, where the kernel can't tell it to one who was not its parent, said to be unknown.
walk_killed() {
	local what pids
	for what in monitor keeper; do
		run_until_told
		kill_one c1 "$what"
		ctr exec c1 touch /tmp/end
		assert_equal "$(ctr wait c1)" 5
		assert_equal "$(field c1 '{{.State.ExitCode}}')" 5
		ctr rm c1
	done

	run_until_told
	kill_one c1 monitor
	kill_one c1 keeper
	ctr exec c1 touch /tmp/end
	run ctr wait c1
	if tells_of_ends; then
		assert_output 5
	else
		assert_failure 125
		assert_output --partial 'nobody knows how'
		assert_equal "$(field c1 '{{.State.Status}} {{.State.ExitCode}}')" 'stopped -1'
		run ctr ps --all --format '{{.Status}}'
		assert_output --regexp '^Exited [^(]*$'
	fi
	ctr rm c1

	# Both at once (neither can do a thing between the two kills): it lives on alone, and whoever comes finds
	# all of it.
	run_until_told
	mapfile -t pids < <(monitors c1)
	kill -STOP "${pids[@]}"
	kill -KILL "${pids[@]}"
	wait_until 5 eval '[ -z "$(monitors c1)" ]'
	state_is c1 running
	assert_equal "$(ctr exec c1 echo here)" here
	ctr stop --time 0 c1
	run ctr wait c1
	assert_failure 125
	ctr rm c1
	assert_nothing_left
}
