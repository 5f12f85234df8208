# What every .bats file here begins with: `load lib`.
#
# A test file is run by `make check T=FILE`, or by hand: tests/tools/in-view bats FILE.
# `load lib` defines setup and teardown; a file with its own calls ctr_setup, ctr_teardown.
#
# Variables: CTR_BIN (the program under test), OCI (the plug-in), PROBE (static payload), CTR_ROOT
# (the state folder of this test alone), CGROUPS (where cgroup v2 is), CTR_FLAGS (an array:
# what each `ctr` call of a test gets). A folder per test, gone afterwards: BATS_TEST_TMPDIR.
#
# What needs cgroup controllers, KVM or systemd goes into a file vm-*.bats, which runs in
# the test VM; `# vm: -c 2` in it are options of tests/vm/run. Nothing may be skipped in CI.
#
# `# bats test_tags=one-kernel` before a test: not for a container with a kernel of its own (tests/microvm/same.bats).
# shellcheck disable=SC2154     # status, output, lines: set by bats' run

if [ -z "${CTR_VIEW-}" ]; then
	echo "Integration tests need a machine of their own: tests/tools/in-view bats FILE" >&2
	exit 1
fi

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CTR_BUILD=${CTR_BUILD:-$REPO/build}
CTR_BIN=${CTR_BIN:-$CTR_BUILD/bin/ctr}
OCI=$CTR_BUILD/bin/ctr-oci
PROBE=${CTR_PROBE:-$CTR_BUILD/tests/probe}
CGROUPS=/sys/fs/cgroup
# The test VM is some 30 times slower than the machine it runs on. CTR_SLOWER: what is tested is so many times slower.
TIME_SCALE=1
[ "$CTR_VIEW" != vm ] || TIME_SCALE=10
[ -z "${CTR_SAN-}" ] || TIME_SCALE=$((TIME_SCALE * 3))
TIME_SCALE=$((TIME_SCALE * ${CTR_SLOWER:-1}))

ctr_setup() {
	CTR_ROOT=/run/ctr-test/$BATS_TEST_NUMBER
	CTR_FLAGS=(--root "$CTR_ROOT")
	# What ctr may want to put into a temporary folder is counted as well.
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir -p "$TMPDIR" "$CTR_ROOT"
	BACKGROUND=()
	snapshot_host
}

ctr_teardown() {
	local pid id
	for pid in "${BACKGROUND[@]}"; do
		kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	for id in $("$CTR_BIN" "${CTR_FLAGS[@]}" ps --all --quiet 2>/dev/null); do
		"$CTR_BIN" "${CTR_FLAGS[@]}" rm --force "$id" >/dev/null 2>&1
	done
	# Whatever is still there must not fail the next test in this one's place.
	for pid in $(new_processes); do
		kill -KILL "$pid" 2>/dev/null
	done
	rm -rf --one-file-system "$CTR_ROOT" 2>/dev/null
	return 0
}

setup() { ctr_setup; }
teardown() { ctr_teardown; }

# ---- running ------------------------------------------------------------------------

# The program under test, on this test's own state. fd 3 is bats': who keeps it, hangs it.
ctr() {
	"$CTR_BIN" "${CTR_FLAGS[@]}" "$@" 3>&-
}

# said TEXT NAME: its log has this line.
said() {
	ctr logs "$2" 2>&1 | grep -qxF "$1"
}

# The plug-in, likewise.
oci() {
	"$OCI" --root "$CTR_ROOT" "$@" 3>&- 4>&-
}

# probe_in [FLAG...] -- VERB ARG...: the probe as payload. Needs probe_setup.
probe_in() {
	local flags=()
	while [ "$1" != -- ]; do
		flags+=("$1")
		shift
	done
	shift
	run ctr run --rm --volume "$BATS_TEST_TMPDIR/probe:/probe:ro" "${flags[@]}" busybox -- /probe "$@"
}

probe_setup() {
	install -m 755 "$PROBE" "$BATS_TEST_TMPDIR/probe"
	chmod 755 "$BATS_TEST_TMPDIR"
}

