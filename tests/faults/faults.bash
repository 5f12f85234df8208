# A fault at one system call of a program of ours, one run for each. `load faults` after lib.
#
# The N-th openat (mount, write, ...) of the process, or with -f also of each process that it makes, is
# answered with an error or by SIGKILL: strace(1), "Tampering". A sample of the calls in `make check`,
# all of them in `make check-long`; which ones the sample has changes with the seed that is printed.

# FAULTY: the program that is disturbed, with its first flags (the default: ctr).

# Not the C library's start and malloc: no kernel answers these so.
NEVER='^(brk|mmap|munmap|mprotect|arch_prctl|set_tid_address|set_robust_list|rseq|execve|execveat|exit_group|exit)$'

setup_file() {
	# The first container fills caches; that isn't what is looked at here.
	"$CTR_BIN" --root /run/ctr-test/warm run --rm busybox true
	rm -rf /run/ctr-test/warm
}

setup() {
	ctr_setup
	SEED=${CTR_SEED:-$((RANDOM % 97))}
	echo "CTR_SEED=$SEED"
	FAULTY=("$CTR_BIN" "${CTR_FLAGS[@]}")
}

# calls_of [-f] ARG...: the calls that `ctr ARG...` makes, "NAME N" a line, in their order.
calls_of() {
	local follow=() trace=$BATS_TEST_TMPDIR/trace
	[ "$1" != -f ] || { follow=(-f) && shift; }
	strace "${follow[@]}" -qq -e signal=none -o "$trace" "${FAULTY[@]}" "$@" >/dev/null 2>&1 3>&- || true
	sed -E 's/^[0-9]+ +//; s/^<\.\.\. .*//' "$trace" | sed -nE 's/^([a-z0-9_]+)\(.*/\1/p' |
		grep -vE "$NEVER" | awk '{ print $1, ++n[$1] }'
}

# sample LESS: of the lines on stdin, about one in LESS; every one in check-long.
sample() {
	local step=$1
	[ -z "${CTR_LONG-}" ] || step=1
	awk -v step="$step" -v seed="$SEED" 'NR % step == seed % step'
}

# faulty [-f] WHAT NAME N ARG...: ctr with a fault at its N-th call NAME. Sets status and said. Twenty
# seconds are for ever.
faulty() {
	local follow=() what call n
	[ "$1" != -f ] || { follow=(-f) && shift; }
	what=$1 call=$2 n=$3
	shift 3
	at="$call $n, $what"
	status=0
	# Into a file: a payload that lives on would keep a pipe open.
	timeout -k 1 20 strace "${follow[@]}" -qq -o /dev/null -e inject="$call:$what:when=$n" \
		"${FAULTY[@]}" "$@" </dev/null >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- || status=$?
	said=$(cat "$BATS_TEST_TMPDIR/said")
}

# What is listed goes by `rm`; then everything must be as it was.
clean_up() {
	local name
	for name in $(ctr ps --all --format '{{.Name}}'); do
		ctr rm --force "$name" >/dev/null || fail "at $at: rm of $name"
	done
	wait_until 2 nothing_left 2>/dev/null || fail "after a fault at $at ($status: $said):" "$LEFT"
}

# What a full machine, a broken disk and a restricted one say.
ERRORS=(ENOMEM EIO EPERM)

# A close that fails has closed all the same, and one that is not done at all is no kernel's.
fallible() {
	grep -vE '^(close|close_range|getpid|gettid|getuid|geteuid|umask|poll|ppoll|wait4|waitid|rt_sig.*) '
}

# Never a crash, a hang or a status that nobody expects; an error has words.
told() {
	case $status in
	0) ;;
	125 | 126 | 127 | 1 | 2 | 137) [ -n "$said" ] || fail "status $status without a word at $at" ;;
	*) fail "status $status at $at: $said" ;;
	esac
}
