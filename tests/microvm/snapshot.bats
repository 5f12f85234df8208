# vm: --kvm -m 3000
# limit: 1200
# A machine as two files, and on from there: itself, once more, in two copies; and what is no such thing is refused.

load guest

setup() {
	ctr_setup
	guest_setup
	CLIENT=$CTR_BUILD/tests/helpers/vsock
	cd "$BATS_TEST_TMPDIR" || return
}

# ask REQUEST: what the launcher answers.
ask() {
	echo "$*" | "$CLIENT" talk unix:control
}

# launch NAME FLAG...: its output is NAME, its words NAME.err; $pid.
launch() {
	local name=$1
	shift
	"$VM" "$@" --control control >"$name" 2>"$name.err" 3>&- </dev/null &
	pid=$!
	BACKGROUND+=("$pid")
}

# counted NAME: the last number there.
counted() {
	tr -d '\r' <"$1" | sed -n 's/^count \([0-9]*\) .*/\1/p' | tail -n 1
}

# counts_to NAME NUMBER: at least.
counts_to() {
	local n
	# Nobody is waited for who is gone.
	kill -0 "$pid" || {
		cat "$1.err"
		exit 1
	}
	n=$(counted "$1")
	[ "${n:-0}" -ge "$2" ]
}

end() {
	kill -KILL "$pid"
	wait "$pid" || true
	rm -f control
}

# A guest that counts, and says what it reads of its disk, and two random numbers: a UUID of the kernel's pool, and
# what /dev/urandom has.
counting() {
	cat <<-'END'
		busybox mount -t proc proc /proc
		busybox mount -t sysfs sysfs /sys
		busybox mount -t devtmpfs dev /dev
		. /modules/load
		i=0
		while :; do
			i=$((i + 1))
			disk=$(busybox dd if=/dev/vda bs=512 count=1 skip="$i" iflag=direct 2>/dev/null | busybox md5sum)
			rng=$(busybox head -c 16 /dev/hwrng | busybox wc -c)
			echo "count $i ${disk%% *} $rng $(busybox cat /proc/sys/kernel/random/uuid)" \
				"$(busybox head -c 16 /dev/urandom | busybox md5sum)"
			busybox sleep 0.1
		done
	END
}

# The numbers of NAME begin where those of the first guest ended, and it reads what the disk has there.
assert_goes_on() {
	local number sum rng rest
	tr -d '\r' <"$1" | sed -n 's/^count //p' | head -n 3 >lines
	# A line may have been cut by the snapshot.
	sed -i '/^[0-9]* [0-9a-f]\{32\} 16 [-0-9a-f]\{36\} [0-9a-f]\{32\} *-$/!d' lines
	[ -s lines ] || fail "$1: $(cat "$1" "$1.err")"
	while read -r number sum rng rest; do
		((number > last && number < last + 5)) || fail "$1: from $last to $number"
		assert_equal "$sum" "$(dd if=disk bs=512 count=1 skip="$number" status=none | md5sum | cut -d ' ' -f 1)"
		assert_equal "$rng" 16
	done <lines
}

# same_numbers A B: random numbers that are in both. Those from before the guest's kernel has heard are not looked at.
same_numbers() {
	local name
	for name; do
		tr -d '\r' <"$name" | sed -n '/^count/p' | tail -n +5 | cut -d ' ' -f 5,6 | tr ' ' '\n' | sort -u >"$name.numbers"
		(($(wc -l <"$name.numbers") > 2)) || fail "$name: $(cat "$name")"
	done
	comm -12 "$1.numbers" "$2.numbers"
}

