# What tests of --isolation emulated start: `load emulated` after lib.

# CTR_KERNEL: Debian's, as the test VM has it; it brings its modules along.
emulated_kernel() {
	CTR_KERNEL=$("$REPO/tests/vm/kernel" | sed -n 2p)
	export CTR_KERNEL
	[ -n "$CTR_KERNEL" ]
}

setup_file() { emulated_kernel; }
