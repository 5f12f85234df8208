# Manual pages of verbs that have one of their own: the flags there are those of the program.

load lib

@test "pages: each has the flags of its verb, as help has them" {
	local verb page
	for verb in attach events prune rename restart start stats top update wait; do
		page=$(<"$REPO/man/ctr-$verb.1")
		run ctr help --man "$verb"
		assert_success
		[[ $page == *"$output"* ]] || fail "man/ctr-$verb.1: other flags than those of $verb"
		grep -qx "\\\\fB$verb\\\\fR" "$REPO/man/ctr.1" || fail "man/ctr.1 doesn't name $verb"
	done
}
