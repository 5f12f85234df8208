# limit: 900
# Who is killed for want of memory: what `inspect` and `events` say of it. Runs in the test VM.

load lib
load limits

oom() {
	ctr inspect "$1" | jq -r ".[0].State.OOM | $2"
}

of_event() {
	ctr events --no-stream --filter event=oom --format json | jq -r "$1"
}

@test "oom: the process, its group and the limit" {
	run ctr run --name c1 --memory 32m --memory-swap 32m --rootfs "$ROOTFS" \
		dd if=/dev/zero of=/dev/null bs=200M count=1
	assert_failure 137
	assert_equal "$(ctr inspect c1 | jq '.[0].State.OOMKilled')" true
	assert_equal "$(oom c1 '[.Kills, .Process, .Cgroup, .LimitCgroup, .LimitBytes] | join(" ")')" \
		'1 dd /ctr/c1 /ctr/c1 33554432'
	[ "$(oom c1 .Pid)" -gt 1 ]
	assert_equal "$(of_event '.Attributes | [.name, .process, .cgroup, .limitCgroup, .limitBytes] | join(" ")')" \
		'c1 dd /ctr/c1 /ctr/c1 33554432'
	run ctr events --no-stream --format '{{.Status}}'
	assert_output $'create\nstart\noom\ndie'
	ctr rm c1
	# The next of that name has nothing of it.
	run ctr run --name c1 --memory 32m --rootfs "$ROOTFS" true
	assert_success
	assert_equal "$(ctr inspect c1 | jq '.[0].State.OOM')" null
	ctr rm c1
	assert_nothing_left
}

@test "oom: --rm tells too, and a pool's limit is named as the pool's" {
	ctr pool create --memory 32m p1
	run ctr run --rm --name c1 --cgroup-parent p1 --rootfs "$ROOTFS" dd if=/dev/zero of=/dev/null bs=200M count=1
	assert_failure 137
	assert_equal "$(of_event '.Attributes | [.name, .process, .cgroup, .limitCgroup, .limitBytes] | join(" ")')" \
		'c1 dd /p1/c1 /p1 33554432'
	ctr pool rm p1
	assert_nothing_left
}

@test "oom: one that is not the first process is told by a follower, while the container goes on" {
	ctr_background events --format '{{.Status}} {{.Name}} {{.Attributes.process}}' --filter event=oom
	local events=$ctr_out
	start c1 --memory 32m --memory-swap 32m sh -c 'while :; do sleep 1000 & wait; done'
	sleep 2
	ctr exec c1 dd if=/dev/zero of=/dev/null bs=200M count=1 || true
	wait_until 10 grep -q 'oom c1 dd' "$events"
	state_is c1 running
	# Told once, also when another looks.
	ctr inspect c1 >/dev/null
	assert_equal "$(of_event .Name | wc -l)" 1
	assert_equal "$(oom c1 .Process)" dd
	ctr exec c1 dd if=/dev/zero of=/dev/null bs=200M count=1 || true
	# Nobody follows: who inspects it tells.
	wait_until 10 sh -c '[ "$(grep -c oom "$0")" = 2 ]' "$events"
	assert_equal "$(oom c1 .Kills)" 2
	ctr kill c1
	wait_until 10 state_is c1 stopped
	assert_equal "$(of_event .Name | wc -l)" 2
	ctr rm c1
	kill "${BACKGROUND[0]}"
	wait "${BACKGROUND[0]}" || true
	BACKGROUND=()
	assert_nothing_left
}

@test "oom: a name that is made to mislead, and one that others wrote into the log" {
	# As the kernel has it, written by a process: another facility.
	echo 'oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/ctr/c1,task_memcg=/ctr/c1,task=forged,pid=1,uid=0' >/dev/kmsg
	cp "$PROBE" "$ROOTFS/x,pid=1,uid=0"
	run ctr run --name c1 --memory 16m --memory-swap 16m --rootfs "$ROOTFS" '/x,pid=1,uid=0' memory 64
	rm "$ROOTFS/x,pid=1,uid=0"
	assert_failure 137
	echo 'oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/ctr/c1,task_memcg=/ctr/c1,task=forged,pid=1,uid=0' >/dev/kmsg
	assert_equal "$(oom c1 .Process)" 'x,pid=1,uid=0'
	[ "$(oom c1 .Pid)" -gt 1 ]
	ctr rm c1
	cp "$PROBE" "$ROOTFS/x,task=init"
	run ctr run --name c1 --memory 16m --memory-swap 16m --rootfs "$ROOTFS" '/x,task=init' memory 64
	rm "$ROOTFS/x,task=init"
	assert_equal "$(oom c1 '[.Kills, .Process, .Cgroup, .LimitBytes] | join(" ")')" '1 unknown unknown '
	ctr rm c1
	assert_nothing_left
}

@test "oom: without the kernel's log the kill is known, and the rest unknown" {
	mount --bind /dev/null /dev/kmsg
	run ctr run --name c1 --memory 16m --memory-swap 16m --rootfs "$ROOTFS" probe memory 64
	umount /dev/kmsg
	assert_failure 137
	assert_equal "$(ctr inspect c1 | jq '.[0].State.OOMKilled')" true
	assert_equal "$(oom c1 '[.Kills, .Process, .LimitCgroup] | join(" ")')" '1 unknown unknown'
	ctr rm c1
	assert_nothing_left
}
