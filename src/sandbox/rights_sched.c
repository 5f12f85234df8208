/* When the payload gets a processor and when its reads and writes are done. */
#include "sandbox/rights.h"
#include "sandbox/rights_check.h"

#include "spec/names.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif

/* As in linux/sched/types.h, which can't be included beside sched.h. */
struct sched_attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; /* ns */
};

#define DEADLINE_GRAIN_NS 1024u /* the kernel's DL_SCALE */

static const char *policy_name(int policy)
{
	const struct spec_word *w = spec_word_of(WORDS_SCHED_POLICY, policy);

	return w ? w->word : "unknown policy";
}

static int check_deadline(const struct spec_scheduler *s, struct err *err)
{
	uint64_t period = s->period ? s->period : s->deadline;

	if (s->runtime < DEADLINE_GRAIN_NS)
		return err_set(err, EINVAL,
			       "process.scheduler.runtime: %" PRIu64
			       " ns is below the kernel's smallest, %u",
			       s->runtime, DEADLINE_GRAIN_NS);
	if (s->runtime > s->deadline || s->deadline > period)
		return err_set(
			err, EINVAL,
			"process.scheduler: SCHED_DEADLINE wants runtime <= deadline <= period, but they "
			"are %" PRIu64 ", %" PRIu64 ", %" PRIu64,
			s->runtime, s->deadline, period);
	if (period >> 63)
		return err_set(err, ERANGE, "process.scheduler.period: %" PRIu64 " ns is too long",
			       period);
	return 0;
}

int rights_check_scheduler(const struct spec_scheduler *s, struct err *err)
{
	bool realtime = s->policy == SCHED_FIFO || s->policy == SCHED_RR;

	if (!s->set)
		return 0;
	if (s->policy == 4)
		return err_set(
			err, ENOTSUP,
			"process.scheduler.policy: Linux has reserved SCHED_ISO but never made it");
	if (realtime && (s->priority < 1 || s->priority > 99))
		return err_set(err, EINVAL, "process.scheduler.priority: %s wants 1 to 99, not %d",
			       policy_name(s->policy), s->priority);
	if (!realtime && s->priority != 0)
		return err_set(
			err, EINVAL,
			"process.scheduler.priority: %s has none; only SCHED_FIFO and SCHED_RR do",
			policy_name(s->policy));
	if (s->nice < -20 || s->nice > 19)
		return err_set(err, EINVAL, "process.scheduler.nice: %d is not within -20 to 19",
			       s->nice);
	if (s->policy == SCHED_DEADLINE)
		return check_deadline(s, err);
	if (s->runtime || s->deadline || s->period)
		return err_set(
			err, EINVAL,
			"process.scheduler: runtime, deadline and period are for SCHED_DEADLINE, not %s",
			policy_name(s->policy));
	return 0;
}

static int explain(const struct spec_scheduler *s, struct err *err)
{
	struct rlimit limit = { 0 };
	int code = errno;

	switch (code) {
	case EPERM:
		if (s->policy == SCHED_DEADLINE)
			return err_set(
				err, code,
				"process.scheduler.policy: SCHED_DEADLINE needs CAP_SYS_NICE and may not be "
				"confined to some of the CPUs (linux.resources.cpu.cpus)");
		if (s->policy == SCHED_FIFO || s->policy == SCHED_RR) {
			getrlimit(RLIMIT_RTPRIO, &limit);
			return err_set(
				err, code,
				"process.scheduler.priority: %d needs CAP_SYS_NICE; RLIMIT_RTPRIO allows %llu",
				s->priority, (unsigned long long)limit.rlim_cur);
		}
		getrlimit(RLIMIT_NICE, &limit);
		return err_set(
			err, code,
			"process.scheduler.nice: %d needs CAP_SYS_NICE; RLIMIT_NICE allows %lld",
			s->nice, 20 - (long long)limit.rlim_cur);
	case EBUSY:
		return err_set(err, code,
			       "process.scheduler.runtime: %" PRIu64 " ns of every %" PRIu64
			       " is more than the processors have left for SCHED_DEADLINE",
			       s->runtime, s->period ? s->period : s->deadline);
	case EINVAL:
		if (s->policy == SCHED_DEADLINE)
			return err_set(
				err, code,
				"process.scheduler.period: %" PRIu64
				" ns is outside sysctl kernel.sched_deadline_period_min_us and max_us",
				s->period ? s->period : s->deadline);
		break;
	}
	errno = code;
	return err_sys(
		err,
		"process.scheduler: the kernel refuses %s with nice %d, priority %d, flags %#llx",
		policy_name(s->policy), s->nice, s->priority, (unsigned long long)s->flags);
}

int rights_scheduler(const struct spec_scheduler *s, struct err *err)
{
	struct sched_attributes attr = {
		.size = sizeof(attr),
		.policy = (uint32_t)s->policy,
		.flags = s->flags,
		.nice = s->nice,
		.priority = (uint32_t)s->priority,
		.runtime = s->runtime,
		.deadline = s->deadline,
		.period = s->period,
	};
	int rc = rights_check_scheduler(s, err);

	if (rc < 0 || !s->set)
		return rc;
	return syscall(SYS_sched_setattr, 0, &attr, 0) < 0 ? explain(s, err) : 0;
}

int rights_check_io_priority(const struct spec_process *p, struct err *err)
{
	if (!p->io_priority_class.set)
		return 0;
	if (p->io_priority < 0 || p->io_priority > 7)
		return err_set(err, EINVAL,
			       "process.ioPriority.priority: %lld is not within 0 to 7",
			       (long long)p->io_priority);
	return 0;
}

int rights_io_priority(const struct spec_process *p, struct err *err)
{
	int rc = rights_check_io_priority(p, err);
	int value;

	if (rc < 0 || !p->io_priority_class.set)
		return rc;
	value = IOPRIO_PRIO_VALUE((int)p->io_priority_class.value, (int)p->io_priority);
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, value) == 0)
		return 0;
	if (errno == EPERM)
		return err_set(
			err, EPERM,
			"process.ioPriority.class: IOPRIO_CLASS_RT needs CAP_SYS_NICE or CAP_SYS_ADMIN");
	return err_sys(err, "process.ioPriority");
}
