# vm: --kvm -m 3000
# limit: 900
# A machine that is controlled while it runs: by its control socket, and by the verbs of ctr that use it.

load guest

setup() {
	ctr_setup
	guest_setup
	CLIENT=$CTR_BUILD/tests/helpers/vsock
	OUT=$BATS_TEST_TMPDIR/out
}

# ask REQUEST: what the launcher answers.
ask() {
	echo "$*" | "$CLIENT" talk "unix:$BATS_TEST_TMPDIR/control"
}

# count [FLAG]...: a guest that counts, ten times a second.
count() {
	"$VM" --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet --control "$BATS_TEST_TMPDIR/control" "$@" \
		>"$OUT" 2>"$BATS_TEST_TMPDIR/err" 3>&- </dev/null &
	pid=$!
	BACKGROUND+=("$pid")
	wait_until 100 grep -q '^count 3' "$OUT"
}

counting() {
	cat <<-'END'
		i=0
		while :; do
			i=$((i + 1))
			echo "count $i"
			busybox sleep 0.1
		done
	END
}

counted() {
	tr -d '\r' <"$OUT" | sed -n 's/^count //p' | tail -n 1
}

# It counts on from there.
counts_on() {
	local from
	from=$(counted)
	wait_until 30 eval '[ "$(counted)" -gt '"$from"' ]'
}

# It doesn't, for two seconds.
stands_still() {
	local size
	size=$(stat -c %s "$OUT")
	sleep 2
	assert_equal "$(stat -c %s "$OUT")" "$size"
}

@test "vm: control: a guest is paused and resumed, and none of its time is lost; status tells" {
	counting | initramfs
	count --cpus 2 --memory 128m
	run ask status
	assert_output 'ok {"state":"running","memory":134217728,"cpus":2}'
	run ask pause
	assert_output ok
	run ask status
	assert_output --partial '"state":"paused"'
	stands_still
	# It is paused already, and stays so.
	run ask pause
	assert_output ok
	stands_still
	run ask resume
	assert_output ok
	counts_on
	run ask resume
	assert_output ok
	counts_on
	# Many of them, while it runs.
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		printf 'pause\nresume\n'
	done | "$CLIENT" talk "unix:$BATS_TEST_TMPDIR/control" >"$BATS_TEST_TMPDIR/answers"
	assert_equal "$(grep -cx ok "$BATS_TEST_TMPDIR/answers")" 20
	counts_on
	# Each number once.
	tr -d '\r' <"$OUT" | sed -n 's/^count //p' | sort -n | uniq -d >"$BATS_TEST_TMPDIR/twice"
	[ ! -s "$BATS_TEST_TMPDIR/twice" ]
	run ask balloon 1m
	assert_output 'error the machine has no balloon; --balloon 0 gives it one'
	run ask reboot
	assert_output 'error no such request: "reboot"'
	assert_equal "$(stat -c %a "$BATS_TEST_TMPDIR/control")" 600
	# Paused it ends as well.
	run ask pause
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	assert_equal "$status" 143
	[ ! -e "$BATS_TEST_TMPDIR/control" ]
	assert_nothing_left
}

@test "vm: control: a balloon is made larger and smaller, and tells" {
	{
		cat <<-'END'
			busybox mount -t proc proc /proc
			busybox mount -t sysfs sysfs /sys
			. /modules/load
		END
		counting
	} | initramfs virtio_pci virtio_balloon
	count --memory 256m --balloon 0
	actual() {
		ask status | sed 's/^ok //' | jq .balloon.actual
	}
	run ask balloon 20m
	assert_output ok
	wait_until 60 eval '[ "$(actual)" = 20971520 ]'
	wait_until 30 eval 'ask status | sed "s/^ok //" | jq -e ".balloon.available > 20000000 and .balloon.total < 256000000"'
	run ask balloon 10m
	assert_output ok
	wait_until 60 eval '[ "$(actual)" = 10485760 ]'
	run ask balloon 256m
	assert_output --partial "error a balloon of 256m for a guest that has 256m"
	assert_equal "$(actual)" 10485760
	counts_on
	kill -TERM "$pid"
	wait "$pid" || true
	assert_nothing_left
}

