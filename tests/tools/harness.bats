# The test ground tested: a harness that overlooks something makes every test green.
load ../integration/lib

# A stand-in, so that this file tells about the harness and not about ctr.
CTR_BIN=/bin/true

# check_dir [FILE]: the runner, run over a tree with the files of add_bats.
check_dir() {
	local tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree/tests/integration" "$tree/tests/unit/base" "$tree/build/tests/unit/base"
	cp -r "$REPO/tests/tools" "$tree/tests"
	rm "$tree"/tests/tools/*.bats
	(cd "$tree" && env -u CTR_VIEW -u F CTR_BUILD="$tree/build" CTR_STRICT="${STRICT-}" \
		tests/tools/check "$@") 3>&-
}

add_bats() {
	mkdir -p "$BATS_TEST_TMPDIR/tree/tests/integration"
	# Written "test" and "tags" there: bats takes an @test for one of this file's own anywhere, and tags.
	sed 's/^test "/@test "/; s/^# tags /# bats test_tags=/' >"$BATS_TEST_TMPDIR/tree/tests/integration/$1.bats"
}

@test "check: sums up what passed, failed and was skipped, and shows the failure" {
	add_bats a <<-'END'
		test "good" { true; }
		test "bad" { echo "the reason"; false; }
		test "not here" { skip "no kvm"; }
	END
	add_bats b <<<'test "fine" { true; }'
	run check_dir
	assert_failure 1
	assert_equal "${lines[-1]}" "2 passed, 1 failed, 1 skipped"
	assert_line "# the reason"
}

@test "check: skipped is failed under CTR_STRICT" {
	add_bats a <<<'test "not here" { skip "no kvm"; }'
	STRICT=1 run check_dir
	assert_failure 1
	assert_equal "${lines[-1]}" "0 passed, 1 failed, 0 skipped"
}

@test "check: tests that never ran are failures: a dead file, setup_file, bad syntax" {
	add_bats killed <<-'END'
		test "good" { true; }
		test "dies" { kill -9 $$; }
	END
	add_bats early <<-'END'
		setup_file() { false; }
		test "one" { true; }
		test "two" { true; }
	END
	add_bats syntax <<<'test "open" { true;'
	run check_dir
	assert_failure 1
	assert_equal "${lines[-1]}" "1 passed, 4 failed, 0 skipped"
}

@test "check: a file that runs into its limit is stopped and has failed" {
	add_bats slow <<-'END'
		# limit: 1
		test "sleeps" { sleep 1000; }
	END
	run check_dir
	assert_failure 1
	assert_line "stopped at its time limit"
}

# machine_says: a stand-in for the test VM: its first run says what the file "first" holds and comes to no end, its
# second one what "second" holds.
machine_says() {
	local tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree/tests/vm"
	cat >"$tree/tests/vm/run" <<-'END'
		#!/bin/bash
		if [ -e first ]; then cat first; rm first; exit 124; fi
		cat second
	END
	chmod 755 "$tree/tests/vm/run"
	add_bats vm-slow <<<'test "one" { true; }'
	printf '1..1\n%s\n' "$1" >"$tree/first"
	printf '1..1\n%s\n' "$2" >"$tree/second"
}

@test "check: a file whose machine comes to no end has a second one, and that is said" {
	machine_says 'it sleeps' 'ok 1 one'
	run check_dir
	assert_success
	assert_equal "${lines[-1]}" "1 passed, 0 failed, 0 skipped"
	assert_line --regexp '^again .*tests/integration/vm-slow.bats'
	assert_line --partial 'its first machine came to no end'
	assert_line 'it sleeps'
	machine_says 'it sleeps' 'not ok 1 one'
	run check_dir
	assert_failure 1
	assert_equal "${lines[-1]}" "0 passed, 1 failed, 0 skipped"
	# Where one has failed, the end that didn't come is no excuse.
	machine_says 'not ok 1 one' 'ok 1 one'
	run check_dir
	assert_failure 1
	refute_line --partial 'once more'
}

@test "check: what is long by nature runs when it is named, or all is long" {
	add_bats long <<-'END'
		# long: make check-something
		test "takes its time" { true; }
	END
	add_bats short <<<'test "does not" { true; }'
	CTR_LONG='' run check_dir
	assert_equal "${lines[-1]}" "1 passed, 0 failed, 0 skipped"
	CTR_LONG='' run check_dir tests/integration/long.bats
	assert_equal "${lines[-1]}" "1 passed, 0 failed, 0 skipped"
	assert_output --partial integration/long.bats
	CTR_LONG=1 run check_dir
	assert_equal "${lines[-1]}" "2 passed, 0 failed, 0 skipped"
}

@test "check: a test that is long by nature runs when all is long, or it is asked for by name" {
	add_bats mixed <<-'END'
		# tags long
		test "takes its time" { true; }
		test "does not" { true; }
	END
	CTR_LONG='' run check_dir
	assert_equal "${lines[-1]}" "1 passed, 0 failed, 0 skipped"
	CTR_LONG='' F='its time' run check_dir
	assert_equal "${lines[-1]}" "1 passed, 0 failed, 0 skipped"
	CTR_LONG=1 run check_dir
	assert_equal "${lines[-1]}" "2 passed, 0 failed, 0 skipped"
}

@test "check: two files at once may give an interface the same name" {
	local file
	for file in a b; do
		add_bats "$file" <<-'END'
			test "mine" {
				ip link add w0 type veth peer name w1
				touch "$BATS_TEST_FILENAME.made"
				until [ "$(ls "$BATS_TEST_DIRNAME"/*.made | wc -l)" = 2 ]; do sleep 0.1; done
				[ -e /sys/class/net/w0 ]
			}
		END
	done
	sed -i '1i # limit: 20' "$BATS_TEST_TMPDIR"/tree/tests/integration/*.bats
	CTR_JOBS=2 run check_dir
	assert_success
	assert_equal "${lines[-1]}" "2 passed, 0 failed, 0 skipped"
}

@test "check: an empty tree is no success" {
	run check_dir
	assert_failure 1
	assert_equal "${lines[-1]}" "0 passed, 1 failed, 0 skipped"
}

@test "assert_nothing_left: content when nothing was left" {
	assert_nothing_left
}

# left_is KIND: assert_nothing_left fails and names it.
left_is() {
	TIME_SCALE=0
	run assert_nothing_left
	assert_failure
	assert_output --partial "left behind: $1"
}

@test "assert_nothing_left: sees a mount" {
	mount -t tmpfs none /mnt
	left_is "mount /mnt"
	umount /mnt
}

@test "assert_nothing_left: sees a cgroup" {
	mkdir "$CGROUPS/c1"
	left_is "cgroup /c1"
	rmdir "$CGROUPS/c1"
}

@test "assert_nothing_left: sees files of state and temporary ones" {
	touch "$CTR_ROOT/c1"
	left_is "file $CTR_ROOT/c1"
	rm "$CTR_ROOT/c1"
	mktemp
	left_is "file $TMPDIR/"
}

@test "assert_nothing_left: sees a process and its network namespace" {
	setsid unshare --net sleep 1000 3>&- &
	wait_until 2 eval '[ "$(host_netns | wc -l)" -gt 1 ]'
	left_is "process"
	assert_output --partial "left behind: net:["
	kill_hard $!
	assert_nothing_left
}

@test "in_tty: there is a terminal, and keys arrive" {
	KEYS=$'word\n' run in_tty bash -c 'test -t 0 && tty && read -r line && echo "got $line"; exit 7'
	assert_failure 7
	assert_line --partial "/dev/pts/"
	assert_line --partial "got word"
}

@test "make_bundle: its rootfs works, its config.json is one" {
	make_bundle "$BATS_TEST_TMPDIR/b"
	run chroot "$BATS_TEST_TMPDIR/b/rootfs" /bin/sh -c 'echo hello | cat'
	assert_success
	assert_output hello
	edit_config "$BATS_TEST_TMPDIR/b" --arg name new '.hostname = $name'
	run jq -r .hostname "$BATS_TEST_TMPDIR/b/config.json"
	assert_output new
}

@test "assert_failure: a sanitizer's finding is not the failure that was wanted" {
	run bash -c 'echo "ERROR: AddressSanitizer: x" >&2; exit 1'
	! assert_failure || false
}
