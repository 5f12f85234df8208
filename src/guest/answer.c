#include "guest/answer.h"

#include "runtime/processes.h"
#include "runtime/usage.h"
#include "runtime/vm_answer.h"

#include <errno.h>

/* Interfaces are the machine's: the container has no network namespace of its own in it. */
static int usage(struct container *c, struct str *out, struct err *err)
{
	struct usage u;

	(void)err;
	usage_own(c, &u);
	(void)!usage_interfaces("/proc/self/net/dev", &u);
	answer_put_usage(&u, out);
	return 0;
}

static int processes(struct container *c, struct str *out, struct err *err)
{
	CLEAN(procs) struct procs all = { 0 };
	int rc = container_processes(c, &all, err);

	if (rc == 0)
		answer_put_procs(&all, out);
	return rc;
}

static int (*const answers[])(struct container *c, struct str *out, struct err *err) = {
	[WIRE_ASK_USAGE] = usage,
	[WIRE_ASK_PROCESSES] = processes,
};

int answer_put(uint32_t question, struct container *c, struct wire *w, struct err *err)
{
	CLEAN(str) struct str out = { 0 };
	int rc;

	if (question >= ARRAY_LEN(answers) || !answers[question])
		return err_set(err, ENOSYS, "the guest's init has no answer to question %u",
			       question);
	if (c->pidfd < 0)
		return err_set(err, ESRCH, "the container is not made yet, or has ended");
	rc = answers[question](c, &out, err);
	if (rc == 0)
		wire_put_text(w, WIRE_ANSWER, out.text, out.len);
	return rc;
}
