# The stage tables, row by row: cases that together want every row, and one walk of a case with a fault
# in a row. `load rows` after lib and faults.
#
# tests/helpers/rows sees which system calls belong to which row, and makes one of them fail.
#
# The cases are below; those of rows that need systemd or a controller are in vm-rows.bash, which has
# case_begin and case_command of its own.

# Walked by the cases of vm-rows.bash, and by none here: both together walk each row.
ELSEWHERE='systemd|scope|let nobody else into the cgroup'
# And by tests/microvm/rows.bats.
MICROVM="guest's sockets"

# What always does what it says, whatever the machine is like, or is asked only to be on the safe side.
NO_FAILURE='close|close_range|umask|getpid|gettid|getuid|geteuid|poll|ppoll|waitid|rt_sig.*'

ROWS=$CTR_BUILD/tests/helpers/rows

# What ctr-oci runs as: in the "host's" network, which is a namespace of the test's own.
oci() {
	there "$OCI" --root "$CTR_ROOT" "$@" 3>&- 4>&-
}

rows_begin() {
	ctr_setup
	SEED=${CTR_SEED:-$((RANDOM % 97))}
	echo "CTR_SEED=$SEED"
	cd "$BATS_TEST_TMPDIR" || return
	chmod 755 . "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test"
}

# A process whose namespaces are given to containers, another one's network as the host's, and somebody
# who takes the terminals over.
rows_setup() {
	rows_begin
	setsid unshare --net --uts --ipc --cgroup sleep 1000 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	HOLDER=$!
	setsid unshare --user sleep 1000 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	OWNER=$!
	python3 -c '
import socket, sys
server, kept = socket.socket(socket.AF_UNIX), []
server.bind(sys.argv[1])
server.listen()
while True:
    kept.append(socket.recv_fds(server.accept()[0], 4096, 1)[1])' "$PWD/console" </dev/null >/dev/null 2>&1 3>&- 4>&- &
	CONSOLE=$!
	wait_until 5 test -S console
	wait_until 5 is_apart
	echo 0 100000 65536 | tee "/proc/$OWNER/uid_map" >"/proc/$OWNER/gid_map"
	make_bundle plain
	edit_config plain '.process.args = ["sleep", "1000"]'
	local bundle
	for bundle in wide user joined; do
		mkdir "$bundle"
		ln -s ../plain/rootfs "$bundle/rootfs"
		cp plain/config.json "$bundle"
	done
	# All that root can have but a new user namespace, which does not go with joined ones.
	edit_config wide --arg ns "/proc/$HOLDER/ns/" '
		.process.terminal = true | .process.oomScoreAdj = 100 |
		.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 77, hard: 88}] |
		.linux.namespaces = [({type: ("pid", "network", "mount", "time")}),
			{type: "uts", path: "\($ns)uts"}, {type: "ipc", path: "\($ns)ipc"},
			{type: "cgroup", path: "\($ns)cgroup"}] |
		.linux.timeOffsets = {boottime: {secs: 100}} | .linux.netDevices = {v0: {name: "eth0"}} |
		.linux.sysctl = {"net.ipv4.ip_forward": "1"} |
		.linux.resources = {devices: [{allow: false, access: "rwm"}], unified: {"cgroup.max.depth": "20"}} |
		.hooks = ({createRuntime: 0, createContainer: 0, startContainer: 0} | map_values([{path: "/bin/true"}])) |
		.annotations = {"dev.ctr.init": "true"}'
	# Which may manage its cgroup.
	edit_config user '(.mounts[] | select(.type == "cgroup").options) -= ["ro"] | .linux.namespaces += [{type: "user"}] |
		.linux |= (.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .gidMappings = .uidMappings)'
	# By a stepping stone.
	edit_config joined --arg ns "/proc/$OWNER/ns/user" '.linux.namespaces += [{type: "user", path: $ns}]'
	jq '.process | .args = ["sleep", "1001"] | .terminal = true | .oomScoreAdj = 100 |
		.rlimits = [{type: "RLIMIT_NOFILE", soft: 77, hard: 88}] |
		.execCPUAffinity = {initial: "0", final: "0"}' plain/config.json >process.json
	snapshot_host
}

