# What every .bats file here begins with: `load lib`. The helpers of tests/integration, and a bundle
# that ctr-oci is driven with, as an engine does it.
#
# Each file is a chapter of the OCI runtime spec, each test one clause or a few that belong
# together; which is which stands in the table `clauses`, and table.bats holds the two together.
#
# Variables: OCI (the program), BUNDLE (a folder, the current one), OUT (what the last container
# printed, where it is not in bats' $output).
# shellcheck disable=SC2154     # status, output, lines: set by bats' run

bats_require_minimum_version 1.5.0
load ../integration/lib

# Other things of ours in /tmp belong to others (fuzzers, benchmarks): these tests have a TMPDIR each.
KEPT_FILES='/(cache|\.seccomp|\.events(\.1)?)(/|$)|^file /tmp/ctr-'

oci_setup() {
	ctr_setup
	chmod 755 "$BATS_TEST_TMPDIR"
	BUNDLE=$BATS_TEST_TMPDIR/bundle
	OUT=$BATS_TEST_TMPDIR/out
	: >"$OUT"
	make_bundle "$BUNDLE"
	cp "$BUNDLE/config.json" "$BUNDLE/base.json"
	cd "$BUNDLE" || return
	snapshot_host
}

oci_teardown() {
	local id
	for id in $(oci list --quiet 2>/dev/null); do
		oci delete --force "$id" 2>/dev/null
	done
	cd / || return
	ctr_teardown
}

setup() { oci_setup; }
teardown() { oci_teardown; }

# config [JQ-OPTION...] FILTER [SCRIPT]: config.json anew from the plain one, with FILTER over it,
# and a shell script as the process.
config() {
	local script=
	if [[ $# -ge 2 && ${*: -2:1} != --* && $1 != --* ]]; then
		script=${*: -1}
		set -- "${@:1:$#-1}"
	fi
	jq "$@" base.json >config.json || return
	[ -z "$script" ] || edit_config . --arg script "$script" '.process.args = ["sh", "-c", $script]'
}

# runs FILTER SCRIPT: what the script prints in such a container is in $output.
runs() {
	config "$1" "$2"
	run oci run c1
}

# create ID: it waits then. Its output goes to $OUT.
create() {
	oci create "$@" >>"$OUT" 2>&1 </dev/null
}

# started ID FILTER [SCRIPT]: a container that runs a script, or sleeps.
started() {
	config "$2" "${3:-exec sleep 1000}"
	create "$1" || fail "$(<"$OUT")"
	oci start "$1"
}

status_is() {
	[ "$(oci state "$1" 2>/dev/null | jq -r .status)" = "$2" ]
}

# refuses FILTER TEXT...: `create` fails, says all of TEXT, and nothing was made: neither a container
# nor a group, mount, process or file.
refuses() {
	local text
	config "$1" || return
	shift
	# Not by `run`, which would wait for the end of a container that is made after all.
	status=0
	oci create refused >"$OUT" 2>&1 </dev/null || status=$?
	output=$(<"$OUT")
	assert_failure
	for text in "$@"; do
		assert_output --partial "$text"
	done
	run oci state refused
	assert_failure
	assert_nothing_left
}

# logs FILE: the warnings in a log of --log-format json, one a line.
warnings_in() {
	jq -r 'select(.level == "warning").msg' "$1"
}
