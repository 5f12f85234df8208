# vm: -d 512M
# limit: 600
# ctr stats where all controllers are: runs in the test VM.

load lib
load limits

# stat NAME FILTER: of one look, by jq.
stat() {
	ctr stats --no-stream --interval 200ms --format json "$1" | jq -r ".[0] | $2"
}

@test "stats: memory, its limit and its part of that" {
	start c1 --memory 64m --pids-limit 44 probe memory 32
	wait_until 10 sh -c '[ "$(cat "$0")" -gt 33554432 ]' "$CGROUPS/ctr/c1/memory.current"
	between 33554432 "$(stat c1 .MemUsageBytes)" 41943040
	assert_equal "$(stat c1 .MemLimitBytes)" 67108864
	between 50 "$(stat c1 '.MemPercent | floor')" 63
	assert_equal "$(stat c1 .PidsCurrent)" 1
	assert_equal "$(stat c1 .PidsLimit)" 44
	run ctr stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' c1
	assert_output --regexp '^3[0-9](\.[0-9]+)?MiB / 64MiB 1$'
	ctr rm --force c1
	assert_nothing_left
}

@test "stats: the limit of a pool above it, else the machine's memory" {
	ctr pool create --memory 48m p1
	start c1 --cgroup-parent p1 --pids-limit 10 sleep 1000
	assert_equal "$(stat c1 .MemLimitBytes)" 50331648
	ctr rm --force c1
	ctr pool rm p1
	start c2 --memory-reservation 1m sleep 1000
	assert_equal "$(stat c2 .MemLimitBytes)" $(($(awk '/^MemTotal/ { print $2 }' /proc/meminfo) * 1024))
	assert_equal "$(stat c2 .PidsLimit)" null
	ctr rm --force c2
	assert_nothing_left
}

@test "stats: bytes of disks" {
	local disk
	disk=$(findmnt -no SOURCE /scratch)
	start c1 --device-write-bps "$disk:100mb" --volume /scratch:/scratch \
		sh -c 'dd if=/dev/zero of=/scratch/data bs=64k count=64 oflag=direct; sleep 1000'
	wait_until 20 sh -c 'grep -q "wbytes=4[0-9]\{6\}" "$0"' "$CGROUPS/ctr/c1/io.stat"
	between 4194304 "$(stat c1 .BlockOutputBytes)" 4999999
	ctr rm --force c1
	rm /scratch/data
	assert_nothing_left
}

@test "stats: pressure of one that wants more processor time than it gets" {
	start c1 --cpus 0.1 sh -c 'while :; do :; done'
	wait_until 30 sh -c 'awk "\$1 == \"some\" { sub(\"avg10=\", \"\", \$2); exit !(\$2 > 5) }" "$0"' \
		"$CGROUPS/ctr/c1/cpu.pressure"
	[ "$(stat c1 '.Pressure.CPU.Some10 > 3')" = true ]
	[ "$(stat c1 '.CPUPercent < 40')" = true ]
	ctr rm --force c1
	assert_nothing_left
}