rows_teardown() {
	local id
	for id in $(oci list --quiet 2>/dev/null); do
		oci delete --force "$id"
	done
	[ -z "${HOLDER-}" ] || kill -KILL "$HOLDER" "$OWNER" "$CONSOLE"
	ctr_teardown
}

is_apart() {
	[[ $(readlink "/proc/$HOLDER/ns/cgroup") != $(readlink /proc/self/ns/cgroup) &&
		$(readlink "/proc/$OWNER/ns/user") != $(readlink /proc/self/ns/user) ]]
}

there() {
	local in=()
	[ -z "${HOLDER-}" ] || in=(nsenter --net="/proc/$HOLDER/ns/net" --)
	"${in[@]}" "$@"
}

# links LETTER: which of the pair v0 and p0 are on the host. What goes with a namespace takes a moment.
links() {
	there ip -o link show | sed -n "s/^[0-9]*: \\($1[0-9]*\\)@.*/\\1/p"
}

no_links() {
	[ -z "$(links '[vp]')" ]
}

# What a case does with its container c1; each begins from nothing.
case_begin() {
	case $1 in
	wide) [ -n "$(links v)" ] || { wait_until 5 no_links && there ip link add v0 type veth peer name p0; } ;;
	exec | session)
		oci create --bundle plain c1
		oci start c1
		;;
	esac
}

case_command() {
	local oci="$OCI --root $CTR_ROOT" create
	create="create --pid-file $BATS_TEST_TMPDIR/pid --bundle"
	case $1 in
	wide) echo "NOTIFY_SOCKET=@ctr-rows $oci $create wide --console-socket $PWD/console c1 && $oci start c1" ;;
	user | joined) echo "$oci $create $1 c1 && $oci start c1" ;;
	exec) echo "$oci exec --detach --pid-file $BATS_TEST_TMPDIR/pid --console-socket $PWD/console --process process.json c1" ;;
	session) echo "$CTR_BIN --root $CTR_ROOT exec c1 true" ;;
	esac
}

# walk CASE FAULT...: the case's command with a fault. Sets status, said, hit; rows are in walked.
walk() {
	local which=$1 program=$OCI
	[[ $which != @(session|closed) ]] || program=$CTR_BIN
	shift
	case_begin "$which"
	at="$*"
	status=0
	there "$ROWS" walked "$program" "$@" -- sh -c "$(case_command "$which")" </dev/null >said 2>&1 3>&- || status=$?
	said=$(<said)
	hit=$(sed -n 's/^hit //p' walked)
	[ "$status" != 123 ] || wrong "it hung"
}

# All that is wrong is gathered: one look at a log shows every row that has to be mended.
wrong() {
	echo "$at at ${hit:-no call} ($status: $said): $*" >>wrong
}

# Everything is as it was, without any help.
all_gone() {
	rm -f pid
	wait_until 5 nothing_left 2>/dev/null || wrong "$LEFT"
}

removed() {
	oci delete --force c1 2>said.delete || wrong "delete: $(<said.delete)"
	all_gone
	[ ! -e "$CTR_ROOT/c1" ] || rm -rf "${CTR_ROOT:?}/c1"
}

# joins CASE: its container is there before.
joins() {
	[[ $1 == @(exec|session|moved) ]]
}

# rows_of CASE: "NAME<tab>CALL CALL ..." for each row in which it makes a call.
rows_of() {
	walk "$1" list
	[ "$status" = 0 ] || wrong "without a fault"
	cp walked "walked.$1"
	removed
	awk -F'\t' '/^row / && $3 ~ /^[a-z0-9]/ { print $2 "\t" $3 }' "walked.$1"
}

