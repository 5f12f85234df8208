/* The table of limits, and the rows that are one number or one list. */
#include "cgroups/knob.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct cgroup_setting *knob_add(struct knob_job *job, const struct knob *knob, char *value)
{
	struct cgroup_settings *s = job->ret;

	s->items = xrealloc(s->items, s->count + 1, sizeof(*s->items));
	s->items[s->count] = (struct cgroup_setting){
		.key = xstrdup(knob->key),
		.controller = knob->controller,
		.file = knob->file ? xstrdup(knob->file) : NULL,
		.value = value,
	};
	return &s->items[s->count++];
}

int knob_fail(struct knob_job *job, const struct knob *knob, int code, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(job->err, code, "linux.resources.%s: %s", knob->key, text);
}

static const void *field(const struct knob_job *job, const struct knob *knob)
{
	return (const char *)job->res + knob->at;
}

/* A signed limit where -1 is none. */
static int make_limit(struct knob_job *job, const struct knob *knob)
{
	const struct opt_i64 *v = field(job, knob);
	struct cgroup_setting *s;

	if (!v->set || (v->value == 0 && knob->zero_unset))
		return 0;
	if (v->value < -1)
		return knob_fail(job, knob, EINVAL,
				 "%" PRId64 ": a limit is -1 (none) or a positive number",
				 v->value);
	if (v->value == -1) {
		s = knob_add(job, knob, xstrdup("max"));
		s->defaulted = true;
		return 0;
	}
	knob_add(job, knob, xasprintf("%" PRId64, v->value));
	return 0;
}

/* memory.low: nothing is protected by default, so -1 and 0 are the default. */
static int make_protection(struct knob_job *job, const struct knob *knob)
{
	const struct opt_i64 *v = field(job, knob);

	if (!v->set || v->value == 0 || v->value == -1)
		return 0;
	if (v->value < -1)
		return knob_fail(job, knob, EINVAL, "%" PRId64 ": has to be a positive number",
				 v->value);
	knob_add(job, knob, xasprintf("%" PRId64, v->value));
	return 0;
}

/* A number at *s, which moves behind it; false when there is none or it is beyond any mask. */
static bool take_number(const char **s, unsigned long *ret)
{
	char *end;

	if (**s < '0' || **s > '9')
		return false;
	*ret = strtoul(*s, &end, 10);
	*s = end;
	return *ret <= INT_MAX;
}

/* "0-3,5,8-15:2/4": what the kernel takes for cpus and memory nodes. */
static bool is_cpu_list(const char *s)
{
	for (;; s++) {
		unsigned long from, to, used, group;

		if (!take_number(&s, &from))
			return false;
		if (*s == '-') {
			s++;
			if (!take_number(&s, &to) || to < from)
				return false;
			if (*s == ':' && (s++, !take_number(&s, &used) || *s++ != '/' ||
						       !take_number(&s, &group) || used > group))
				return false;
		}
		if (*s == '\0' || (*s == '\n' && s[1] == '\0'))
			return true;
		if (*s != ',')
			return false;
	}
}

static int make_list(struct knob_job *job, const struct knob *knob)
{
	const char *v = *(char *const *)field(job, knob);

	if (!v || !*v)
		return 0;
	if (!is_cpu_list(v))
		return knob_fail(job, knob, EINVAL,
				 "\"%s\" is no list of %s; write it as \"0-3,5\"", v, knob->words);
	knob_add(job, knob, xstrndup(v, strcspn(v, "\n")));
	return 0;
}

/* What cgroup v2 has no word for and nobody is worse off without. */
static int make_ignored_i64(struct knob_job *job, const struct knob *knob)
{
	const struct opt_i64 *v = field(job, knob);

	if (v->set && v->value != 0)
		strv_printf(job->warnings, "linux.resources.%s: ignored: %s", knob->key,
			    knob->words);
	return 0;
}

static int make_ignored_u64(struct knob_job *job, const struct knob *knob)
{
	const struct opt_u64 *v = field(job, knob);

	if (v->set && v->value != 0)
		strv_printf(job->warnings, "linux.resources.%s: ignored: %s", knob->key,
			    knob->words);
	return 0;
}

/* Swappiness 0 is a wish too, 60 is what every group has. */
static int make_swappiness(struct knob_job *job, const struct knob *knob)
{
	const struct opt_u64 *v = field(job, knob);

	if (!v->set)
		return 0;
	if (v->value > 100)
		return knob_fail(job, knob, ERANGE, "%" PRIu64 ": has to be 0 to 100", v->value);
	if (v->value != 60)
		strv_printf(job->warnings, "linux.resources.%s: ignored: %s", knob->key,
			    knob->words);
	return 0;
}

static int make_hierarchy(struct knob_job *job, const struct knob *knob)
{
	const struct opt_i64 *v = field(job, knob);

	if (v->set && v->value == 0)
		strv_printf(job->warnings, "linux.resources.%s: ignored: %s", knob->key,
			    knob->words);
	return 0;
}

/* No limit in itself: cgroup_apply() looks at it. */
static int make_check(struct knob_job *job, const struct knob *knob)
{
	const struct opt_i64 *v = field(job, knob);

	job->ret->check_before_update = v->set && v->value != 0;
	return 0;
}

