/* The whole way from linux.seccomp to a filter. */
#include "sandbox/seccomp_rules.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>

static int parse_flags(const struct spec_seccomp *spec, struct seccomp_filter *filter,
		       struct strv *warnings, struct err *err)
{
	for (size_t i = 0; i < spec->flags.count; i++) {
		uint32_t flag;

		if (!seccomp_flag_from_name(spec->flags.items[i], &flag))
			return err_set(err, EINVAL,
				       "linux.seccomp.flags[%zu]: there is no flag \"%s\"", i,
				       spec->flags.items[i]);
		filter->flags |= flag;
	}
	/* The kernel refuses it without a listener, for whom alone it means something. */
	if (!filter->wants_listener && filter->flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) {
		filter->flags &= ~(uint32_t)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
		if (warnings)
			strv_add(warnings,
				 "linux.seccomp.flags: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV "
				 "means nothing without SCMP_ACT_NOTIFY, ignored");
	}
	return 0;
}

int seccomp_compile(const struct spec_seccomp *spec, struct seccomp_filter *ret,
		    struct strv *warnings, struct err *err)
{
	CLEAN(seccomp_rules) struct seccomp_rules rules = { 0 };
	struct seccomp_filter filter = { 0 };
	int rc;

	*ret = filter;
	if (!spec->set)
		return 0;
	rc = seccomp_rules_build(spec, &rules, err);
	if (rc < 0)
		return rc;
	filter.wants_listener = rules.notifies;
	rc = parse_flags(spec, &filter, warnings, err);
	if (rc == 0)
		rc = seccomp_emit(&rules, &filter, err);
	if (rc == 0)
		*ret = filter;
	return rc;
}

void seccomp_filter_free(struct seccomp_filter *f)
{
	free(f->insns);
	*f = (struct seccomp_filter){ 0 };
}
