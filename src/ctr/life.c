/* kill, pause, resume, rm */
#include "ctr/verbs.h"

#include "ctr/monitored.h"
#include "ctr/signals.h"
#include "ctr/volumes.h"

#include <errno.h>
#include <signal.h>

/* podman's statuses of rm */
#define RM_MISSING 1
#define RM_RUNNING 2

const struct opt_row kill_rows[] = {
	{ "signal", "SIGNAL", "Name or number of the signal (default SIGKILL)", "@signal",
	  .kind = OPT_STRING, .letter = 's', OPT_TO(struct kill_flags, signal) },
	{ "all", NULL, "Signal every process in the container, not only its first",
	  .kind = OPT_FLAG, .letter = 'a', OPT_TO(struct kill_flags, all) },
	{ 0 },
};

const struct opt_row rm_rows[] = {
	{ "force", NULL, "Kill it first if it runs; a name that isn't there is no failure",
	  .kind = OPT_FLAG, .letter = 'f', OPT_TO(struct rm_flags, force) },
	{ "volumes", NULL, "Remove its anonymous volumes as well", .kind = OPT_FLAG, .letter = 'v',
	  OPT_TO(struct rm_flags, volumes) },
	{ "all", NULL, "Remove all containers", .kind = OPT_FLAG, .letter = 'a',
	  OPT_TO(struct rm_flags, all) },
	{ 0 },
};

static int one_kill(struct call *call, struct container *c, struct err *err)
{
	const struct kill_flags *f = call->flags;
	int signal = signal_of("signal", f->signal, SIGKILL, err);

	/* As docker: who kills it doesn't want it back. */
	if (signal == SIGKILL && c->state.restart_policy && container_stop_asked(c, err) < 0)
		return -err->code;
	return signal < 0 ? signal : container_signal(c, signal, f->all, err);
}

int verb_kill(struct call *call)
{
	return call_each(call, one_kill, true);
}

static int one_pause(struct call *call, struct container *c, struct err *err)
{
	(void)call;
	return container_pause(c, true, err);
}

int verb_pause(struct call *call)
{
	return call_each(call, one_pause, true);
}

static int one_resume(struct call *call, struct container *c, struct err *err)
{
	(void)call;
	return container_pause(c, false, err);
}

int verb_resume(struct call *call)
{
	return call_each(call, one_resume, true);
}

static int one_rm(struct call *call, struct container *c, struct err *err)
{
	const struct rm_flags *f = call->flags;
	CLEAN(fd) int monitor = monitor_connect(c->dir);
	int r = container_delete(c, f->force, &call->warnings, err);

	/* It sees that there is nothing to sit beside any more. */
	if (r == 0 && monitor >= 0 && monitor_send(monitor, WIRE_LOOK, 0, 0, NULL, 0))
		monitor_await_gone(monitor, MONITOR_GONE_MS);
	if (r == -EBUSY && !f->force)
		err->exit_status = RM_RUNNING;
	if (r >= 0)
		(void)volumes_release(call, c->state.id, f->volumes || c->state.auto_remove);
	return r;
}

int verb_rm(struct call *call)
{
	const struct rm_flags *f = call->flags;
	int status = call_names(call, f->all);

	if (status)
		return status;
	call->missing = f->force ? CALL_MISSING_FINE : RM_MISSING;
	return call_each(call, one_rm, true);
}
