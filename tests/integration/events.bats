# ctr events: what the verbs tell, and what is told of a container that nobody watched.

load lib

# Names that a filter is to find here are none that an id could begin with, which finds them as well.
# told [FLAG...]: event and name of each, one a line.
told() {
	ctr events --no-stream --format '{{.Status}} {{.Name}}' "$@"
}

# follow: ctr events in the background; events_out is what it prints.
follow() {
	ctr_background events --format '{{.Status}} {{.Name}}'
	events_pid=$ctr_pid events_out=$ctr_out
	# It listens once it has its inotify.
	wait_until 5 sh -c 'ls -l /proc/"$0"/fd | grep -q inotify' "$events_pid"
	sleep $((TIME_SCALE / 10)).2
}

unfollow() {
	kill "$events_pid"
	wait "$events_pid" || true
	BACKGROUND=()
}

@test "events: the life of a container" {
	ctr create --name c1 busybox -- sleep 1000
	ctr start c1
	ctr exec c1 sh -c 'exit 4' || true
	ctr pause c1
	ctr resume c1
	ctr update --cgroup-conf cgroup.max.depth=4 c1
	ctr kill --signal WINCH c1
	ctr stop --time 0 c1
	ctr rm c1
	run told
	assert_output $'create c1\nstart c1\nexec c1\nexec_died c1\npause c1\nunpause c1\nupdate c1\nkill c1\nkill c1\nkill c1\ndie c1\nstop c1\nremove c1'
	run ctr events --no-stream --filter event=kill --format '{{.Attributes.signal}}'
	assert_output $'28\n15\n9'
	run ctr events --no-stream --filter event=exec_died --format '{{.ContainerExitCode}} {{.Image}} {{.Type}}'
	assert_output '4 busybox container'
	assert_nothing_left
}

@test "events: run tells the exit code, with --rm and without" {
	ctr run --name w1 busybox -- sh -c 'exit 7' || true
	ctr rm w1
	ctr run --rm --init --name w2 busybox -- sh -c 'kill -9 $$' || true
	run ctr events --no-stream --format '{{.Status}} {{.Name}} {{.ContainerExitCode}}'
	assert_line 'die w1 7'
	assert_line 'die w2 137'
	assert_equal "$(told --filter container=w2 | tr '\n' ' ')" 'create w2 start w2 die w2 remove w2 '
	run ctr run --rm --name w3 busybox -- nosuch
	assert_failure 127
	assert_equal "$(told --filter container=w3)" ''
	# One that is there, but no program: it never started, and that is its end.
	mkdir -p "$BATS_TEST_TMPDIR/r/bin"
	head -c 100 /dev/zero >"$BATS_TEST_TMPDIR/r/bin/x"
	chmod 755 "$BATS_TEST_TMPDIR/r/bin/x"
	run ctr run --rm --name w4 --rootfs "$BATS_TEST_TMPDIR/r" -- /bin/x
	assert_failure 126
	run ctr events --no-stream --filter container=w4 --format '{{.Status}} {{.ContainerExitCode}}'
	assert_output $'create <no value>\ndie 126\nremove <no value>'
	assert_nothing_left
}

@test "events: as JSON, a line each" {
	local id
	id=$(ctr create --name c1 busybox -- true)
	ctr rm --force c1
	run ctr events --no-stream --format json
	assert_equal "${#lines[@]}" 2
	assert_equal "$(jq -r '[.Type, .Status, .Action, .ID, .Name, .Image, .Actor.Attributes.name] | join(" ")' <<<"${lines[0]}")" \
		"container create create $id c1 busybox c1"
	[ "$(jq '.TimeNano / 1e9 - now | fabs < 60' <<<"${lines[0]}")" = true ]
	run ctr events --no-stream
	assert_line --regexp "^20[0-9-]*T[0-9:.]*Z container remove $id \(name=c1, image=busybox\)$"
	assert_nothing_left
}

@test "events: a follower sees what others do, and is not ended by it" {
	ctr run --rm --name old busybox -- true
	follow
	ctr run --rm --name c1 busybox -- true
	wait_until 5 grep -q 'remove c1' "$events_out"
	ctr create --name c2 busybox -- sleep 1000
	ctr rm --force c2
	wait_until 5 grep -q 'remove c2' "$events_out"
	run cat "$events_out"
	assert_output $'create c1\nstart c1\ndie c1\nremove c1\ncreate c2\nremove c2'
	unfollow
	assert_nothing_left
}

@test "events: an end that nobody waits for is told at once by a follower, and once" {
	follow
	ctr create --name c1 busybox -- sh -c 'sleep 0.3'
	ctr start c1
	wait_until 5 grep -q 'die c1' "$events_out"
	ctr ps --all >/dev/null
	ctr rm c1
	wait_until 5 grep -q 'remove c1' "$events_out"
	assert_equal "$(told | grep -c die)" 1
	unfollow
	assert_nothing_left
}

@test "events: an end that nobody saw is told by the next who looks" {
	ctr_background run --rm --name c1 busybox -- sleep 1000
	wait_until 5 state_is c1 running
	kill_hard "$ctr_pid"
	kill -KILL "$(ctr inspect --format '{{.State.Pid}}' c1)"
	run told
	wait_until 5 state_is c1 stopped
	run ctr ps --all
	run told
	assert_output $'create c1\nstart c1\ndie c1'
	run ctr events --no-stream --filter event=die --format '{{.ContainerExitCode}}'
	assert_output '<no value>'
	ctr rm c1
	run told
	assert_output $'create c1\nstart c1\ndie c1\nremove c1'
	# One that is removed unseen, too.
	ctr create --name w2 busybox -- sh -c 'exit 0'
	ctr start w2
	sleep 0.3
	ctr rm --force w2
	assert_equal "$(told --filter container=w2 | tr '\n' ' ')" 'create w2 start w2 die w2 remove w2 '
	assert_nothing_left
}

