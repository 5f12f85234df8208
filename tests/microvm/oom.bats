# vm: --kvm -m 2000
# limit: 900
# Want of memory in a guest, told on the host.

load guest

# No more than there is is asked for at once, which would be refused.
TOO_MUCH='dd if=/dev/zero of=/dev/shm/fill bs=1M count=40 2>/dev/null; dd if=/dev/zero of=/dev/null bs=80M count=1'

oom() {
	ctr inspect "$1" | jq -r '.[0].State.OOM | [.Kills, .Process, .LimitCgroup] | join(" ")'
}

@test "vm: want of memory: the guest's kernel ends a process, and inspect and events say so" {
	ctr run -d --name big "${VM_FLAGS[@]}" --memory 160m busybox \
		sh -c "$TOO_MUCH"'; echo $?; sleep 1000'
	"$CTR_BUILD/bin/ctr-oci" --root "$CTR_ROOT" events --interval 500ms big >"$BATS_TEST_TMPDIR/told" 3>&- &
	BACKGROUND+=("$!")
	wait_until 20 eval '[ "$(ctr logs big 2>/dev/null | tail -n 1)" = 137 ]'
	# While it runs, and goes on.
	wait_until 10 eval '[ "$(oom big)" = "1 dd /" ]'
	wait_until 10 grep -q '"type":"oom"' "$BATS_TEST_TMPDIR/told"
	run ctr inspect --format '{{.State.Status}}' big
	assert_output running
	run ctr events --no-stream --filter event=oom --format '{{.Name}} {{.Attributes.process}}'
	assert_output 'big dd'
	ctr kill --signal KILL big
	run ctr wait big
	assert_output 137
	assert_equal "$(oom big)" '1 dd /'
	ctr rm big
	# And the first process itself. A guest without memory may be busy for ever with reading its programs again, where
	# all is emulated: then once more.
	local try
	for try in first second; do
		run timeout 240 "$CTR_BIN" "${CTR_FLAGS[@]}" run --name first "${VM_FLAGS[@]}" --memory 160m \
			busybox sh -c "${TOO_MUCH/; dd/; exec dd}"
		[ "$status" = 124 ] || break
		echo "no end at the $try try"
		ctr rm --force first
	done
	assert_equal "$status" 137
	run ctr inspect --format '{{.State.OOMKilled}}' first
	assert_output true
	ctr rm first
	assert_nothing_left
}
