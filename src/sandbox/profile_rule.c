/* One rule of a profile, and whether it goes for the container at hand. */
#include "sandbox/profile_rule.h"

#include "spec/load.h"
#include "spec/names.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* ---- keys ----------------------------------------------------------------------------- */

int profile_want_keys(const struct json_at *at, const char *const *keys, struct err *err)
{
	int rc = json_want_object(at, err);

	if (rc < 0 || !at->value)
		return rc;
	json_object_object_foreach (at->value, key, value) {
		const char *const *k = keys;

		(void)value;
		while (*k && !str_eq(*k, key))
			k++;
		if (!*k) {
			char shown[64];

			return json_fail(at, err, EINVAL,
					 "\"%s\" is not a key of a seccomp profile here",
					 json_show(key, shown, sizeof(shown)));
		}
	}
	return 0;
}

int profile_read_errno(const struct json_at *at, const char *number_key, const char *name_key,
		       struct opt_u64 *ret, struct err *err)
{
	struct json_at number = json_get(at, number_key), name = json_get(at, name_key);
	CLEAN(free) char *text = NULL;
	int rc = json_read_u64(&number, 0, UINT16_MAX, &ret->value, err);

	ret->set = rc > 0;
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = json_read_string(&name, &text, err);
	if (rc <= 0 || !*text)
		return rc < 0 ? rc : 0;
	for (int e = 1; e < 134; e++) {
		const char *known = strerrorname_np(e);

		if (!known || !str_eq(known, text))
			continue;
		*ret = (struct opt_u64){ true, (uint64_t)e };
		return 0;
	}
	return json_fail(&name, err, EINVAL, "there is no error \"%s\"", text);
}

int profile_read_action(const struct json_at *at, const char *key, char **ret, struct err *err)
{
	struct json_at action = json_get(at, key);
	int rc = json_read_string(&action, ret, err);
	uint32_t value, max;

	if (rc == 0)
		return json_fail(&action, err, EINVAL, "missing");
	if (rc > 0 && !seccomp_action_from_name(*ret, &value, &max))
		return json_fail(&action, err, EINVAL, "there is no action \"%s\"", *ret);
	return rc < 0 ? rc : 0;
}

/* ---- conditions ------------------------------------------------------------------------- */

static int read_caps(const struct json_at *at, uint64_t *ret, struct err *err)
{
	CLEAN(strv) struct strv names = { 0 };
	int rc = json_read_strv(at, &names, err);

	for (size_t i = 0; rc >= 0 && i < names.count; i++) {
		int cap = spec_cap_from_name(names.items[i]);

		if (cap < 0)
			return json_fail(at, err, EINVAL, "there is no capability \"%s\"",
					 names.items[i]);
		*ret |= 1ull << cap;
	}
	return rc < 0 ? rc : 0;
}

/* "4.8", and for a running kernel "6.1.0-28-amd64": the first two numbers. */
static bool parse_version(const char *text, bool alone, unsigned long ret[2])
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	ret[0] = strtoul(text, &end, 10);
	if (*end != '.' || !isdigit((unsigned char)end[1]))
		return false;
	ret[1] = strtoul(end + 1, &end, 10);
	return !alone || !*end;
}

static bool kernel_is(const char *text, bool *ret)
{
	unsigned long want[2], have[2];
	struct utsname u;

	if (!parse_version(text, true, want) || uname(&u) < 0 ||
	    !parse_version(u.release, false, have))
		return false;
	*ret = have[0] > want[0] || (have[0] == want[0] && have[1] >= want[1]);
	return true;
}

/* What an includes or excludes object says, as far as it says anything. */
struct condition {
	bool any_arches, arch_listed;
	bool any_kernel, kernel_new_enough;
	bool any_allow, allowed;
	uint64_t caps;
};

static int read_condition(const struct json_at *at, const struct profile_context *c,
			  struct condition *ret, struct err *err)
{
	static const char *const keys[] = { "caps", "arches", "minKernel", "allow", NULL };
	struct json_at caps = json_get(at, "caps"), arches = json_get(at, "arches");
	struct json_at kernel = json_get(at, "minKernel"), allow = json_get(at, "allow");
	CLEAN(strv) struct strv arch_names = { 0 };
	CLEAN(strv) struct strv words = { 0 };
	CLEAN(free) char *version = NULL;
	int rc = profile_want_keys(at, keys, err);

	if (rc == 0)
		rc = read_caps(&caps, &ret->caps, err);
	if (rc == 0)
		rc = json_read_strv(&arches, &arch_names, err);
	if (rc >= 0)
		rc = json_read_strv(&allow, &words, err);
	if (rc >= 0)
		rc = json_read_string(&kernel, &version, err);
	if (rc < 0)
		return rc;
	ret->any_arches = arch_names.count > 0;
	ret->arch_listed = strv_has(&arch_names, c->arch->other);
	ret->any_allow = words.count > 0;
	for (size_t i = 0; i < words.count; i++) {
		if (!profile_is_group(words.items[i]))
			return json_fail(&allow, err, EINVAL, "there is no group \"%s\"",
					 words.items[i]);
		ret->allowed = ret->allowed || (c->allow && strv_has(c->allow, words.items[i]));
	}
	ret->any_kernel = version && *version;
	if (ret->any_kernel && !kernel_is(version, &ret->kernel_new_enough))
		return json_fail(&kernel, err, EINVAL, "\"%s\" is not a kernel's version like 4.8",
				 version);
	return 0;
}

