/* Health checks as the monitor runs them: one at a time, beside everything else that it does. */
#include "monitor/serve.h"

#include "base/clock.h"
#include "base/process.h"
#include "runtime/events.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* What docker says of a check that had to be ended. */
#define TIMED_OUT (-1)
#define STOP_NS UINT64_C(10000000000)

static uint64_t ns(uint64_t ms)
{
	return ms * UINT64_C(1000000);
}

static struct health_memory *memory(const struct serve *v)
{
	return &v->m->shared->health;
}

void check_begin(struct serve *v)
{
	const struct health *h = &v->order.health;
	struct err ignored;

	*memory(v) = (struct health_memory){ 0 };
	v->check.kill_ns = 0;
	if (!h->command)
		return;
	memory(v)->next_ns = clock_now_ns() + ns(h->interval_ms);
	(void)!health_record(v->c.dir, memory(v), NULL, &ignored);
}

static bool check_wanted(const struct serve *v)
{
	return v->order.health.command && !v->ended && v->m->pidfd >= 0;
}

/* ---- a check runs ----------------------------------------------------------------------- */

static int arguments(const struct serve *v, struct spec_process *p, struct err *err)
{
	CLEAN(json) struct json_object *doc = NULL;
	const char *text = v->order.health.command;
	struct json_at at = { 0 };
	int rc = json_parse_own(text, strlen(text), "--health-cmd", &doc, err);

	at.value = doc;
	strv_free(&p->args);
	return rc < 0 ? rc : json_read_strv(&at, &p->args, err);
}

static int run(struct serve *v, int out, struct err *err)
{
	CLEAN(strv) struct strv warnings = { 0 };
	CLEAN(spec) struct spec spec = { 0 };
	CLEAN(fd) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct exec_options opt = {
		.spec = &spec,
		.stdio = { null, out, out },
		.session = &v->check.session,
		.ends_with_caller = true,
	};
	struct spec_process process;
	int terminal = -1, rc = null < 0 ? err_sys(err, "open /dev/null") : 0;

	if (rc == 0)
		rc = container_spec(&v->c, &spec, err);
	if (rc < 0)
		return rc;
	process = spec.process;
	process.args = (struct strv){ 0 };
	process.terminal = false;
	opt.process = &process;
	rc = arguments(v, &process, err);
	if (rc >= 0)
		rc = session_new(&v->check.session, err);
	for (size_t i = 0; rc >= 0 && i < process.args.count; i++)
		strv_add(&v->check.session.args, process.args.items[i]);
	if (rc >= 0)
		rc = container_exec(&v->c, &opt, &warnings, &v->check.pidfd, &terminal, err);
	strv_free(&process.args);
	return rc < 0 ? rc : 0;
}

static void finish(struct serve *v, int exit_code);

/* Others start it and pause it. One that doesn't run can't be asked how it is. */
static bool runs(struct serve *v)
{
	struct err ignored;
	int rc = container_lock(&v->c, &ignored);

	container_unlock(&v->c);
	return rc == 0 && v->c.state.status == STATUS_RUNNING;
}

static void start(struct serve *v)
{
	int ends[2];
	struct err why = { 0 };
	int rc;

	memory(v)->next_ns = clock_now_ns() + ns(v->order.health.interval_ms);
	if (!runs(v))
		return;
	v->check.began_unix_ms = clock_unix_ms();
	v->check.len = 0;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	v->check.out = ends[0];
	/* What the container writes to waits, as it expects. */
	(void)fcntl(ends[1], F_SETFL, 0);
	rc = run(v, ends[1], &why);
	close(ends[1]);
	v->check.deadline_ns = clock_now_ns() + ns(v->order.health.timeout_ms);
	if (rc == 0)
		return;
	v->check.len = (size_t)snprintf(v->check.output, sizeof(v->check.output), "%s", why.text);
	if (v->check.len >= sizeof(v->check.output))
		v->check.len = sizeof(v->check.output) - 1;
	finish(v, why.exit_status ? why.exit_status : 126);
}

/* What is too much is read and forgotten. */
static void listen(struct serve *v)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(v->check.out, bytes, sizeof(bytes))) > 0) {
		size_t room = sizeof(v->check.output) - v->check.len;
		size_t take = (size_t)n < room ? (size_t)n : room;

		memcpy(v->check.output + v->check.len, bytes, take);
		v->check.len += take;
	}
	if (n == 0)
		close(take_fd(&v->check.out));
}