# ctr_background ARG...: ctr in the background. Sets ctr_pid, and ctr_out, the file that
# gets its output and messages.
ctr_background() {
	ctr_out=$(mktemp "$BATS_TEST_TMPDIR/background.XXXXXX")
	"$CTR_BIN" "${CTR_FLAGS[@]}" "$@" </dev/null >"$ctr_out" 2>&1 3>&- 4>&- &
	ctr_pid=$!
	BACKGROUND+=("$ctr_pid")
}

# monitors NAME [monitor|keeper]: the pids of what stays beside a container. A child of theirs that is still
# to become the payload is called the same, and has a pid namespace of its own.
monitors() {
	local pid
	for pid in $(pgrep --ns $$ --nslist pid -x -f "ctr-monitor run $1"); do
		[ -z "${2-}" ] || [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "ctr-$2" ] || continue
		echo "$pid"
	done
}

# Every container is removed, those as well that a command has begun which was killed: its monitor finishes it.
all_removed() {
	local name
	for name in $(ctr ps --all --format '{{.Name}}'); do
		ctr rm --force "$name" >/dev/null || true
	done
	[ -z "$(monitors '.*')" ] && [ -z "$(ctr ps --all --quiet)" ]
}

# kill_one NAME monitor|keeper|either: and wait until there are two again, if it still runs.
kill_one() {
	local name=$1 what=${2/either/} pid tries=10
	pid=$(monitors "$name" "$what" | shuf -n 1)
	# A child of theirs that has ended meanwhile was none of the two.
	until kill -KILL "$pid" 2>/dev/null; do
		((tries--)) || fail "no $2 of $1 to be killed"
		pid=$(monitors "$name" "$what" | shuf -n 1)
	done
	wait_until 3 two_again "$name" "$pid"
}