/* As docker reads them: a rule is in when all that it includes is there and nothing that it excludes. */
static int applies(const struct json_at *rule, const struct profile_context *c, bool *ret,
		   struct err *err)
{
	struct json_at includes = json_get(rule, "includes"), excludes = json_get(rule, "excludes");
	struct condition in = { 0 }, ex = { 0 };
	int rc = read_condition(&includes, c, &in, err);

	if (rc == 0)
		rc = read_condition(&excludes, c, &ex, err);
	if (rc < 0)
		return rc;
	*ret = (in.caps & ~c->caps) == 0 && (!in.any_arches || in.arch_listed) &&
	       (!in.any_kernel || in.kernel_new_enough) && (!in.any_allow || in.allowed);
	if ((ex.caps & c->caps) || ex.arch_listed || ex.kernel_new_enough || ex.allowed)
		*ret = false;
	return 0;
}

/* ---- rules ------------------------------------------------------------------------------- */

static int read_arg(const struct json_at *at, struct spec_seccomp_rule *rule, struct err *err)
{
	static const char *const keys[] = { "index", "value", "valueTwo", "values", "op", NULL };
	struct json_at index = json_get(at, "index"), value = json_get(at, "value");
	struct json_at two = json_get(at, "valueTwo"), many = json_get(at, "values");
	struct json_at op = json_get(at, "op");
	CLEAN(free) char *name = NULL;
	uint64_t n = 0, first = 0, second = 0;
	bool negate, masked;
	enum seccomp_op kind;
	int rc = profile_want_keys(at, keys, err);

	if (rc == 0)
		rc = json_read_u64(&index, 0, SECCOMP_ARGS - 1, &n, err);
	if (rc >= 0)
		rc = json_read_u64(&value, 0, UINT64_MAX, &first, err);
	if (rc >= 0)
		rc = json_read_u64(&two, 0, UINT64_MAX, &second, err);
	if (rc >= 0)
		rc = json_read_string(&op, &name, err);
	if (rc >= 0)
		rc = json_want_array(&many, err);
	if (rc < 0)
		return rc;
	if (!name || !seccomp_op_from_name(name, &kind, &negate, &masked))
		return json_fail(&op, err, EINVAL, "there is no operator \"%s\"", name ? name : "");
	if (!many.value)
		*SPEC_ADD(&rule->args) =
			(struct spec_seccomp_arg){ (unsigned int)n, first, second, take_ptr(name) };
	/* Several tests of one argument are alternatives. */
	for (size_t i = 0; i < json_count(&many); i++) {
		struct json_at item = json_item(&many, i);

		rc = json_read_u64(&item, 0, UINT64_MAX, &first, err);
		if (rc < 0)
			return rc;
		*SPEC_ADD(&rule->args) =
			(struct spec_seccomp_arg){ (unsigned int)n, first, second, xstrdup(name) };
	}
	return 0;
}

static int read_args(const struct json_at *at, struct spec_seccomp_rule *rule, struct err *err)
{
	int rc = json_want_array(at, err);

	for (size_t i = 0; rc >= 0 && i < json_count(at); i++) {
		struct json_at item = json_item(at, i), many = json_get(&item, "values");

		/* Two tests of one argument turn all of a rule's tests into alternatives. */
		if (many.value && json_count(at) > 1)
			return json_fail(&many, err, EINVAL,
					 "\"values\" must be the only test of its rule");
		rc = read_arg(&item, rule, err);
	}
	return rc < 0 ? rc : 0;
}

int profile_read_rule(const struct json_at *at, const struct profile_context *c,
		      struct spec_seccomp *ret, struct err *err)
{
	static const char *const keys[] = { "names",    "name",    "action",   "errnoRet",
					    "errno",    "args",    "includes", "excludes",
					    "priority", "comment", NULL };
	struct json_at names = json_get(at, "names"), name = json_get(at, "name");
	struct json_at args = json_get(at, "args");
	CLEAN(spec_seccomp) struct spec_seccomp one = { 0 };
	struct spec_seccomp_rule *rule = SPEC_ADD(&one.rules);
	char *single = NULL;
	bool in = false;
	int rc = profile_want_keys(at, keys, err);

	/* Read also where it doesn't apply: a mistake in it is one on every machine. */
	if (rc == 0)
		rc = applies(at, c, &in, err);
	if (rc == 0)
		rc = profile_read_action(at, "action", &rule->action, err);
	if (rc == 0)
		rc = profile_read_errno(at, "errnoRet", "errno", &rule->errno_ret, err);
	if (rc == 0)
		rc = json_read_strv(&names, &rule->names, err);
	if (rc >= 0)
		rc = json_read_string(&name, &single, err);
	if (rc > 0)
		strv_take(&rule->names, single);
	if (rc >= 0)
		rc = read_args(&args, rule, err);
	if (rc == 0 && rule->names.count == 0)
		rc = json_fail(at, err, EINVAL, "it names no system call");
	if (rc == 0 && in) {
		*SPEC_ADD(&ret->rules) = *rule;
		one.rules.count = 0;
	}
	return rc;
}
