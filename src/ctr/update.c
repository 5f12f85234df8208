/* ctr update: the limits of `run`, for containers that are there. */
#include "ctr/verbs.h"

#include "ctr/limit_rows.h"
#include "ctr/run_make.h"
#include "spec/load.h"

#include <errno.h>

#define TO(field) OPT_TO(struct run_flags, field)

const struct opt_row update_rows[] = { LIMIT_ROWS{ 0 } };

#define CPU_SHARES_DEFAULT 1024

/* To `run` 0 is to ask for no limit. Here there may be one, which is to go. */
static void lift(const struct run_flags *f, struct spec_resources *res)
{
	const struct opt_i64 none = { true, -1 };

	if (f->memory.set && !f->memory.value) {
		res->memory.limit = none;
		if (!f->memory_swap.set)
			res->memory.swap = none;
	}
	if ((f->cpus && !res->cpu.quota_us.set) || (f->cpu_quota.set && !f->cpu_quota.value))
		res->cpu.quota_us = none;
	if (f->cpu_shares.set && !f->cpu_shares.value)
		res->cpu.shares = (struct opt_u64){ true, CPU_SHARES_DEFAULT };
}

/*
 * Memory and swap together can be said of one that has a limit of memory already, and a reservation must
 * stay below it: what it was made with stands in where no flag does.
 */
static int memory_it_has(const struct container *c, const struct run_flags *f,
			 struct spec_resources *res, struct err *err)
{
	CLEAN(spec) struct spec spec = { 0 };
	const struct opt_i64 *limit = &spec.lin.resources.memory.limit;
	int r = container_spec(c, &spec, err);

	if (r < 0 || f->memory.set || !limit->set || limit->value <= 0)
		return r;
	if (f->memory_reservation.set && f->memory_reservation.value > limit->value)
		return err_set(err, EINVAL, "--memory-reservation: is above its memory limit");
	if (f->memory_swap.set && f->memory_swap.value > 0)
		res->memory.limit = *limit;
	return r;
}

static int one_update(struct call *call, struct container *c, struct err *err)
{
	CLEAN(spec_resources) struct spec_resources res = { 0 };
	const struct run_flags *f = call->flags;
	int r = memory_it_has(c, f, &res, err);

	if (r >= 0)
		r = limits_resources(f, &res, err);
	if (r >= 0)
		r = block_io_resources(f, &res, err);
	if (r < 0)
		return r;
	lift(f, &res);
	if (spec_resources_empty(&res))
		return err_set(err, EINVAL, "no limit named; see `ctr help update`");
	return container_update(c, &res, true, &call->warnings, err);
}

int verb_update(struct call *call)
{
	return call_each(call, one_update, true);
}
