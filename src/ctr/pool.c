/* ctr pool create, set, rm */
#include "ctr/verbs.h"

#include "cgroups/leaf.h"
#include "cgroups/pool.h"
#include "ctr/run_make.h"
#include "runtime/account.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define TO(field) OPT_TO(struct pool_flags, field)

/* clang-format off */
#define LIMIT_ROWS                                                                                  \
	{ "memory", "SIZE", "memory.max", .kind = OPT_BYTES, .letter = 'm', .min = -1, TO(memory) }, \
	{ "cpus", "NUMBER", "cpu.max, in processors: 0.5, 2", .kind = OPT_STRING, TO(cpus) },       \
	{ "cpu-shares", "N", "cpu.weight, as docker counts it (1024 is usual)", .kind = OPT_INT,    \
	  .letter = 'c', .min = 2, .max = 262144, TO(cpu_shares) },                                 \
	{ "pids-limit", "N", "pids.max; -1: any", .kind = OPT_INT, .min = -1, .max = INT64_MAX,     \
	  TO(pids_limit) },                                                                         \
	{ "cpuset-cpus", "LIST", "cpuset.cpus: 0-3,7", .kind = OPT_STRING, TO(cpuset_cpus) },       \
	{ "cpuset-mems", "LIST", "cpuset.mems", .kind = OPT_STRING, TO(cpuset_mems) },              \
	{ "partition", "KIND", "cpuset.cpus.partition: root keeps its processors to itself",        \
	  "member root isolated", .kind = OPT_STRING, TO(partition) }
/* clang-format on */

const struct opt_row pool_create_rows[] = {
	{ "owner", "USER[:GROUP]", "Who may make groups below it and share it out",
	  .kind = OPT_STRING, TO(owner) },
	{ "set", "KEY=VALUE", "Any limit by its file: memory.high=1g", .kind = OPT_LIST,
	  .letter = 's', TO(set) },
	LIMIT_ROWS,
	{ 0 },
};

const struct opt_row pool_set_rows[] = {
	LIMIT_ROWS,
	{ 0 },
};

/* ---- limits ------------------------------------------------------------------------ */

static void add_number(struct strv *limits, const char *key, const struct opt_i64 *n)
{
	if (n->set && n->value < 0)
		strv_printf(limits, "%s=max", key);
	else if (n->set)
		strv_printf(limits, "%s=%lld", key, (long long)n->value);
}

static void add_text(struct strv *limits, const char *key, const char *text)
{
	if (text)
		strv_printf(limits, "%s=%s", key, text);
}

static int add_cpus(struct strv *limits, const char *cpus, struct err *err)
{
	uint64_t millionths;

	if (!cpus)
		return 0;
	if (str_eq(cpus, "max") || str_eq(cpus, "-1")) {
		strv_add(limits, "cpu.max=max 100000");
		return 0;
	}
	if (cpus_parse(cpus, &millionths) < 0 || millionths < 10000)
		return err_set(err, EINVAL, "--cpus: \"%s\" is no number of processors from 0.01",
			       cpus);
	strv_printf(limits, "cpu.max=%llu 100000", (unsigned long long)(millionths / 10));
	return 0;
}

/* The flags, then KEY=VALUE words, in the order of writing. A partition comes after its cpus. */
static int limits_make(const struct pool_flags *f, char **words, struct strv *ret, struct err *err)
{
	int r = add_cpus(ret, f->cpus, err);

	if (r < 0)
		return r;
	add_number(ret, "memory.max", &f->memory);
	add_number(ret, "pids.max", &f->pids_limit);
	if (f->cpu_shares.set)
		strv_printf(ret, "cpu.weight=%llu",
			    (unsigned long long)cgroup_weight_from_shares(
				    (uint64_t)f->cpu_shares.value));
	add_text(ret, "cpuset.cpus", f->cpuset_cpus);
	add_text(ret, "cpuset.mems", f->cpuset_mems);
	add_text(ret, "cpuset.cpus.partition", f->partition);
	for (size_t i = 0; i < f->set.count && r >= 0; i++) {
		r = want_assignment("set", f->set.items[i], err);
		strv_add(ret, f->set.items[i]);
	}
	for (; *words && r >= 0; words++) {
		if (!strchr(*words, '=') || **words == '=')
			r = err_set(err, EINVAL, "\"%s\" is not KEY=VALUE, as memory.max=1g",
				    *words);
		strv_add(ret, *words);
	}
	return r;
}

/* --owner: the machine's own accounts, by name or number. */
static int owner_find(const char *owner, struct account *ret, struct err *err)
{
	CLEAN(fd) int machine = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (!owner)
		return 0;
	if (machine < 0)
		return err_sys(err, "open /");
	r = account_find(machine, owner, ret, err);
	return r < 0 ? err_set(err, -r, "--owner %s: no such account on this machine", owner) : 0;
}

/* ---- verbs ------------------------------------------------------------------------- */

int verb_pool_create(struct call *call)
{
	const struct pool_flags *f = call->flags;
	CLEAN(account) struct account owner = { 0 };
	CLEAN(strv) struct strv limits = { 0 };
	struct err err = { 0 };
	int r = owner_find(f->owner, &owner, &err);

	if (r >= 0)
		r = limits_make(f, call->args + 1, &limits, &err);
	if (r >= 0)
		r = pool_create(call->args[0], &limits, owner.uid, owner.gid, &err);
	return r < 0 ? call_fail(call, &err) : 0;
}

int verb_pool_set(struct call *call)
{
	CLEAN(strv) struct strv limits = { 0 };
	struct err err = { 0 };
	int r = limits_make(call->flags, call->args + 1, &limits, &err);

	if (r >= 0 && !limits.count)
		r = err_set(&err, EINVAL, "nothing to set: give flags or KEY=VALUE");
	if (r >= 0)
		r = pool_set(call->args[0], &limits, &err);
	return r < 0 ? call_fail(call, &err) : 0;
}

int verb_pool_rm(struct call *call)
{
	int status = 0;

	for (int i = 0; i < call->count; i++) {
		struct err err = { 0 };

		if (pool_remove(call->args[i], &err) < 0)
			status = call_fail(call, &err);
	}
	return status;
}
