# vm: --kvm -m 3000
# limit: 900
# A container in a micro-VM as files, on from there, and in copies that differ.

load guest

# The image folder outlives a container, and rootfs is one that stays.
setup() {
	ctr_setup
	guest_setup
	ROOTFS=$BATS_TEST_TMPDIR/rootfs IMAGES=$BATS_TEST_TMPDIR/images
	mkdir -p "$ROOTFS"/{bin,etc,proc,sys,dev,tmp,run}
	cp "$(command -v busybox)" "$ROOTFS/bin/busybox"
	"$ROOTFS/bin/busybox" --install -s "$ROOTFS/bin" 2>/dev/null || true
	for name in sh cat sleep head date hostname md5sum; do ln -sf busybox "$ROOTFS/bin/$name"; done
	echo 0123456789abcdef0123456789abcdef >"$ROOTFS/etc/machine-id"
}

# It counts into an open file and to its output, and says who it is.
COUNT='exec 5>>/tmp/counted
i=0
while :; do
	i=$((i + 1))
	echo $i >&5
	echo "$i $(hostname) $(cat /etc/machine-id) $(cat /proc/sys/kernel/random/uuid) $(date +%s)"
	sleep 0.2
done'

counts_to() {
	local n
	n=$(sed -n 's/^\([0-9][0-9]*\) .* [0-9]*$/\1/p' "$1" | tail -n 1)
	[ "${n:-0}" -ge "$2" ]
}

# field FILE N: of its last whole line but one.
field() {
	grep -E '^[0-9]+ [^ ]+ [0-9a-f]{32} [-0-9a-f]{36} [0-9]+$' "$1" | tail -n 2 | head -n 1 | cut -d ' ' -f "$2"
}

@test "vm: a container is checkpointed, goes on where it was, and in copies that differ" {
	local out=$BATS_TEST_TMPDIR/out last name before
	ctr run -d --name warm "${VM_FLAGS[@]}" --memory 200m --hostname first --rootfs "$ROOTFS" \
		-- sh -c "$COUNT"
	wait_until 20 eval 'ctr logs warm >"$BATS_TEST_TMPDIR/first" && counts_to "$BATS_TEST_TMPDIR/first" 3'
	run ctr checkpoint --check --image-path "$IMAGES" warm
	assert_output ''
	run ctr checkpoint --pre-dump --image-path "$IMAGES" warm
	assert_failure 125
	assert_output --partial "--pre-dump: a micro-VM's checkpoint is the whole machine at one moment"

	# It goes on here as well.
	ctr checkpoint --leave-running --image-path "$IMAGES" warm
	state_is warm running
	last=$(tail -n 1 "$ROOTFS/tmp/counted")
	wait_until 10 eval '[ "$(tail -n 1 "$ROOTFS/tmp/counted")" -gt $((last + 1)) ]'
	ctr checkpoint --image-path "$IMAGES" warm
	state_is warm stopped
	assert_equal "$(stat -c %a "$IMAGES/memory" "$IMAGES/state")" $'600\n600'
	last=$(tail -n 1 "$ROOTFS/tmp/counted")

	# From the very next number on, into the same open file, with the time of now.
	run ctr restore --detach --image-path "$IMAGES" warm >"$out" 2>&1 3>&- </dev/null
	(exec 3>&-; ctr restore --detach --image-path "$IMAGES" warm >"$out" 2>&1 </dev/null) || fail "$(cat "$out")"
	wait_until 20 counts_to "$out" $((last + 3))
	assert_equal "$(sort -n "$ROOTFS/tmp/counted" | uniq -d)" ''
	assert_equal "$(wc -l <"$ROOTFS/tmp/counted")" "$(tail -n 1 "$ROOTFS/tmp/counted")"
	assert_equal "$(field "$out" 2)" first
	assert_equal "$(field "$out" 3)" 0123456789abcdef0123456789abcdef
	((($(date +%s) - $(field "$out" 5)) < 100)) || fail "$(tail -n 3 "$out"), now $(date +%s)"
	run ctr exec warm hostname
	assert_output first
	ctr rm --force warm
	before=$(cat "$ROOTFS/tmp/counted")

	# Two copies: each is somebody else, and writes to files of its own.
	(exec 3>&-; ctr clone --image-path "$IMAGES" copy 2 >"$out" 2>&1 </dev/null) || fail "$(cat "$out")"
	for name in copy-1 copy-2; do
		state_is "$name" running
		ctr exec "$name" sh -c 'hostname; cat /etc/machine-id; cat /proc/sys/kernel/random/uuid; head -c 16 /dev/urandom | md5sum' \
			>"$BATS_TEST_TMPDIR/$name"
		assert_equal "$(head -n 1 "$BATS_TEST_TMPDIR/$name")" "$name"
		grep -qE '^[0-9a-f]{32}$' "$BATS_TEST_TMPDIR/$name"
	done
	assert_equal "$(sort "$BATS_TEST_TMPDIR"/copy-? | uniq -d)" ''
	[[ $(cat "$BATS_TEST_TMPDIR"/copy-?) != *0123456789abcdef0123456789abcdef* ]]
	assert_equal "$(cat "$ROOTFS/etc/machine-id")" 0123456789abcdef0123456789abcdef
	assert_equal "$(cat "$ROOTFS/tmp/counted")" "$before"
	ctr rm --force copy-1 copy-2
	assert_nothing_left
}

@test "vm: a checkpoint that isn't one, and what can't be copied, is refused and nothing is left" {
	mkdir "$IMAGES"
	run ctr restore --image-path "$IMAGES" warm
	assert_failure 125
	assert_output --partial 'config.json'
	run ctr clone --image-path "$IMAGES" copy 0
	assert_failure 125
	assert_output 'ctr: 0: how many copies? 1 to 1000'
	run ctr clone --image-path "$IMAGES" copy 1
	assert_failure 125
	assert_output --partial "the checkpoint in $IMAGES"
	assert_nothing_left
}