@test "vm: a snapshot goes on where it was, as often as wanted, with disk and random numbers of its own; others are refused" {
	counting | initramfs virtio_pci virtio_blk virtio-rng i6300esb
	head -c 4m /dev/urandom >disk
	local devices=(--disk "disk,readonly" --balloon 0 --watchdog pause) last
	launch first --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet --memory 128m "${devices[@]}"
	wait_until 100 counts_to first 3
	run ask pause
	last=$(counted first)
	run ask snapshot "$BATS_TEST_TMPDIR/snap"
	assert_output ok
	# It goes on itself, when it is told to.
	run ask status
	assert_output --partial '"state":"paused"'
	run ask resume
	wait_until 30 counts_to first $((last + 2))
	run ask snapshot "$BATS_TEST_TMPDIR/snap"
	assert_output "error there is a snapshot in $BATS_TEST_TMPDIR/snap already, or a part of one"
	run ask snapshot
	assert_output 'error snapshot PATH, or snapshot and two files with it, for state and memory'
	run ask snapshot /nothere/snap
	assert_output 'error make the folder /nothere/snap: No such file or directory'
	end
	# Holes where the guest has zeros.
	[ "$(stat -c %s snap/memory)" = $(((128 << 20) + 4096)) ]
	(($(stat -c %b snap/memory) < 110 << 11)) || fail "$(ls -ls snap)"
	assert_equal "$(stat -c %a snap snap/memory snap/state)" $'700\n600\n600'

	# Twice, one after the other: each goes on from there, and has other random numbers.
	local before
	before=$(md5sum snap/*)
	launch second --restore snap "${devices[@]}"
	wait_until 100 counts_to second $((last + 10))
	run ask status
	assert_output --partial '"state":"running","memory":134217728,"cpus":1'
	# One that was continued can be one again, while it runs.
	local from
	from=$(counted second)
	run ask snapshot "$BATS_TEST_TMPDIR/again"
	assert_output ok
	wait_until 30 counts_to second $((from + 5))
	end
	launch third --restore snap,unchecked "${devices[@]}"
	wait_until 100 counts_to third $((last + 10))
	end
	assert_goes_on second
	assert_goes_on third
	assert_equal "$(same_numbers second third)" ''
	assert_equal "$(md5sum snap/*)" "$before"
	launch fourth --restore again "${devices[@]}"
	wait_until 100 counts_to fourth $((from + 3))
	end
	last=$from
	assert_goes_on fourth

	# refused WORDS DIR [FLAG...]
	refused() {
		local words=$1 dir=$2
		shift 2
		run timeout 100 "$VM" --restore "$dir" "$@"
		assert_failure 125
		assert_output --partial "$words"
	}
	refused "--restore goes on with the snapshot's own kernel" snap "${devices[@]}" --kernel "$KERNEL"
	refused 'give the same flags for devices' snap --disk disk,readonly --watchdog pause
	refused 'give the same flags for devices' snap --disk disk,readonly --balloon 0
	refused 'give the same flags for devices' snap --balloon 0 --disk disk,readonly --vsock v.sock
	refused 'offers less now' snap --disk disk --balloon 0 --watchdog pause
	head -c 2m disk >small
	refused 'no such state of a block device can be, or not of this one' \
		snap --disk small,readonly --balloon 0 --watchdog pause
	refused 'open the folder /nothere' /nothere "${devices[@]}"
	refused 'open its file "state"' . "${devices[@]}"
	cp -r --sparse=always snap bad
	printf x | dd of=bad/memory bs=1 seek=$((5 << 20)) conv=notrunc status=none
	refused 'its memory is damaged' bad "${devices[@]}"
	cp again/memory bad/memory
	refused "its memory is another snapshot's" bad "${devices[@]}"
	truncate -s -1 bad/memory
	refused 'its memory has' bad "${devices[@]}"
	truncate -s -1 bad/state
	refused 'and had' bad "${devices[@]}"
	cp snap/state bad/state
	printf x | dd of=bad/state bs=1 seek=3000 conv=notrunc status=none
	refused 'damaged' bad "${devices[@]}"
	head -c 1m "$KERNEL" >bad/state
	refused "it is no snapshot of ctr-vm's" bad "${devices[@]}"
	assert_nothing_left
}

@test "vm: a snapshot of two processors, whose sockets end; a clone's kernel knows that it is one" {
	mkdir -p tree/bin
	cp "$CLIENT" tree/bin
	{
		cat <<-'END'
			busybox mount -t proc proc /proc
			busybox mount -t sysfs sysfs /sys
			busybox mount -t devtmpfs dev /dev
			. /modules/load
			vsock echo vsock:5000 &
			# One on each processor.
			(while :; do :; done) &
			(while busybox sleep 1; do echo still there; done | vsock talk vsock:2:6000 >/dev/null
				echo "stream ended") >/dev/console 2>&1 &
			i=0
			while :; do
				i=$((i + 1))
				echo "count $i $(busybox grep -c ^processor /proc/cpuinfo)"
				busybox dmesg | busybox grep 'virtual machine fork'
				busybox sleep 0.3
			done
		END
	} | initramfs virtio_pci vmw_vsock_virtio_transport
	"$CLIENT" echo unix:v.sock_6000 3>&- &
	local server=$!
	BACKGROUND+=("$server")
	launch first --kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet --cpus 2 --memory 128m --vsock v.sock
	wait_until 100 counts_to first 3
	! grep -q 'virtual machine fork' first || fail 'it is none yet'
	run ask snapshot "$BATS_TEST_TMPDIR/snap"
	assert_output ok
	local last
	last=$(counted first)
	! grep -q 'stream ended' first || fail 'the stream has ended before'
	end
	rm -f v.sock
	launch second --restore snap --vsock v.sock
	wait_until 100 counts_to second $((last + 3))
	wait_until 100 grep -q 'crng reseeded due to virtual machine fork' second
	wait_until 100 grep -q 'stream ended' second
	grep -q "^count [0-9]* 2" second
	# New ones are made.
	run "$CLIENT" talk unix:v.sock 5000 <<<'hello'
	assert_output hello
	kill "$server"
	kill -TERM "$pid"
	wait "$pid" || true
	assert_nothing_left
}

@test "vm: a guest goes on in a shared folder, with a file open in it and one of its folders as its own" {
	mkdir shared
	initramfs virtio_pci virtiofs <<-'END'
		busybox mount -t proc proc /proc
		busybox mount -t sysfs sysfs /sys
		busybox mount -t devtmpfs dev /dev
		. /modules/load
		busybox mkdir /mnt
		busybox mount -t virtiofs data /mnt
		busybox mkdir /mnt/before
		cd /mnt/before
		exec 5>>log
		# With another name than those by which they were made.
		busybox mv /mnt/before /mnt/desk
		busybox mv log numbers
		i=0
		while :; do
			i=$((i + 1))
			busybox echo "$i" >&5
			echo "count $i $(busybox stat -c %h .) $(busybox tail -n 1 numbers)"
			busybox sleep 0.1
		done
	END
	local last flags=(--kernel "$KERNEL" --initrd "$INITRD" --kernel-args quiet --memory 128m)
	launch first "${flags[@]}" --share data=shared
	wait_until 100 counts_to first 3
	run ask pause
	run ask snapshot "$BATS_TEST_TMPDIR/snap"
	assert_output ok
	end
	last=$(wc -l <shared/desk/numbers)
	cp -a shared copy
	cp -a shared without
	rm without/desk/numbers

	# goes_on NAME DIR: from there, in the same file.
	goes_on() {
		launch "$1" --restore snap --share "data=$2"
		wait_until 100 counts_to "$1" $((last + 5))
		run ask pause
		cmp <(seq "$(wc -l <"$2/desk/numbers")") "$2/desk/numbers"
		grep -q "^count $((last + 3)) 2 $((last + 3))" "$1"
	}
	goes_on second shared
	end

	# Files of other numbers, by the same names. What has none can't be found by one: it is said, and the guest goes on.
	goes_on third copy
	rm copy/desk/numbers
	run ask snapshot "$BATS_TEST_TMPDIR/none"
	assert_output "error --share data: the guest has a file open that can't be found again, for it has no name in the folder any more: desk/numbers; let it close it first"
	[ ! -e none/state ] && [ ! -e none/memory ]
	run ask resume
	wait_until 100 counts_to third $((last + 9))
	end

	# What isn't there any more is an error for who has it open, and for nobody else.
	launch fourth --restore snap --share data=without
	wait_until 100 counts_to fourth $((last + 3))
	grep -q 'write error: Stale file handle' fourth
	grep -q "^count $((last + 3)) 2 " fourth
	[ ! -e without/desk/numbers ]
	end

	run timeout 100 "$VM" --restore snap --share other=shared
	assert_failure 125
	assert_output --partial "--share other: the guest's share in this place had another tag"
	run timeout 100 "$VM" --restore snap --share data=shared,readonly
	assert_failure 125
	assert_output --partial '--share data: the folder was shared for writing, and is not any more'
	assert_nothing_left
}
