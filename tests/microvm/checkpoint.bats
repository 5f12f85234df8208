# vm: --kvm -m 3000
# limit: 900
# A container in a micro-VM as files, on from there, and in copies that differ.

load guest

setup() {
	ctr_setup
	guest_setup
	modprobe tun
	BUNDLE=$BATS_TEST_TMPDIR/b ROOTFS=$BATS_TEST_TMPDIR/b/rootfs IMAGES=$BATS_TEST_TMPDIR/images
	make_bundle "$BUNDLE"
	echo 0123456789abcdef0123456789abcdef >"$ROOTFS/etc/machine-id"
	: >"$ROOTFS/counted"
}

# Each container has a cable of its own, eth7, whose addresses are those of nobody before it.
make_cables() {
	echo 10 >"$BATS_TEST_TMPDIR/last"
	cat >"$BATS_TEST_TMPDIR/hook" <<-E
		#!/bin/sh
		pid=\$(jq -r .pid)
		n=\$((\$(cat $BATS_TEST_TMPDIR/last) + 1))
		echo "\$n" >$BATS_TEST_TMPDIR/last
		ip link add eth7 netns "\$pid" type veth peer name "w\$n"
		ip link set "w\$n" up
		nsenter --net="/proc/\$pid/ns/net" sh -c "ip link set eth7 up; ip addr add 10.9.0.\$n/24 dev eth7"
	E
	chmod 755 "$BATS_TEST_TMPDIR/hook"
}

# It counts into an open file and to its output, and says who it is.
COUNT='exec 5>>/counted
i=0
while :; do
	i=$((i + 1))
	echo $i >&5
	echo "$i $(hostname) $(cat /etc/machine-id) $(cat /proc/sys/kernel/random/uuid) $(date +%s)"
	sleep 0.2
done'

# who NAME: all that two may not have in common, a line each.
who() {
	ctr exec "$1" sh -c 'hostname; cat /etc/machine-id /proc/sys/kernel/random/uuid /sys/class/net/eth7/address
		head -c 16 /dev/urandom | md5sum; ip addr show eth7 | grep -o "inet [0-9./]*"'
}

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
	make_cables
	edit_config "$BUNDLE" --arg count "$COUNT" ".vm = {kernel: {path: \"$KERNEL\"}} | .hostname = \"first\" |
		.process.args = [\"sh\", \"-c\", \$count] | .hooks.createRuntime = [{path: \"$BATS_TEST_TMPDIR/hook\"}]"
	ctr run -d --name warm --memory 200m --bundle "$BUNDLE"
	wait_until 20 eval 'ctr logs warm >"$BATS_TEST_TMPDIR/first" && counts_to "$BATS_TEST_TMPDIR/first" 3'
	run ctr checkpoint --check --image-path "$IMAGES" warm
	assert_output ''
	run ctr checkpoint --pre-dump --image-path "$IMAGES" warm
	assert_failure 125
	assert_output --partial "--pre-dump: a micro-VM's checkpoint is the whole machine at one moment"

	# It goes on here as well.
	ctr checkpoint --leave-running --image-path "$IMAGES" warm
	state_is warm running
	last=$(tail -n 1 "$ROOTFS/counted")
	wait_until 10 eval '[ "$(tail -n 1 "$ROOTFS/counted")" -gt $((last + 1)) ]'
	ctr checkpoint --image-path "$IMAGES" warm
	state_is warm stopped
	assert_equal "$(stat -c %a "$IMAGES/memory" "$IMAGES/state")" $'600\n600'
	last=$(tail -n 1 "$ROOTFS/counted")

	# From the very next number on, into the same open file, with the time of now.
	(exec 3>&-; ctr restore --detach --image-path "$IMAGES" warm >"$out" 2>&1 </dev/null) || fail "$(cat "$out")"
	wait_until 20 counts_to "$out" $((last + 3))
	# No number twice, and none left out.
	awk 'NR != $1 { print "line " NR ": " $1; bad = 1 } END { exit bad }' "$ROOTFS/counted"
	assert_equal "$(field "$out" 2)" first
	assert_equal "$(field "$out" 3)" 0123456789abcdef0123456789abcdef
	((($(date +%s) - $(field "$out" 5)) < 100)) || fail "$(tail -n 3 "$out"), now $(date +%s)"
	who warm >"$BATS_TEST_TMPDIR/warm"
	assert_equal "$(sed -n 1p "$BATS_TEST_TMPDIR/warm")" first
	# Its network is that of its second life.
	assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/warm")" 'inet 10.9.0.12/24'
	ctr rm --force warm
	before=$(cat "$ROOTFS/counted")

	# Two copies: each is somebody else, and writes to files of its own.
	(exec 3>&-; ctr clone --image-path "$IMAGES" copy 2 >"$out" 2>&1 </dev/null) || fail "$(cat "$out")"
	for name in copy-1 copy-2; do
		state_is "$name" running
		who "$name" >"$BATS_TEST_TMPDIR/$name"
		assert_equal "$(head -n 1 "$BATS_TEST_TMPDIR/$name")" "$name"
		grep -qE '^[0-9a-f]{32}$' "$BATS_TEST_TMPDIR/$name"
		assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/$name")" 6
	done
	assert_equal "$(sort "$BATS_TEST_TMPDIR"/copy-? "$BATS_TEST_TMPDIR/warm" | uniq -d)" ''
	[[ $(cat "$BATS_TEST_TMPDIR"/copy-?) != *0123456789abcdef0123456789abcdef* ]]
	assert_equal "$(cat "$ROOTFS/etc/machine-id")" 0123456789abcdef0123456789abcdef
	assert_equal "$(cat "$ROOTFS/counted")" "$before"
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
	assert_output 'ctr: clone: 0: how many copies? 1 to 1000'
	run ctr clone --image-path "$IMAGES" copy 1
	assert_failure 125
	assert_output --partial "the checkpoint in $IMAGES"
	assert_nothing_left
}
