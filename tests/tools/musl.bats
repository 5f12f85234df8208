# The static programs' C library with what mk/musl puts in its place.
# build: tests/helpers/fill tests/helpers/rows

load ../integration/lib

@test "musl: heap under four threads, memcpy and memmove of each length, names" {
	local seed
	for seed in 1 2 "$RANDOM"; do
		echo "seed $seed"
		run "$CTR_BUILD/tests/helpers/fill" "$seed"
		assert_success
		assert_output fine
	done
}

@test "musl: the static programs have nothing of glibc in them, and need no loader" {
	[ -z "${CTR_SAN-}" ] || skip "with sanitizers all stands on glibc"
	local program
	grep -qa GLIBC_TUNABLES "$CTR_BUILD/tests/helpers/rows" # which stands on glibc
	for program in ctr ctr-oci ctr-monitor ctr-vm; do
		run ! grep -qa GLIBC_TUNABLES "$CTR_BUILD/bin/$program"
		run readelf --program-headers "$CTR_BUILD/bin/$program"
		refute_line --partial INTERP
	done
}
