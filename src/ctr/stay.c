/* start, restart, stop, wait, attach: what one does with containers that stay */
#include "ctr/verbs.h"

#include "base/clock.h"
#include "base/process.h"
#include "ctr/monitored.h"
#include "ctr/signals.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>

/* Seconds that docker and podman wait too. */
#define STOP_SECONDS 10

#define KEYS_HELP                                                                                   \
	"Keys that leave it running: characters, or ctrl- and a letter, with commas between; \"\" " \
	"for none (default " DETACH_KEYS_DEFAULT ")"

const struct opt_row start_rows[] = {
	{ "attach", NULL, "Show what it prints, and exit as it does", .kind = OPT_FLAG,
	  .letter = 'a', OPT_TO(struct attach_flags, attach) },
	{ "interactive", NULL, "Pass standard input on to it", .kind = OPT_FLAG, .letter = 'i',
	  OPT_TO(struct attach_flags, interactive) },
	{ "sig-proxy", NULL, "With --attach: pass signals on to it (default true)", .kind = OPT_OFF,
	  OPT_TO(struct attach_flags, proxy_off) },
	{ "detach-keys", "KEYS", KEYS_HELP, .kind = OPT_STRING,
	  OPT_TO(struct attach_flags, detach_keys) },
	{ 0 },
};

const struct opt_row attach_rows[] = {
	{ "no-stdin", NULL, "Don't pass standard input on to it", .kind = OPT_FLAG,
	  OPT_TO(struct attach_flags, no_stdin) },
	{ "sig-proxy", NULL, "Pass signals on to it (default true)", .kind = OPT_OFF,
	  OPT_TO(struct attach_flags, proxy_off) },
	{ "detach-keys", "KEYS", KEYS_HELP, .kind = OPT_STRING,
	  OPT_TO(struct attach_flags, detach_keys) },
	{ 0 },
};

#define STOP_ROWS                                                                         \
	{ "time",                                                                         \
	  "SECONDS",                                                                      \
	  "Time to end before it is killed; -1: any (default: as created, else 10)",      \
	  .kind = OPT_INT,                                                                \
	  .letter = 't',                                                                  \
	  .min = -1,                                                                      \
	  .max = INT_MAX / 1000,                                                          \
	  OPT_TO(struct stop_flags, timeout) },                                           \
		{ "timeout",                                                              \
		  "SECONDS",                                                              \
		  "As --time",                                                            \
		  .kind = OPT_INT,                                                        \
		  .hidden = true,                                                         \
		  .min = -1,                                                              \
		  .max = INT_MAX / 1000,                                                  \
		  OPT_TO(struct stop_flags, timeout) },                                   \
	{                                                                                 \
		"signal", "SIGNAL",                                                       \
			"Signal that asks it to end (default: as created, else SIGTERM)", \
			"@signal", .kind = OPT_STRING, .letter = 's',                     \
				   OPT_TO(struct stop_flags, signal)                      \
	}

const struct opt_row stop_rows[] = {
	STOP_ROWS,
	{ "all", NULL, "Stop all containers", .kind = OPT_FLAG, .letter = 'a',
	  OPT_TO(struct stop_flags, all) },
	{ 0 },
};

const struct opt_row restart_rows[] = {
	STOP_ROWS,
	{ "all", NULL, "Restart all containers", .kind = OPT_FLAG, .letter = 'a',
	  OPT_TO(struct stop_flags, all) },
	{ 0 },
};

/* ---- start --------------------------------------------------------------------------- */

/* One that rests before its next restart has a monitor; one that is about to go has none. */
static int start_stopped(struct call *call, struct container *c, const struct given *given,
			 struct err *err)
{
	uint64_t until = clock_now_ns() + MONITOR_GONE_MS * UINT64_C(1000000);
	int rc;

	do {
		CLEAN(fd) int sock = monitor_connect(c->dir);

		if (sock >= 0 && !monitor_send(sock, WIRE_START, 0, 0, NULL, 0))
			continue;
		if (sock < 0)
			sock = start_again(c, given, false, err);
		rc = sock < 0 ? sock : monitor_await_start(sock, &call->warnings, err);
		if (rc != -ECONNRESET)
			return rc;
		(void)poll(NULL, 0, 10);
	} while (clock_now_ns() < until);
	return rc;
}

