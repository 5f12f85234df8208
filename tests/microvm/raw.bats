# vm: --kvm -m 1000
# build: tests/microvm/raw
# limit: 300
# A guest that is hostile from its first instruction on (raw/hostile.c); `make fuzz-guest` is the long form of it.

load guest

@test "vm: a hostile guest: registers, queues, indices and doorbells at random; its launcher survives it" {
	modprobe tun
	run env CTR_SEED=1 CTR_VM="$VM" "$BATS_TEST_DIRNAME/raw/run" -s 20 -r 200
	assert_success
	assert_output --regexp '^[1-9][0-9]* guests of 200 rounds'
	assert_nothing_left
}