# The pid that was killed is no more, and there are two; or the container has ended.
two_again() {
	local pids
	mapfile -t pids < <(monitors "$1")
	[[ " ${pids[*]} " != *" $2 "* ]] || return 1
	[ ${#pids[@]} = 2 ] || [ ${#pids[@]} = 0 ]
}

# kill_hard PID: kill -9, and wait until the process is gone.
kill_hard() {
	kill -KILL "$1" || return
	wait "$1" 2>/dev/null || true
	wait_until 5 process_gone "$1"
}

process_gone() {
	[ ! -e "/proc/$1" ]
}

# wait_until SECONDS COMMAND...: succeeds as soon as COMMAND does. Slow machines get more, and are asked ever less
# often: a test VM has one processor for who asks and for what is waited for.
wait_until() {
	local end=$((${EPOCHREALTIME/./} + $1 * TIME_SCALE * 1000000)) seconds=$1 pause_ms=20 pause
	shift
	until "$@"; do
		if [ "${EPOCHREALTIME/./}" -ge "$end" ]; then
			echo "after $((seconds * TIME_SCALE)) s still not: $*" >&2
			return 1
		fi
		printf -v pause '%d.%03d' $((pause_ms / 1000)) $((pause_ms % 1000))
		sleep "$pause"
		pause_ms=$((pause_ms * 2 < 50 * TIME_SCALE ? pause_ms * 2 : 50 * TIME_SCALE))
	done
}

# state_is ID STATE: for wait_until.
state_is() {
	[ "$(ctr state "$1" 2>/dev/null | jq -r .status 2>/dev/null)" = "$2" ]
}

# in_tty COMMAND...: run it on a terminal of its own whose keyboard is silent (and not at
# its end: that would be a ^D), but for what KEYS holds and what the commands in TYPIST
# print, which is typed after a moment.
# What comes out has the CR LF line ends of a terminal.
in_tty() {
	local fifo keyboard typist='' status=0
	fifo=$(mktemp -u "$BATS_TEST_TMPDIR/keys.XXXXXX")
	mkfifo "$fifo"
	exec {keyboard}<>"$fifo"
	if [ -n "${KEYS-}${TYPIST-}" ]; then
		{ sleep $((TIME_SCALE / 3)).5; printf '%s' "${KEYS-}"; eval "${TYPIST-}"; } >&"$keyboard" 3>&- &
		typist=$!
	fi
	SHELL=/bin/bash script --quiet --return --command "$(printf '%q ' "$@")" /dev/null \
		<&"$keyboard" 3>&- || status=$?
	[ -z "$typist" ] || wait "$typist"
	exec {keyboard}>&-
	return "$status"
}

# ---- bundles ------------------------------------------------------------------------

# make_bundle DIR: an OCI bundle from busybox and the probe. Its command prints "hello";
# change that with edit_config.
make_bundle() {
	local dir=$1 busybox
	# busybox links its applets to the path where it is itself.
	busybox=$(readlink -f "$(command -v busybox)")
	mkdir -p "$dir"/rootfs/{usr/bin,etc,dev,proc,sys,root,home}
	mkdir -m 1777 "$dir/rootfs/tmp"
	ln -s usr/bin "$dir/rootfs/bin"
	cp "$busybox" "$dir/rootfs$busybox"
	busybox --install -s "$dir/rootfs/usr/bin"
	[ ! -e "$PROBE" ] || cp "$PROBE" "$dir/rootfs/usr/bin/probe"
	printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n' \
		>"$dir/rootfs/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\nstaff:x:50:user\n' >"$dir/rootfs/etc/group"
	jq -n '
	def caps: ["CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE"];
	def fs($at; $type; $options): {destination: $at, type: $type, source: $type, options: $options};
	{
		ociVersion: "1.0.2",
		root: {path: "rootfs", readonly: false},
		hostname: "bundle",
		process: {
			terminal: false, user: {uid: 0, gid: 0}, cwd: "/",
			args: ["echo", "hello"], env: ["PATH=/bin", "HOME=/root"],
			noNewPrivileges: true,
			capabilities: {bounding: caps, effective: caps, permitted: caps}
		},
		mounts: [
			fs("/proc"; "proc"; ["nosuid", "noexec", "nodev"]),
			fs("/dev"; "tmpfs"; ["nosuid", "strictatime", "mode=755", "size=65536k"]),
			fs("/dev/pts"; "devpts"; ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
			fs("/dev/shm"; "tmpfs"; ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
			fs("/dev/mqueue"; "mqueue"; ["nosuid", "noexec", "nodev"]),
			fs("/sys"; "sysfs"; ["nosuid", "noexec", "nodev", "ro"]),
			fs("/sys/fs/cgroup"; "cgroup"; ["nosuid", "noexec", "nodev", "relatime", "ro"])
		],
		linux: {
			namespaces: ["pid", "network", "ipc", "uts", "mount", "cgroup"] | map({type: .}),
			maskedPaths: ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
			readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
		}
	}' >"$dir/config.json"
}

# edit_config DIR [JQ-OPTION...] FILTER: change a bundle's config.json.
edit_config() {
	local config=$1/config.json
	shift
	jq "$@" "$config" >"$config.new" && mv "$config.new" "$config"
}

# ---- asserting, in the words of bats-assert -----------------------------------------

fail() {
	printf '%s\n' "$@" >&2
	return 1
}

# What `run` saw, for a person who reads the log.
show_run() {
	printf -- '-- %s\nstatus: %s\noutput:\n%s\n--\n' "$1" "${status-}" "${output-}" >&2
	return 1
}

assert_success() {
	[ "$status" -eq 0 ] || show_run "expected success"
}

# assert_failure [STATUS]. A crash of the program or a finding of a sanitizer is never the
# failure that a test wants.
assert_failure() {
	if [ $# -gt 0 ]; then
		[ "$status" -eq "$1" ] || { show_run "expected exit status $1"; return 1; }
	else
		[ "$status" -ne 0 ] || { show_run "expected a failure"; return 1; }
		[[ "$status" != 134 && "$status" != 139 ]] || { show_run "it crashed"; return 1; }
	fi
	[[ "$status" -ne 99 && "$output" != *": runtime error: "* && "$output" != *"Sanitizer: "* ]] ||
		show_run "a sanitizer found something"
}

# matches [--partial|--regexp] WANTED TEXT
matches() {
	case $1 in
	--partial) [[ $3 == *"$2"* ]] ;;
	--regexp) [[ $3 =~ $2 ]] ;;
	*) [ "$1" = "$2" ] ;;
	esac
}

any_line_matches() {
	local line
	for line in "${lines[@]}"; do
		if [ $# -eq 2 ]; then
			matches "$1" "$2" "$line" && return 0
		else
			matches "$1" "$line" && return 0
		fi
	done
	return 1
}

# assert_output, refute_output [--partial|--regexp] TEXT; without TEXT: any output at all
assert_output() {
	if [ $# -eq 0 ]; then
		[ -n "$output" ] || show_run "expected some output"
	else
		matches "$@" "$output" || show_run "expected output: $*"
	fi
}

refute_output() {
	if [ $# -eq 0 ]; then
		[ -z "$output" ] || show_run "expected no output"
	else
		! matches "$@" "$output" || show_run "unexpected output: $*"
	fi
}

# assert_line, refute_line [--partial|--regexp] TEXT: in one of the lines
assert_line() {
	any_line_matches "$@" || show_run "expected a line: $*"
}

refute_line() {
	! any_line_matches "$@" || show_run "unexpected line: $*"
}

assert_equal() {
	[ "$1" = "$2" ] || fail "expected: $2" "     got: $1"
}

# ---- nothing may be left behind -----------------------------------------------------

# What a container is made of, as this machine sees it. Builtins only where processes are
# looked at, so that looking starts none.
host_mounts() {
	awk '{ print "mount " $5 }' /proc/self/mountinfo | sort
}

# systemd in the test VM makes groups of its own accord; of those, only ours count.
host_cgroups() {
	find "$CGROUPS" -mindepth 1 -type d -printf 'cgroup /%P\n' |
		awk '$2 == "/harness" || ($2 ~ /^\/[^\/]*\.(slice|scope|mount)/ && !/ctr/) { next } 1' | sort
}

host_files() {
	find "$CTR_ROOT" "$TMPDIR" /run/ctr /tmp/ctr* -mindepth 1 -xdev -printf 'file %p\n' \
		2>/dev/null | grep -Ev "${KEPT_FILES:-/(cache|\.seccomp|\.events(\.1)?)(/|$)|/tmp/ctr-(vm|bench|fuzz)}" | sort || true
}

host_netns() {
	find /proc/[0-9]*/ns -maxdepth 1 -name net -printf '%l\n' 2>/dev/null | sed '/^$/d' | sort -u || true
}

# Each process that isn't a kernel thread (those have no command line) or bats with the
# subshells of this very look.
host_processes() {
	local dir words
	for dir in /proc/[0-9]*; do
		words=()
		mapfile -t -d '' words 2>/dev/null <"$dir/cmdline" || true
		[[ -z ${words[*]} || ${words[*]} == *bats-exec-* ]] || echo "${dir#/proc/}"
	done
}

snapshot_host() {
	HOST_PROCESSES=" $(host_processes | tr '\n' ' ') "
	HOST_THINGS=$(host_mounts; host_cgroups; host_files; host_netns)
}

# The processes that came since the snapshot, but for what the test itself has running.
new_processes() {
	local pid
	for pid in $(host_processes); do
		[[ "$HOST_PROCESSES ${BACKGROUND[*]} " == *" $pid "* ]] || echo "$pid"
	done
}

left_behind() {
	local pid
	diff <(echo "$HOST_THINGS") <(host_mounts; host_cgroups; host_files; host_netns) |
		sed -n 's/^> /left behind: /p; s/^< /gone: /p'
	for pid in $(new_processes); do
		[ ! -e "/proc/$pid" ] ||
			echo "left behind: process $pid: $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")"
	done
}

nothing_left() {
	LEFT=$(left_behind)
	[ -z "$LEFT" ]
}

# assert_nothing_left: mounts, cgroups, network namespaces, files and processes are what
# they were at setup (or at the last snapshot_host). A killed process may take a moment.
assert_nothing_left() {
	wait_until 1 nothing_left 2>/dev/null || fail "$LEFT"
}
