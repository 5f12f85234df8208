/* The standard's words for actions, operators and flags. */
#include "sandbox/seccomp_rules.h"

#include "base/str.h"
#include "spec/names.h"

#include <linux/seccomp.h>

static const struct {
	char name[24]; /* in place: nothing to relocate at every start */
	uint32_t action;
	uint32_t data_max;
} actions[] = {
	{ "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW },
	{ "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, 4095 },
	{ "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD },
	{ "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS },
	{ "SCMP_ACT_TRAP", SECCOMP_RET_TRAP },
	{ "SCMP_ACT_TRACE", SECCOMP_RET_TRACE, 65535 },
	{ "SCMP_ACT_LOG", SECCOMP_RET_LOG },
	{ "SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF },
};

static const struct {
	char name[24];
	enum seccomp_op op;
	bool negate, masked;
} ops[] = {
	{ "SCMP_CMP_EQ", OP_EQ, false, false },       { "SCMP_CMP_NE", OP_EQ, true, false },
	{ "SCMP_CMP_GT", OP_GT, false, false },       { "SCMP_CMP_LE", OP_GT, true, false },
	{ "SCMP_CMP_GE", OP_GE, false, false },       { "SCMP_CMP_LT", OP_GE, true, false },
	{ "SCMP_CMP_MASKED_EQ", OP_EQ, false, true },
};

bool seccomp_action_from_name(const char *name, uint32_t *ret, uint32_t *ret_data_max)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (!str_eq(actions[i].name, name))
			continue;
		*ret = actions[i].action;
		*ret_data_max = actions[i].data_max;
		return true;
	}
	return false;
}

bool seccomp_op_from_name(const char *name, enum seccomp_op *ret, bool *ret_negate,
			  bool *ret_masked)
{
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		if (!str_eq(ops[i].name, name))
			continue;
		*ret = ops[i].op;
		*ret_negate = ops[i].negate;
		*ret_masked = ops[i].masked;
		return true;
	}
	return false;
}

bool seccomp_flag_from_name(const char *name, uint32_t *ret)
{
	const struct spec_word *w = spec_word_find(WORDS_SECCOMP_FLAG, name);

	if (w)
		*ret = (uint32_t)w->value;
	return w;
}

void seccomp_flags_text(uint32_t set, struct str *ret)
{
	size_t count;
	const struct spec_word *w = spec_words(WORDS_SECCOMP_FLAG, &count);

	for (size_t i = 0; i < count; i++)
		if (set & (uint32_t)w[i].value)
			str_printf(ret, "%s%s", ret->len ? ", " : "", w[i].word);
}