# only_new CASE: the file rows without what a case before it does alike, but for check-long.
only_new() {
	local first=wide
	[[ $1 == @(user|joined|session) && -z ${CTR_LONG-} ]] || return 0
	[ "$1" != session ] || first="exec"
	rows_of "$first" >before
	awk -F'\t' 'NR == FNR { had[$1]; next } !($1 in had) || $1 == "clone the init process"' before rows >new
	mv new rows
}

# Of these calls, the numbers of those to be tried: the first, the last and one between; all of them in
# check-long. Not those that no kernel lets fail.
some_of() {
	local step=1
	[ -n "${CTR_LONG-}" ] || step=9999
	tr ' ' '\n' <<<"$1" | grep -nvE "^(${2:-nothing})\$" | cut -d: -f1 |
		awk -v step="$step" -v seed="$SEED" '{ n[NR] = $1 } END {
			for (i = 1; i <= NR; i++)
				if (i == 1 || i == NR || step == 1 || i == 2 + seed % NR) print n[i]
		}'
}

# The error names the row it came from; of a container that was not created, nothing is there.
failed_well() {
	[[ $said == *"$1: "* ]] || wrong 'the row is not named'
	joins "$2" || [[ $(grep -c $'\twait for start\t.' walked) != 0 ]] || all_gone
}

# row_fails CASE ROW N: sets told if somebody was.
row_fails() {
	local errnos=(12 5 1)
	walk "$1" fail "$2" "$3" "${errnos[tries++ % 3]}"
	if [ "$status" != 0 ]; then
		failed_well "$2" "$1"
		told=yes
	fi
	removed
}

# each_row_fails CASE
each_row_fails() {
	local row calls n told tries=$SEED
	rows_of "$1" >rows
	only_new "$1"
	while IFS=$'\t' read -r row calls <&5; do
		told=''
		for n in $(some_of "$calls" "$NO_FAILURE"); do
			row_fails "$1" "$row" "$n"
		done
		# Beyond the sample only until there is one that can't be overcome.
		for n in $(seq 1 "$(wc -w <<<"$calls")"); do
			[ -n "$told" ] || row_fails "$1" "$row" "$n"
		done
		# Who isn't back is as good as before: it makes no difference to what was executed.
		[[ -n $told || $row == 'come back from them' ]] || wrong "$row: none of its calls ($calls) fails"
	done 5<rows
	[ ! -s wrong ] || fail "$(<wrong)"
}

# until_hit WITH N ARG...: `WITH N ARG...` sets hit, and last, how many calls there were at which it could have hit.
# How often a row polls and how many messages come is not the same each time: if there was no N-th, it is the last.
until_hit() {
	local with=$1 n=$2 tries
	shift 2
	for tries in 1 2 3; do
		"$with" "$n" "$@"
		[ -z "$hit" ] || return 0
		n=$((last > 1 ? last : 1))
		removed
	done
	wrong 'it was not hit'
	return 1
}

# row_killed N CASE ROW WHO
row_killed() {
	walk "$2" kill "$3" "$1" "$4"
	last=$(awk -F'\t' -v row="$3" '$2 == row { print split($3, calls, " ") }' walked | sort -n | tail -n 1)
}

# killed_at CASE ROW N WHO
killed_at() {
	until_hit row_killed "$3" "$1" "$2" "$4" || return 0
	! joins "$1" || [[ $(oci state c1 | jq -r .status) == running ]] || wrong 'the container suffered'
	removed
}

# each_row_killed CASE: at the first and the last call of each row; at every one in check-long.
each_row_killed() {
	local row calls n end i=$SEED
	rows_of "$1" >rows
	only_new "$1"
	while IFS=$'\t' read -r row calls <&5; do
		end=$(wc -w <<<"$calls")
		for n in $([ -n "${CTR_LONG-}" ] && seq 1 "$end" || printf '%s\n' 1 "$end" | uniq); do
			killed_at "$1" "$row" "$n" self
			[[ -z ${CTR_LONG-} && $((i++ % 2)) == 0 && $end != 1 ]] || killed_at "$1" "$row" "$n" other
		done
	done 5<rows
	[ ! -s wrong ] || fail "$(<wrong)"
}
