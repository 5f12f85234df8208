# Manual pages of verbs that have one of their own: the flags there are those of the program.

load lib

# page_has PAGE TEXT WHAT
page_has() {
	[[ $(<"$REPO/man/$1") == *"$2"* ]] || fail "man/$1: other $3"
}

@test "pages: each has the flags of its verb, as help has them" {
	local verb
	for verb in attach clone events exec inspect kill prune ps rename restart rm start stats stop top update wait; do
		run ctr help --man "$verb"
		assert_success
		page_has "ctr-$verb.1" "$output" "flags than those of $verb"
	done
	# Neither of them has any.
	for verb in pause resume unpause; do
		run ctr help --man "$verb"
		assert_output ''
		page_has ctr-pause.1 $'\n.B ctr '"$verb"$'\n' "verbs than $verb"
	done
}

# One page for all verbs that begin with the same word, a section for the flags of each.
@test "pages: the flags of verbs of two words are each in a section of their page" {
	local group verb section
	for group in pool session vm volume; do
		for verb in $(ctr help | sed -n "s/^  $group \([a-z]*\) .*/\1/p"); do
			run ctr help --man "$group" "$verb"
			assert_success
			section=$(printf '.SH "FLAGS OF %s %s"' "${group^^}" "${verb^^}")
			[ -z "$output" ] || page_has "ctr-$group.1" "$section"$'\n'"$output"$'\n.SH ' "flags than those of $group $verb"
			page_has "ctr-$group.1" "ctr $group $verb"$'\n' "verbs than $group $verb"
		done
	done
}

@test "pages: ctr(1) has the verbs that help has, in that order and in the same words" {
	local verbs
	# A name, two spaces or more (one behind a long one), and what it does.
	verbs=$(ctr help | sed -n '/^Verbs:/,/^$/ s/^  \(.\{15\}\) \(.*\)/\1|\2/p' | sed 's/ *|/|/')
	assert_equal "$(wc -l <<<"$verbs")" "$(ctr help | sed -n '/^Verbs:/,/^$/p' | grep -c '^  ')"
	run sed -n '/^\.SH VERBS/,/^\.SH ["O]/ { /^\\fB\(.*\)\\fR$/ { N; s/^\\fB\(.*\)\\fR\n/\1|/; s/; see$//; p } }' "$REPO/man/ctr.1"
	assert_equal "$output" "$verbs"
	# And points to each page there is.
	for verbs in "$REPO"/man/ctr-*; do
		verbs=${verbs##*/}
		page_has ctr.1 ".BR ${verbs%.*} (${verbs##*.})" "pages than $verbs"
	done
}