@test "vm: control: a watchdog stands still while the guest is paused, and what it has paused is resumed" {
	{
		cat <<-'END'
			i=0
			while [ "$i" -lt 200 ]; do
				i=$((i + 1))
				echo "count $i"
				[ "$i" -gt 100 ] || echo >&3
				busybox sleep 0.1
			done
			echo V >&3
			exec 3>&-
		END
		counting
	} | watched_guest
	count --watchdog pause
	run ask pause
	assert_output ok
	sleep 6
	[ ! -s "$BATS_TEST_TMPDIR/err" ]
	run ask resume
	assert_output ok
	counts_on
	[ ! -s "$BATS_TEST_TMPDIR/err" ]
	# From 100 on nobody feeds it.
	wait_until 100 grep -qx "ctr-vm: the guest's watchdog has bitten: it is paused" "$BATS_TEST_TMPDIR/err"
	stands_still
	run ask status
	assert_output --partial '"state":"paused"'
	run ask resume
	assert_output ok
	counts_on
	wait_until 100 grep -q '^count 200' "$OUT"
	counts_on
	kill -TERM "$pid"
	wait "$pid" || true
	assert_nothing_left
}

# said NAME: how much its log has of it.
said() {
	ctr logs "$1" 2>/dev/null | wc -l
}

@test "vm: ctr pause holds the guest's processors, resume lets them go on, a paused one is stopped and removed" {
	ctr run -d --name web "${VM_FLAGS[@]}" busybox sh -c 'trap "echo bye; exit 3" TERM
		while :; do echo tick; sleep 0.1; done'
	wait_until 60 eval '[ "$(said web)" -gt 3 ]'
	run timeout 20 "$CTR_BIN" "${CTR_FLAGS[@]}" pause web
	assert_success
	local before
	before=$(said web)
	sleep 2
	# What was on its way is allowed.
	(($(said web) - before < 3)) || fail "it runs on: $before, then $(said web)"
	run ctr inspect --format '{{.State.Status}}' web
	assert_output paused
	run ctr exec web true
	assert_failure
	before=$(said web)
	ctr resume web
	wait_until 30 eval '[ "$(said web)" -gt '"$((before + 3))"' ]'
	ctr exec web true
	ctr pause web
	ctr stop web
	run ctr inspect --format '{{.State.ExitCode}}' web
	assert_output 3
	before=$(said web)
	ctr start web
	wait_until 60 eval '[ "$(said web)" -gt '"$((before + 3))"' ]'
	ctr pause web
	ctr rm --force web
	assert_nothing_left
}

@test "vm: ctr update --memory: the guest gives memory back, or nothing is changed, and has it again" {
	ctr run -d --name web --memory 288m "${VM_FLAGS[@]}" busybox sh -c 'echo ready; sleep 10000'
	wait_until 60 eval '[ "$(said web)" = 1 ]'
	total() {
		ctr exec web awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo
	}
	local full
	full=$(total)
	((full > 200))
	run ctr update --memory 100m web
	assert_failure
	assert_output --partial "a micro-VM's guest has at least 96 MiB"
	ctr update --memory 238m web
	(($(total) <= full - 48)) || fail "it has $(total) of $full"
	assert_equal "$(ctr inspect web | jq '.[0].Spec.linux.resources.memory.limit')" $((238 << 20))
	ctr pause web
	run ctr update --memory 288m web
	assert_failure
	assert_output --partial 'is paused; resume it first'
	ctr resume web
	ctr update --memory 512m web
	wait_until 30 eval '[ "$(total)" = '"$full"' ]'
	ctr rm --force web
	assert_nothing_left
}
