/* kill, delete, pause, resume */
#include "oci/oci.h"

#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

const struct opt_row oci_kill_rows[] = {
	{ "all", NULL, "Signal every process in it, also when the first has ended",
	  .kind = OPT_FLAG, .letter = 'a', OPT_TO(struct oci_kill_flags, all) },
	{ 0 },
};

const struct opt_row oci_delete_rows[] = {
	{ "force", NULL,
	  "Kill it first, also one that was never started; one that isn't there is no failure",
	  .kind = OPT_FLAG, .letter = 'f', OPT_TO(struct oci_delete_flags, force) },
	{ 0 },
};

int oci_verb_kill(struct call *call)
{
	const struct oci_kill_flags *f = call->flags;
	CLEAN(container) struct container c = CONTAINER_INIT;
	const char *name = call->args[1] ? call->args[1] : "SIGTERM";
	int signal = process_signal_from_name(name);
	struct err err = { 0 };
	int r;

	if (signal < 0)
		r = err_set(&err, EINVAL, "no signal \"%s\"", name);
	else
		r = oci_open(call, &c, &err);
	if (r == 0)
		r = container_signal(&c, signal, f->all, &err);
	return r < 0 ? call_fail(call, &err) : 0;
}

int oci_verb_delete(struct call *call)
{
	const struct oci_delete_flags *f = call->flags;
	CLEAN(container) struct container c = CONTAINER_INIT;
	struct err err = { 0 };
	int r = oci_open(call, &c, &err);
	bool found = r == 0;

	if (r == 0)
		r = container_delete(&c, f->force, &call->warnings, &err);
	/* What else is missing, of one that is there, is no success. */
	if (r == -ENOENT && f->force && (!found || faccessat(c.root, c.state.name, F_OK, 0) < 0))
		return 0;
	return oci_end(call, r, &err);
}

static int freeze(struct call *call, bool paused)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	struct err err = { 0 };
	int r = oci_open(call, &c, &err);

	if (r == 0)
		r = container_pause(&c, paused, &err);
	return r < 0 ? call_fail(call, &err) : 0;
}

int oci_verb_pause(struct call *call)
{
	return freeze(call, true);
}

int oci_verb_resume(struct call *call)
{
	return freeze(call, false);
}
