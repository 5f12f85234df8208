# ctr prune: what has ended goes, and nothing else.

load lib

setup_three() {
	ended=$(ctr create --name ended --annotation team=a --annotation tier= busybox -- true)
	ctr start ended
	wait_until 5 state_is ended stopped
	ctr create --name made busybox -- sleep 1000
	ctr create --name runs busybox -- sleep 1000
	ctr start runs
}

names() {
	ctr ps --all --format '{{.Name}}' | tr '\n' ' '
}

@test "prune: those that have ended, by id, and what that gives back" {
	setup_three
	run ctr prune --force
	assert_success
	assert_equal "${lines[0]}" "$ended"
	assert_line --regexp '^Total reclaimed space: [1-9][0-9.]*k?B$'
	assert_equal "${#lines[@]}" 2
	assert_equal "$(names)" 'made runs '
	run ctr prune --force
	assert_output 'Total reclaimed space: 0B'
	ctr rm --force made runs
	assert_nothing_left
}

@test "prune: asks first, and takes y only" {
	setup_three
	run ctr prune </dev/null
	assert_failure 125
	assert_output --partial -- '--force'
	run ctr prune <<<n
	assert_success
	assert_output --partial '[y/N]'
	run ctr prune <<<yesterday
	assert_success
	assert_equal "$(names)" 'ended made runs '
	KEYS=$'y\n' run in_tty "$CTR_BIN" --root "$CTR_ROOT" prune
	assert_success
	assert_output --partial 'Are you sure'
	assert_output --partial "$ended"
	assert_equal "$(names)" 'made runs '
	ctr rm --force made runs
	assert_nothing_left
}

@test "prune: by when they were made, and by annotations" {
	setup_three
	ctr prune --force --filter until=1h
	ctr prune --force --filter label=team=b
	ctr prune --force --filter label=nosuch
	ctr prune --force --filter label!=team
	ctr prune --force --filter label=team=a --filter label!=tier
	assert_equal "$(names)" 'ended made runs '
	run ctr container prune --force --filter label=team=a --filter label=tier --filter until=-1m
	assert_line "$ended"
	assert_equal "$(names)" 'made runs '
	for bad in nonsense until=soon label= label!==x; do
		run ctr prune --force --filter "$bad"
		assert_failure 125
		assert_output --partial -- --filter
	done
	ctr rm --force made runs
	assert_nothing_left
}

@test "prune: what a killed ctr left of one that it was making" {
	mkdir -p "$CTR_ROOT/half/rootfs" "$CTR_ROOT/new/rootfs"
	touch -d '2 minutes ago' "$CTR_ROOT/half"
	run ctr prune --force
	assert_success
	assert_line half
	# It may just be being made.
	[ -d "$CTR_ROOT/new" ]
	ctr rm --force new
	assert_nothing_left
}
