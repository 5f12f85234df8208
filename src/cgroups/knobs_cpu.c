/* Limits of memory and cpu that cgroup v2 counts in another way than the standard does. */
#include "cgroups/knob.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* The kernel's bounds on a bandwidth period, microseconds. */
#define PERIOD_MIN_US 1000
#define PERIOD_MAX_US 1000000
#define PERIOD_DEFAULT_US 100000
#define QUOTA_MIN_US 1000

#define SHARES_MIN 2
#define SHARES_MAX 262144
#define SHARES_DEFAULT 1024

/* The standard's swap is memory and swap together, cgroup v2's is swap alone. */
int knob_make_swap(struct knob_job *job, const struct knob *knob)
{
	const struct opt_i64 *swap = &job->res->memory.swap, *memory = &job->res->memory.limit;

	if (!swap->set || swap->value == 0) {
		/* "No limit" for the sum was v1's meaning when memory is set to unlimited. */
		if (memory->set && memory->value == -1)
			knob_add(job, knob, xstrdup("max"))->defaulted = true;
		return 0;
	}
	if (swap->value == -1) {
		knob_add(job, knob, xstrdup("max"))->defaulted = true;
		return 0;
	}
	if (swap->value < -1)
		return knob_fail(job, knob, EINVAL,
				 "%" PRId64 ": a limit is -1 (none) or a positive number",
				 swap->value);
	if (!memory->set || memory->value <= 0)
		return knob_fail(
			job, knob, EINVAL,
			"it is memory and swap together, so it needs memory.limit too; for swap "
			"alone set unified memory.swap.max");
	if (swap->value < memory->value)
		return knob_fail(job, knob, EINVAL,
				 "%" PRId64 " is less than memory.limit %" PRId64
				 ": it is memory and swap together",
				 swap->value, memory->value);
	knob_add(job, knob, xasprintf("%" PRId64, swap->value - memory->value));
	return 0;
}

/*
 * Both scales are powers: 2^1 to 2^18 here, 10^0 to 10^4 there, and the default is to stay the
 * default: a parabola in log2(shares) goes through (2, 1), (1024, 100) and (262144, 10000).
 */
uint64_t cgroup_weight_from_shares(uint64_t shares)
{
	double l;

	if (shares == 0)
		return 0;
	if (shares <= SHARES_MIN)
		return 1;
	if (shares >= SHARES_MAX)
		return 10000;
	/* Exact in the one point that everybody looks at; rounding may not take it to 101. */
	if (shares == SHARES_DEFAULT)
		return 100;
	l = log2((double)shares);
	return (uint64_t)ceil(pow(10, (l * l + 125 * l) / 612.0 - 7.0 / 34.0));
}

int knob_make_weight(struct knob_job *job, const struct knob *knob)
{
	const struct opt_u64 *shares = &job->res->cpu.shares;
	struct cgroup_setting *s;

	if (!shares->set || shares->value == 0)
		return 0;
	s = knob_add(job, knob, xasprintf("%" PRIu64, cgroup_weight_from_shares(shares->value)));
	s->defaulted = shares->value == SHARES_DEFAULT;
	return 0;
}

int knob_make_idle(struct knob_job *job, const struct knob *knob)
{
	const struct opt_i64 *idle = &job->res->cpu.idle;

	if (!idle->set)
		return 0;
	if (idle->value != 0 && idle->value != 1)
		return knob_fail(job, knob, ERANGE, "%" PRId64 ": has to be 0 or 1", idle->value);
	knob_add(job, knob, xstrdup(idle->value ? "1" : "0"))->defaulted = idle->value == 0;
	return 0;
}

int knob_make_quota(struct knob_job *job, const struct knob *knob)
{
	const struct opt_i64 *quota = &job->res->cpu.quota_us;
	const struct opt_u64 *period = &job->res->cpu.period_us;
	bool has_quota = quota->set && quota->value != 0,
	     has_period = period->set && period->value != 0;
	bool unlimited = !has_quota || quota->value == -1;
	struct cgroup_setting *s;
	char *value;

	if (!has_quota && !has_period)
		return 0;
	if (has_quota && quota->value < -1)
		return knob_fail(job, knob, EINVAL, "%" PRId64 ": a quota is -1 (none) or positive",
				 quota->value);
	if (!unlimited && quota->value < QUOTA_MIN_US)
		return knob_fail(job, knob, ERANGE,
				 "%" PRId64 " microseconds: the kernel's least quota is %d",
				 quota->value, QUOTA_MIN_US);
	if (has_period && (period->value < PERIOD_MIN_US || period->value > PERIOD_MAX_US))
		return err_set(job->err, ERANGE,
			       "linux.resources.cpu.period: %" PRIu64
			       " microseconds: the kernel takes %d to %d",
			       period->value, PERIOD_MIN_US, PERIOD_MAX_US);
	value = unlimited ? xstrdup("max") : xasprintf("%" PRId64, quota->value);
	if (has_period) {
		char *both = xasprintf("%s %" PRIu64, value, period->value);

		free(value);
		value = both;
	}
	s = knob_add(job, knob, value);
	s->defaulted = unlimited && (!has_period || period->value == PERIOD_DEFAULT_US);
	/* A period alone changes nothing about the quota that is there. */
	s->keeps_first = !has_quota;
	if (!has_quota) {
		free(s->key);
		s->key = xstrdup("cpu.period");
	}
	return 0;
}

int knob_make_burst(struct knob_job *job, const struct knob *knob)
{
	const struct opt_u64 *burst = &job->res->cpu.burst_us;
	const struct opt_i64 *quota = &job->res->cpu.quota_us;

	if (!burst->set)
		return 0;
	if (quota->set && quota->value > 0 && burst->value > (uint64_t)quota->value)
		return knob_fail(job, knob, EINVAL,
				 "%" PRIu64 " is more than cpu.quota %" PRId64
				 ": a burst is part of one quota",
				 burst->value, quota->value);
	knob_add(job, knob, xasprintf("%" PRIu64, burst->value))->defaulted = burst->value == 0;
	return 0;
}