@test "events: looked at by many, an end is told once, with its code" {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		ctr_background run --name "c$i" busybox -- sh -c 'sleep 0.3; exit 3'
	done
	for i in {1..40}; do
		ctr ps --all >/dev/null
		ctr state c3 >/dev/null 2>&1 || true
	done
	for i in 1 2 3 4 5 6 7 8; do
		wait_until 10 state_is "c$i" stopped
	done
	sleep 0.5
	run ctr events --no-stream --filter event=die --format '{{.ContainerExitCode}}'
	assert_equal "$(sort <<<"$output" | uniq -c | tr -s ' ')" ' 8 3'
	BACKGROUND=()
	ctr rm --all
	assert_nothing_left
}

@test "events: since, until, filters" {
	local between
	ctr run --rm --name w1 busybox -- true
	sleep 0.1
	between=$(date +%s.%N)
	sleep 0.1
	ctr run --rm --name w2 busybox -- true
	assert_equal "$(told --since "$between" | head -1)" 'create w2'
	assert_equal "$(told --until "$between" | tail -1)" 'remove w1'
	assert_equal "$(told --since 10m | wc -l)" 8
	assert_equal "$(told --since 10m --filter event=start --filter event=died | wc -l)" 4
	assert_equal "$(told --filter container=w1 --filter event=create --filter image=busybox --filter type=container)" 'create w1'
	assert_equal "$(told --filter image=other)" ''
	# Without --no-stream an end in the past ends it, one to come when it comes.
	run timeout 5 "$CTR_BIN" --root "$CTR_ROOT" events --since 10m --until 0s --format '{{.Name}}'
	assert_success
	assert_equal "${#lines[@]}" 8
	run timeout 5 "$CTR_BIN" --root "$CTR_ROOT" events --until "$between" --format '{{.Status}} {{.Name}}'
	assert_success
	assert_equal "$(tail -n 1 <<<"$output")" 'remove w1'
	run timeout 5 "$CTR_BIN" --root "$CTR_ROOT" events --until -500ms
	assert_success
	assert_output ''
	for bad in --filter=pod=x --filter=event=nosuch --since=soon --until=soon; do
		run ctr events "$bad"
		assert_failure 125
		assert_output --partial "${bad%%=*}"
	done
	assert_nothing_left
}

@test "events: the file stays small, and a follower reads over the change" {
	local i
	ctr create --name c1 busybox -- sleep 1000
	# Nearly full of what is no event.
	head -c 1048400 /dev/zero | tr '\0' x >>"$CTR_ROOT/.events"
	echo >>"$CTR_ROOT/.events"
	follow
	for i in 1 2 3 4 5 6; do
		ctr kill --signal 0 c1 >/dev/null 2>&1 || ctr update --cgroup-conf cgroup.max.depth=4 c1 >/dev/null
	done
	wait_until 5 sh -c '[ "$(wc -l <"$0")" -ge 6 ]' "$events_out"
	[ -e "$CTR_ROOT/.events.1" ]
	[ "$(stat -c %s "$CTR_ROOT/.events")" -lt 10000 ]
	assert_equal "$(stat -c %a "$CTR_ROOT/.events")" 600
	# Both files are read, and rubbish in them is nothing.
	assert_equal "$(told | head -1)" 'create c1'
	unfollow
	ctr rm --force c1
	assert_nothing_left
}

@test "events: a verb doesn't fail because of them" {
	ln -s /nothere/x "$CTR_ROOT/.events"
	run ctr run --rm busybox -- echo fine
	assert_success
	assert_output fine
	rm "$CTR_ROOT/.events"
	mkfifo "$CTR_ROOT/.events"
	run timeout 10 "$CTR_BIN" --root "$CTR_ROOT" run --rm busybox -- echo fine
	assert_output fine
	rm "$CTR_ROOT/.events"
	mkdir "$CTR_ROOT/.events"
	run ctr run --rm busybox -- echo fine
	assert_output fine
	rmdir "$CTR_ROOT/.events"
	assert_nothing_left
}

@test "events: three system calls each, four with the look at the file's length" {
	local calls
	run strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=openat,write,lseek,flock \
		"$CTR_BIN" --root "$CTR_ROOT" run --rm --name c1 busybox -- true
	assert_success
	assert_equal "$(grep -c '"\.events"' "$BATS_TEST_TMPDIR/trace")" 4
	assert_equal "$(grep -c 'write(.*timeNano' "$BATS_TEST_TMPDIR/trace")" 4
	assert_equal "$(grep -c 'flock(.*LOCK_NB' "$BATS_TEST_TMPDIR/trace")" 0
}

@test "events: ctr-oci's containers tell theirs" {
	make_bundle "$BATS_TEST_TMPDIR/b"
	edit_config "$BATS_TEST_TMPDIR/b" '.process.args = ["sleep", "1000"]'
	"$CTR_BUILD/bin/ctr-oci" --root "$CTR_ROOT" create --bundle "$BATS_TEST_TMPDIR/b" c1 3>&- </dev/null >/dev/null 2>&1
	"$CTR_BUILD/bin/ctr-oci" --root "$CTR_ROOT" start c1
	"$CTR_BUILD/bin/ctr-oci" --root "$CTR_ROOT" kill c1 KILL
	wait_until 5 state_is c1 stopped
	"$CTR_BUILD/bin/ctr-oci" --root "$CTR_ROOT" delete c1
	run told
	assert_output $'create c1\nstart c1\nkill c1\ndie c1\nremove c1'
	assert_nothing_left
}
