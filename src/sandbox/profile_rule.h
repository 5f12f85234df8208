/* Inside the room: reading one rule of a profile in docker's form. */
#ifndef CTR_SANDBOX_PROFILE_RULE_H
#define CTR_SANDBOX_PROFILE_RULE_H

#include "sandbox/seccomp_rules.h"

#include "base/json.h"
#include "spec/spec.h"

/* For whom a profile is resolved. */
struct profile_context {
	uint64_t caps;
	const struct strv *allow; /* may be NULL */
	const struct seccomp_arch *arch;
};

bool profile_is_group(const char *word);

/* Every key of an object is in this NULL-terminated list, or an error: a condition that we passed over
 * would widen what is allowed. */
int profile_want_keys(const struct json_at *at, const char *const *keys,
		      struct err *err) MUST_CHECK;

/* errnoRet as a number, or containers-common's name beside or instead of it; the number wins. */
int profile_read_errno(const struct json_at *at, const char *number_key, const char *name_key,
		       struct opt_u64 *ret, struct err *err) MUST_CHECK;

int profile_read_action(const struct json_at *at, const char *key, char **ret,
			struct err *err) MUST_CHECK;

/* Append the rule if it applies. */
int profile_read_rule(const struct json_at *at, const struct profile_context *c,
		      struct spec_seccomp *ret, struct err *err) MUST_CHECK;

#endif