static int one_start(struct call *call, struct container *c, struct err *err)
{
	int rc;

	if (c->state.status == STATUS_STOPPED)
		return start_stopped(call, c, NULL, err);
	rc = start_sockets_check(c, err);
	return rc < 0 ? rc : container_start(c, &call->warnings, err);
}

static int start_attached(struct call *call)
{
	const struct attach_flags *f = call->flags;
	CLEAN(container) struct container c = CONTAINER_INIT;
	struct err err = { 0 };
	CLEAN(fd) int root = call_root(call, &err);
	struct attach_how how = { .input = f->interactive,
				  .proxy = !f->proxy_off,
				  .detach_keys = f->detach_keys };
	int sock = -1, rc = root;

	if (call->count != 1)
		rc = err_set(&err, EINVAL, "--attach and --interactive: for one container only");
	if (rc >= 0)
		rc = container_open(root, call->args[0], &c, &err);
	if (rc == 0 && c.state.status != STATUS_STOPPED)
		rc = start_sockets_check(&c, &err);
	if (rc == 0 && c.state.status == STATUS_STOPPED)
		rc = sock = start_again(&c, NULL, true, &err);
	else
		how.start = true;
	if (rc < 0)
		return call_fail(call, &err);
	return attach_to(call, root, c.state.name, sock, true, &how);
}

int verb_start(struct call *call)
{
	const struct attach_flags *f = call->flags;

	return f->attach || f->interactive ? start_attached(call) :
					     call_each(call, one_start, true);
}

/* ---- stop and restart ---------------------------------------------------------------- */

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

	return signal < 0 ? signal : stop_monitored(c, signal, stop_timeout_ms(f, &c->state), err);
}

int verb_stop(struct call *call)
{
	const struct stop_flags *f = call->flags;
	int status = call_names(call, f->all);

	return status ? status : call_each(call, one_stop, true);
}

static int one_restart(struct call *call, struct container *c, struct err *err)
{
	CLEAN(given) struct given given = { .count = 0 };
	int rc = 0;

	if (c->state.status != STATUS_CREATED) {
		given_take(c, &given);
		rc = one_stop(call, c, err);
	}
	if (rc == 0 && c->state.status == STATUS_CREATED)
		return container_start(c, &call->warnings, err);
	return rc < 0 ? rc : start_stopped(call, c, &given, err);
}

int verb_restart(struct call *call)
{
	const struct stop_flags *f = call->flags;
	int status = call_names(call, f->all);

	return status ? status : call_each(call, one_restart, true);
}

/* ---- wait ---------------------------------------------------------------------------- */

static int one_wait(struct call *call, struct container *c, struct err *err)
{
	CLEAN(str) struct str line = { 0 };
	bool known = c->state.exit_known;
	int code = c->state.exit_code, rc = 0;

	/* One that rests before it is started again has not come to its end. */
	if (c->state.status != STATUS_STOPPED || !known || c->state.restart_policy)
		rc = monitor_wait(c, &known, &code, err);
	if (rc == 0 && !known)
		rc = err_set(err, ESRCH, "container \"%s\" has ended; nobody knows how",
			     c->state.name);
	if (rc < 0)
		return rc;
	str_printf(&line, "%d\n", code);
	return call_print(call, line.text, line.len) ? -EPIPE : 0;
}

int verb_wait(struct call *call)
{
	return call_each(call, one_wait, false);
}

/* ---- attach -------------------------------------------------------------------------- */

int verb_attach(struct call *call)
{
	const struct attach_flags *f = call->flags;
	CLEAN(container) struct container c = CONTAINER_INIT;
	struct err err = { 0 };
	CLEAN(fd) int root = call_root(call, &err);
	int rc = root < 0 ? root : container_open(root, call->args[0], &c, &err);

	if (rc == 0 && c.state.status == STATUS_STOPPED)
		rc = err_set(&err, EINVAL,
			     "container \"%s\" is stopped: start it, or see what it said with "
			     "`ctr logs`",
			     c.state.name);
	if (rc < 0)
		return call_fail(call, &err);
	return attach_to(call, root, c.state.name, -1, false,
			 &(struct attach_how){ .input = !f->no_stdin,
					       .proxy = !f->proxy_off,
					       .detach_keys = f->detach_keys });
}
