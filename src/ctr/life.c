/* start, kill, stop, pause, resume, rm */
#include "ctr/verbs.h"

#include "base/process.h"
#include "ctr/run_make.h"
#include "ctr/volumes.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>

/* Seconds that docker and podman wait too. */
#define STOP_SECONDS 10

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

const struct opt_row stop_rows[] = {
	{ "time", "SECONDS",
	  "Time to end before it is killed; -1: any (default: as created, else 10)",
	  .kind = OPT_INT, .letter = 't', .min = -1, .max = INT_MAX / 1000,
	  OPT_TO(struct stop_flags, timeout) },
	{ "timeout", "SECONDS", "As --time", .kind = OPT_INT, .hidden = true, .min = -1,
	  .max = INT_MAX / 1000, OPT_TO(struct stop_flags, timeout) },
	{ "signal", "SIGNAL", "Signal that asks it to end (default: as created, else SIGTERM)",
	  "@signal", .kind = OPT_STRING, .letter = 's', OPT_TO(struct stop_flags, signal) },
	{ "all", NULL, "Stop all containers", .kind = OPT_FLAG, .letter = 'a',
	  OPT_TO(struct stop_flags, all) },
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

static int one_start(struct call *call, struct container *c, struct err *err)
{
	return container_start(c, &call->warnings, err);
}

int verb_start(struct call *call)
{
	return call_each(call, one_start, true);
}

static int signal_of(const char *flag, const char *name, int otherwise, struct err *err)
{
	int signal = name ? process_signal_from_name(name) : otherwise;

	return signal < 0 ? err_set(err, EINVAL, "--%s: no signal \"%s\"", flag, name) : signal;
}

static int one_kill(struct call *call, struct container *c, struct err *err)
{
	const struct kill_flags *f = call->flags;
	int signal = signal_of("signal", f->signal, SIGKILL, err);

	return signal < 0 ? signal : container_signal(c, signal, f->all, err);
}

int verb_kill(struct call *call)
{
	return call_each(call, one_kill, true);
}

/* --time, else what --stop-timeout said when it was made. -1: for ever. */
static int stop_timeout_ms(const struct stop_flags *f, const struct state *s)
{
	const char *said = strv_env_get(&s->annotations, ANNOTATION_STOP_TIMEOUT);
	int64_t seconds = STOP_SECONDS;

	if (f->timeout.set)
		seconds = f->timeout.value;
	else if (said && str_to_i64(said, -1, INT_MAX / 1000, &seconds) < 0)
		seconds = STOP_SECONDS;
	return seconds < 0 ? -1 : (int)seconds * 1000;
}

static int one_stop(struct call *call, struct container *c, struct err *err)
{
	const struct stop_flags *f = call->flags;
	int signal = signal_of("signal", f->signal, 0, err);

	return signal < 0 ? signal : container_stop(c, signal, stop_timeout_ms(f, &c->state), err);
}

int verb_stop(struct call *call)
{
	const struct stop_flags *f = call->flags;
	int status = call_names(call, f->all);

	return status ? status : call_each(call, one_stop, true);
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
	int r = container_delete(c, f->force, &call->warnings, err);

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
