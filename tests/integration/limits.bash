# For tests of limits: containers from a small rootfs, and numbers to look at. `load limits`.

setup_file() {
	make_bundle "$BATS_FILE_TMPDIR/bundle"
}

setup() {
	ROOTFS=$BATS_FILE_TMPDIR/bundle/rootfs
	# Compiled filters stay for the next container.
	export KEPT_FILES='/(cache|\.seccomp|\.events(\.1)?)(/|$)'
	ctr_setup
}

# start NAME ARG...: a container in the background, running when this returns.
start() {
	local name=$1
	shift
	ctr_background run --name "$name" --rootfs "$ROOTFS" "$@"
	# shellcheck disable=SC2154     # set by ctr_background
	wait_until 10 state_is "$name" running || fail "$(cat "$ctr_out")"
}

# cg NAME FILE: a file of a container's group, as the host has it.
cg() {
	cat "$CGROUPS/ctr/$1/$2"
}

# between LEAST VALUE MOST
between() {
	if [ "$1" -gt "$2" ] || [ "$2" -gt "$3" ]; then
		fail "$2 is not between $1 and $3"
	fi
}

# cpu_share GROUP SECONDS: the processor time it uses, in thousandths of one processor.
cpu_share() {
	local before began
	before=$(cpu_usage "$1") began=${EPOCHREALTIME/./}
	sleep "$2"
	echo $((($(cpu_usage "$1") - before) * 1000 / (${EPOCHREALTIME/./} - began)))
}

cpu_usage() {
	awk '$1 == "usage_usec" { print $2 }' "$CGROUPS$1/cpu.stat"
}

# io_rate GROUP WORD SECONDS: bytes a second, from io.stat.
io_rate() {
	local first began
	first=$(io_bytes "$1" "$2") began=${EPOCHREALTIME/./}
	sleep "$3"
	echo $((($(io_bytes "$1" "$2") - first) * 1000 / ((${EPOCHREALTIME/./} - began) / 1000)))
}

io_bytes() {
	tr ' ' '\n' <"$CGROUPS$1/io.stat" |
		awk -F= -v word="$2" '$1 == word { n += $2 } END { print n + 0 }'
}