/* What cgroup v2 has no word for, and leaving it out would break a promise. */
static int make_refused_u64(struct knob_job *job, const struct knob *knob)
{
	const struct opt_u64 *v = field(job, knob);

	return v->set && v->value != 0 ? knob_fail(job, knob, ENOTSUP, "%s", knob->words) : 0;
}

static int make_refused_i64(struct knob_job *job, const struct knob *knob)
{
	const struct opt_i64 *v = field(job, knob);

	return v->set && v->value != 0 ? knob_fail(job, knob, ENOTSUP, "%s", knob->words) : 0;
}

static int make_priorities(struct knob_job *job, const struct knob *knob)
{
	return job->res->network.priorities.count ?
		       knob_fail(job, knob, ENOTSUP, "%s", knob->words) :
		       0;
}

#define AT(member) .at = offsetof(struct spec_resources, member)

#define NO_KERNEL_MEMORY "cgroup v2 counts kernel memory in memory.max"
#define NO_REALTIME                                                                        \
	"cgroup v2 has no group limits for realtime scheduling; leave it out, or set the " \
	"process's own scheduler (process.scheduler)"
#define NO_NET \
	"cgroup v2 has no net_cls and net_prio controllers; use nftables' socket cgroupv2 match"

/*
 * The order is the order of the writes. Within it: the quota before the burst that it bounds; idle after
 * the weight, which an idle group doesn't take; unified last, as the word of the one who knows.
 */
const struct knob cgroup_knobs[] = {
	{ "memory.limit", "memory", "memory.max", make_limit, AT(memory.limit),
	  .zero_unset = true },
	{ "memory.swap", "memory", "memory.swap.max", knob_make_swap },
	{ "memory.reservation", "memory", "memory.low", make_protection, AT(memory.reservation) },
	{ "memory.kernel", NULL, NULL, make_ignored_i64, AT(memory.kernel),
	  .words = NO_KERNEL_MEMORY },
	{ "memory.kernelTCP", NULL, NULL, make_ignored_i64, AT(memory.kernel_tcp),
	  .words = NO_KERNEL_MEMORY },
	{ "memory.swappiness", NULL, NULL, make_swappiness, AT(memory.swappiness),
	  .words = "cgroup v2 has no swappiness per group; see vm.swappiness, memory.swap and "
		   "unified memory.swap.high" },
	{ "memory.disableOOMKiller", NULL, NULL, make_ignored_i64, AT(memory.disable_oom_killer),
	  .words = "cgroup v2 can't switch the OOM killer off; see unified memory.high and "
		   "process.oomScoreAdj" },
	{ "memory.useHierarchy", NULL, NULL, make_hierarchy, AT(memory.use_hierarchy),
	  .words = "cgroup v2 always counts hierarchically" },
	{ "memory.checkBeforeUpdate", NULL, NULL, make_check, AT(memory.check_before_update) },

	{ "cpu.shares", "cpu", "cpu.weight", knob_make_weight },
	{ "cpu.idle", "cpu", "cpu.idle", knob_make_idle },
	{ "cpu.quota", "cpu", "cpu.max", knob_make_quota },
	{ "cpu.burst", "cpu", "cpu.max.burst", knob_make_burst },
	{ "cpu.realtimeRuntime", NULL, NULL, make_refused_i64, AT(cpu.realtime_runtime_us),
	  .words = NO_REALTIME },
	{ "cpu.realtimePeriod", NULL, NULL, make_refused_u64, AT(cpu.realtime_period_us),
	  .words = NO_REALTIME },
	{ "cpu.cpus", "cpuset", "cpuset.cpus", make_list, AT(cpu.cpus), .words = "processors" },
	{ "cpu.mems", "cpuset", "cpuset.mems", make_list, AT(cpu.mems), .words = "memory nodes" },

	{ "pids.limit", "pids", "pids.max", make_limit, AT(pids_limit) },

	{ "blockIO.weight", "io", "io.weight", knob_make_io_weight },
	{ "blockIO.weightDevice", "io", "io.weight", knob_make_io_weight_devices },
	{ "blockIO.leafWeight", NULL, NULL, make_ignored_u64, AT(block_io.leaf_weight),
	  .words = "cgroup v2 groups with processes have no subgroups to compete with" },
	{ "blockIO.throttleReadBpsDevice", "io", "io.max", knob_make_throttle,
	  AT(block_io.read_bps), .words = "rbps" },
	{ "blockIO.throttleWriteBpsDevice", "io", "io.max", knob_make_throttle,
	  AT(block_io.write_bps), .words = "wbps" },
	{ "blockIO.throttleReadIOPSDevice", "io", "io.max", knob_make_throttle,
	  AT(block_io.read_iops), .words = "riops" },
	{ "blockIO.throttleWriteIOPSDevice", "io", "io.max", knob_make_throttle,
	  AT(block_io.write_iops), .words = "wiops" },

	{ "hugepageLimits", "hugetlb", NULL, knob_make_hugepages },
	{ "rdma", "rdma", "rdma.max", knob_make_rdma },
	{ "network.classID", NULL, NULL, make_refused_u64, AT(network.class_id), .words = NO_NET },
	{ "network.priorities", NULL, NULL, make_priorities, .words = NO_NET },

	{ "unified", NULL, NULL, knob_make_unified },
};

const size_t cgroup_knob_count = ARRAY_LEN(cgroup_knobs);