/* ---- and has a result ------------------------------------------------------------------- */

/* The container is ended in its own way, and by force when that takes too long. */
static void act(struct serve *v)
{
	int action = v->order.health.action;
	struct err ignored;

	if (action == HEALTH_NONE)
		return;
	memory(v)->restart = action == HEALTH_RESTART;
	if (action == HEALTH_STOP)
		(void)!container_stop_asked(&v->c, &ignored);
	if (action == HEALTH_KILL) {
		(void)!process_signal(v->m->pidfd, SIGKILL);
		return;
	}
	(void)!process_signal(v->m->pidfd, container_stop_signal(&v->c));
	v->check.kill_ns = clock_now_ns() + STOP_NS;
}

static void finish(struct serve *v, int exit_code)
{
	const struct health *h = &v->order.health;
	struct health_memory *m = memory(v);
	struct health_result result = {
		.start_unix_ms = v->check.began_unix_ms,
		.end_unix_ms = clock_unix_ms(),
		.exit_code = exit_code,
		.output = v->check.output,
	};
	bool starting = clock_now_ns() - v->m->shared->started_ns < ns(h->start_period_ms), due;
	int before = m->status;
	struct err ignored;

	if (v->check.out >= 0)
		listen(v);
	if (v->check.out >= 0)
		close(take_fd(&v->check.out));
	if (v->check.pidfd >= 0)
		close(take_fd(&v->check.pidfd));
	session_over(&v->c, &v->check.session, exit_code < 0 ? 255 : exit_code);
	session_free(&v->check.session);
	result.output_len = v->check.len;
	due = health_count(h, m, exit_code == 0, starting);
	m->next_ns = clock_now_ns() + ns(h->interval_ms);
	(void)!health_record(v->c.dir, m, &result, &ignored);
	if (m->status != before)
		event_note(v->root, &v->c.state, EVENT_HEALTH,
			   event_text("health_status",
				      m->status == HEALTH_HEALTHY ? "healthy" : "unhealthy"));
	if (m->status != before && m->status == HEALTH_HEALTHY)
		life_notify_well(v);
	if (due)
		act(v);
}

/* All that it began, and not only what we wait for. */
static void end(struct serve *v)
{
	struct err ignored;
	int status;

	(void)!session_end(&v->c, &v->check.session, &ignored);
	(void)!process_wait(v->check.pidfd, &status);
}

void check_drop(struct serve *v)
{
	if (v->check.pidfd >= 0) {
		end(v);
		close(take_fd(&v->check.pidfd));
	}
	session_free(&v->check.session);
	if (v->check.out >= 0)
		close(take_fd(&v->check.out));
}

/* ---- the loop's side of it -------------------------------------------------------------- */

void check_watch(const struct serve *v, struct pollfd p[2])
{
	p[0].fd = v->check.pidfd;
	p[1].fd = v->check.out;
}

uint64_t check_next_ns(const struct serve *v)
{
	if (v->check.kill_ns && !v->ended)
		return v->check.kill_ns;
	if (!check_wanted(v))
		return 0;
	return v->check.pidfd >= 0 ? v->check.deadline_ns : memory(v)->next_ns;
}

void check_turn(struct serve *v, const struct pollfd p[2])
{
	uint64_t now = clock_now_ns();
	int status = 0;

	if (v->check.out >= 0 && p[1].fd == v->check.out && p[1].revents)
		listen(v);
	if (v->check.pidfd >= 0 && p[0].fd == v->check.pidfd && p[0].revents) {
		(void)!process_wait(v->check.pidfd, &status);
		finish(v, process_exit_code(status));
	} else if (v->check.pidfd >= 0 && now >= v->check.deadline_ns) {
		end(v);
		finish(v, TIMED_OUT);
	}
	if (v->check.kill_ns && now >= v->check.kill_ns && !v->ended && v->m->pidfd >= 0) {
		(void)!process_signal(v->m->pidfd, SIGKILL);
		v->check.kill_ns = 0;
	}
	if (check_wanted(v) && v->check.pidfd < 0 && now >= memory(v)->next_ns)
		start(v);
}
