# The table of clauses and the tests belong together: no row without a test or a reason, no test without a
# row. This file itself is in none.

bats_require_minimum_version 1.5.0

TABLE=$BATS_TEST_DIRNAME/clauses
REPO=$BATS_TEST_DIRNAME/../..

# The rows, as "ID<tab>LEVEL<tab>WORDS<tab>TEST".
rows() {
	sed -e '/^#/d; /^$/d' -e 's/ *| */\t/g' "$TABLE"
}

# The tests that a file or all of a folder's have, as the table names them.
tests_of() {
	local file
	for file in "$@"; do
		sed -n "s|^@test \"\(.*\)\" {\$|${file##*tests/oci/}: \1|p" "$file"
	done
}

@test "table: each row has an id of its own, a level, words, and a test or a reason" {
	local id level words test rest bad=0
	local -A seen=()
	while IFS=$'\t' read -r id level words test rest; do
		case $level in
		MUST | 'MUST NOT' | SHOULD | 'SHOULD NOT' | REQUIRED | MAY | 'MAY NOT' | OPTIONAL | -) ;;
		*) echo "$id: no level: $level"; bad=1 ;;
		esac
		[[ $id == */* && -n $words && -n $test && -z $rest && $test != - ]] || { echo "$id: not four columns"; bad=1; }
		[ -z "${seen[$id]-}" ] || { echo "$id: twice"; bad=1; }
		seen[$id]=1
	done < <(rows)
	[ "${#seen[@]}" -gt 250 ]
	[ "$bad" -eq 0 ]
}

@test "table: each test that a row names is there" {
	local id level words test known bad=0
	known=$(tests_of "$BATS_TEST_DIRNAME"/*.bats; cd "$REPO" && tests_of tests/integration/*.bats)
	while IFS=$'\t' read -r id level words test; do
		[[ $test == '- '* ]] || grep -qxF -- "$test" <<<"$known" || { echo "$id: there is no $test"; bad=1; }
	done < <(rows)
	[ "$bad" -eq 0 ]
}

@test "table: each test here is named by a row" {
	local test named bad=0
	named=$(rows | cut -f4)
	while read -r test; do
		[[ $test == table.bats:* ]] || grep -qxF -- "$test" <<<"$named" || { echo "in no row: $test"; bad=1; }
	done < <(tests_of "$BATS_TEST_DIRNAME"/*.bats)
	[ "$bad" -eq 0 ]
}
