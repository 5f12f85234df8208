# Every flag of run with a value that can't be right: status 125, an error that names the flag, nothing left.

load lib

# FLAG=VALUE a line; a flag without a bad value of its own is not here.
bad_values() {
	cat <<-'ROWS'
		name=-x
		name=a/b
		rootfs=/nothere
		bundle=/nothere
		annotation=novalue
		cidfile=/nothere/x
		pidfile=/nothere/x
		init=maybe
		stop-signal=NOSUCH
		stop-timeout=soon
		isolation=magic
		kernel=/nothere
		kernel-args=quiet
		initrd=/nothere
		preserve-fds=-1
		sdnotify=maybe
		sdnotify=healthy
		restart=sometimes
		restart=always:3
		detach-keys=ctrl-1
		detach=maybe
		health-cmd=[
		health-cmd=[]
		health-interval=soon
		health-timeout=0
		health-retries=0
		health-start-period=soon
		health-on-failure=cry
		log-driver=carrier-pigeon
		log-opt=novalue
		log-opt=nosuch=1
		log-opt=max-size=0
		log-opt=max-size=big
		log-opt=max-file=0
		log-opt=max-file=3
		log-opt=path=
		log-opt=mode=sometimes
		log-opt=tag={{.Moon}}
		env==x
		env-file=/nothere
		workdir=relative
		user=nosuchuser
		user=1000:nosuchgroup
		group-add=nosuchgroup
		umask=999
		ulimit=nofile
		ulimit=nosuch=1
		ulimit=nofile=2:1
		oom-score-adj=5000
		personality=VAX
		network=moon
		network=container:nothere
		network=ns:/etc/passwd
		pid=moon
		ipc=moon
		uts=moon
		cgroupns=moon
		userns=moon
		uidmap=1:2
		uidmap=0:0:0
		gidmap=x:y:z
		time=moon
		boottime=soon
		monotonic=soon
		hostname=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
		sysctl=novalue
		sysctl=kernel.panic=1
		volume=relative
		volume=a%b:/x
		volume=/nothere:/x
		volume=/etc:/x:nosuchoption
		mount=type=magic,dst=/x
		mount=dst=/x
		tmpfs=relative
		shm-size=big
		device=/nothere
		device=/etc/passwd
		memory=lots
		memory=-5
		memory-swap=lots
		memory-reservation=lots
		cpus=-1
		cpus=many
		cpu-shares=-1
		cpu-period=x
		cpu-quota=x
		cpuset-cpus=0-
		cpuset-mems=x
		pids-limit=many
		blkio-weight=5
		blkio-weight-device=/dev/null
		device-read-bps=/nothere:1m
		device-write-bps=x
		device-read-iops=x
		device-write-iops=x
		cgroup-parent=/a/../b
		cgroup-manager=lots
		cgroup-conf=novalue
		cgroup-conf=cgroup.procs=1
		device-cgroup-rule=x
		cap-add=FLY
		cap-drop=FLY
		security-opt=nonsense
		security-opt=seccomp=/nothere
		security-opt=allow=nosuch
		rm=maybe
	ROWS
}

@test "flags: a bad value of each is refused by name" {
	local row wrong=()
	while read -r row; do
		run ctr run "--$row" busybox -- true
		# By the flag, or by the key of config.json that it became.
		if [ "$status" -ne 125 ] || [[ $output != 'ctr: run:'* ]] ||
			! grep -qE -- "--${row%%=*}|linux\.|process\.|mounts|root\.path|container name|hostname:" <<<"$output"; then
			wrong+=("--$row: status $status: $output")
		fi
	done < <(bad_values)
	[ ${#wrong[@]} -eq 0 ] || fail "${wrong[@]}"
	assert_nothing_left
}

@test "flags: no flag of run is without a row here, or is one that takes any value" {
	local any=' attach cap-add cap-drop console-socket domainname dry-run entrypoint interactive
		nested overlay privileged read-only sig-proxy tty help detach pid-file net label ' flag
	for flag in $("$CTR_BIN" run --help | sed -n 's/^ *\(-[a-zA-Z], \)\?--\([a-z-]*\).*/\2/p'); do
		bad_values | grep -q "^$flag=" || grep -qw -- "$flag" <<<"$any" || fail "--$flag"
	done
}

@test "flags: what is a micro-VM's is refused without one" {
	local flag
	for flag in --nested --kernel=/dev/null --kernel-args=quiet --initrd=/dev/null; do
		run ctr run "$flag" busybox -- true
		assert_failure 125
		assert_output --partial "${flag%%=*}: goes with --isolation vm or emulated"
	done
	for flag in --kernel-args=quiet --initrd=/dev/null; do
		run ctr run --isolation emulated "$flag" busybox -- true
		assert_failure 125
		assert_output --partial "${flag%%=*}: goes with --kernel"
	done
	run ctr run --isolation emulated --kernel /dev/null --initrd /nothere busybox -- true
	assert_failure 125
	assert_output --partial '--initrd /nothere: No such file or directory'
	assert_nothing_left
}

@test "flags: an unknown flag is named, and the one that was meant" {
	run ctr run --memroy 1g busybox -- true
	assert_failure 125
	assert_output --partial 'did you mean --memory?'
	run ctr run --memory
	assert_failure 125
	assert_output --partial '--memory needs a value'
	run ctr run
	assert_failure 125
	run ctr run nosource -- true
	assert_failure 125
	run ctr exec
	assert_failure 125
}

@test "flags: two that contradict each other" {
	run ctr run --cap-add CHOWN --cap-drop CHOWN busybox -- true
	assert_failure 125
	run ctr run --uts host --hostname x busybox -- true
	assert_failure 125
	run ctr run --memory 1m --memory-swap 512k busybox -- true
	assert_failure 125
	run ctr run --volume /etc:/x --tmpfs /x busybox -- true
	assert_failure 125
	assert_output --partial /x
	run ctr run --rootfs / --bundle . -- true
	assert_failure 125
	assert_nothing_left
}
