# vm: --systemd -m 2560
# limit: 900
# --log-driver journald, with a journald that runs.

load lib

# entries ID FIELD...: of each entry these fields, as JSON, in order.
entries() {
	local id=$1
	shift
	journalctl --sync
	journalctl --output json --no-pager CONTAINER_ID_FULL="$id" |
		jq -c '[.[$ARGS.positional[]]]' --args "$@"
}

# count ID NUMBER: for wait_until.
count() {
	[ "$(entries "$1" MESSAGE | wc -l)" = "$2" ]
}

# Those of this test's own.
helpers() {
	pgrep -x ctr-systemd
}

@test "journald: lines, streams and names are in the journal, with docker's fields" {
	local id
	id=$(ctr run -d --name c1 --log-driver journald --log-opt tag='t-{{.Name}}' busybox sh -c \
		'echo out; sleep 3; echo err >&2; sleep 3; printf "\tpart \033[1m"')
	ctr wait c1
	wait_until 5 count "$id" 3
	run entries "$id" MESSAGE PRIORITY CONTAINER_NAME CONTAINER_ID CONTAINER_TAG SYSLOG_IDENTIFIER CONTAINER_PARTIAL_MESSAGE
	assert_equal "${lines[0]}" "[\"out\",\"6\",\"c1\",\"${id:0:12}\",\"t-c1\",\"t-c1\",null]"
	assert_equal "${lines[1]}" "[\"err\",\"3\",\"c1\",\"${id:0:12}\",\"t-c1\",\"t-c1\",null]"
	# A field with control characters is shown as numbers.
	run entries "$id" CONTAINER_PARTIAL_MESSAGE PRIORITY
	assert_equal "${lines[2]}" '["true","6"]'
	run journalctl --output cat --no-pager CONTAINER_ID_FULL="$id"
	assert_line --partial 'part '
	run ctr logs c1
	assert_failure 125
	assert_output --partial "journalctl CONTAINER_ID_FULL=$id"
	ctr rm c1
	assert_nothing_left
}

@test "journald: no line is lost or there twice when the helper or the monitor is killed" {
	local id victim
	id=$(ctr run -d --name c1 --log-driver journald busybox sh -c \
		'i=0; while [ $i -lt 10 ]; do echo "number $i"; i=$((i + 1)); sleep 0.5; done; sleep 1000')
	wait_until 5 eval 'entries "'"$id"'" MESSAGE | grep -q "number 2"'
	# Between two lines there is nothing under way.
	victim=$(ctr inspect --format '{{.MonitorPid}}' c1)
	kill -KILL "$victim"
	wait_until 10 count "$id" 10
	assert_equal "$(entries "$id" MESSAGE | sort -u | wc -l)" 10
	ctr rm --force c1
	assert_nothing_left
}

@test "journald: a helper that is killed has a successor" {
	local id
	id=$(ctr run -d --name c1 --log-driver journald busybox sh -c 'while :; do echo again; sleep 0.5; done')
	wait_until 5 helpers
	wait_until 5 eval '[ "$(entries "'"$id"'" MESSAGE | wc -l)" -ge 2 ]'
	kill -KILL "$(helpers)"
	local had
	had=$(entries "$id" MESSAGE | wc -l)
	wait_until 10 eval '[ "$(entries "'"$id"'" MESSAGE | wc -l)" -ge '$((had + 3))' ]'
	ctr rm --force c1
	wait_until 10 eval '! helpers'
	assert_nothing_left
}
