/* The life cycle of the container, as its monitor drives it: phase by phase (monitor/shared.h). */
#include "monitor/serve.h"

#include "base/clock.h"
#include "base/process.h"
#include "runtime/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* How long clients may take to hear of the end. */
#define FAREWELL_NS UINT64_C(10000000000)

/* ---- the end -------------------------------------------------------------------------- */

void life_init_ended(struct serve *v)
{
	int status = 0;

	v->exit_known = keeper_exit_status(v->m, &status);
	v->exit_code = v->exit_known ? process_exit_code(status) : 0;
	v->ended = true;
	check_drop(v);
	input_move(v);
}

/* How it ended, for a monitor that was not there then. */
static void recall(struct serve *v)
{
	struct shared *s = v->m->shared;

	v->exit_known = atomic_load(&s->exit_known);
	v->exit_code = v->exit_known ? process_exit_code(atomic_load(&s->exit_status)) : 0;
}

/*
 * How long it ran. With a kernel of its own that begins when its process does, and is nothing where it never did: its
 * kernel's start may take longer than many a life.
 */
static uint64_t ran_ns(const struct serve *v)
{
	uint64_t began = v->m->shared->started_ns, now = clock_now_ns(), inside;

	if (v->c.state.vm && v->c.dir >= 0 && vm_began_ns(v->c.dir, &inside)) {
		if (!inside || inside > now)
			return 0;
		if (inside > began)
			began = inside;
	}
	return now - began;
}

/* Should it be started again? Who asked for a stop meanwhile has written that down. */
static bool again_wanted(struct serve *v)
{
	struct shared *s = v->m->shared;
	struct restart policy = { 0 };
	struct err ignored;

	if (ran_ns(v) >= RESTART_LONG_MS * UINT64_C(1000000))
		s->restarts = 0;
	if (s->health.restart)
		return true;
	if (!v->order.restart || restart_parse(v->order.restart, &policy, &ignored) < 0)
		return false;
	return !v->c.state.stop_asked &&
	       restart_wanted(&policy, v->exit_known, v->exit_code, s->restarts);
}

static void over(struct serve *v)
{
	CLEAN(strv) struct strv warnings = { 0 };
	struct err ignored;

	if (v->order.auto_remove && v->c.dir >= 0 &&
	    container_delete(&v->c, true, &warnings, &ignored) == 0)
		life_release_volumes(v);
	v->farewell_ns = clock_now_ns() + FAREWELL_NS;
	clients_tell_exit(v, true);
}

static void rest(struct serve *v)
{
	struct shared *s = v->m->shared;

	s->rest_until_ns = clock_now_ns() + restart_rest_ms(s->restarts) * UINT64_C(1000000);
	life_phase(v, PHASE_RESTING);
	clients_tell_exit(v, false);
}

void life_after_end(struct serve *v)
{
	struct monitor *m = v->m;
	struct err ignored;
	int rc;

	recall(v);
	life_phase(v, PHASE_ENDED);
	rc = v->c.dir < 0 ? -ENOENT :
			    container_ended(&v->c, v->exit_known,
					    atomic_load(&m->shared->exit_status), &ignored);
	if (m->pidfd >= 0)
		close(take_fd(&m->pidfd));
	if (m->terminal >= 0)
		close(take_fd(&m->terminal));
	sdnotify_turn(&v->notify);
	v->notify = SDNOTIFY_INIT;
	if (m->notify >= 0)
		close(take_fd(&m->notify));
	/* Where there is no such container any more, somebody has removed it. */
	if (rc != -ENOENT && again_wanted(v))
		rest(v);
	else
		over(v);
}

/* ---- and again ------------------------------------------------------------------------ */

/* What can't be made now may be after another rest. */
static void make_again(struct serve *v)
{
	if (life_make(v, true))
		return;
	v->ended = v->drained = true;
	if (again_wanted(v))
		rest(v);
	else
		over(v);
}

static void rise(struct serve *v)
{
	v->m->shared->restarts++;
	v->m->shared->restart_count++;
	make_again(v);
}

void life_look(struct serve *v)
{
	struct shared *s = v->m->shared;
	CLEAN(container) struct container c = CONTAINER_INIT;
	struct err ignored;

	if (atomic_load(&s->phase) != PHASE_RESTING)
		return;
	if (life_find(v, &c, &ignored) < 0 || c.state.stop_asked)
		over(v);
	else if (clock_now_ns() >= s->rest_until_ns)
		rise(v);
}

/* It was made and waits for a start; by whom it was started already is all the same. */
static void start_made(struct serve *v)
{
	CLEAN(strv) struct strv warnings = { 0 };
	struct err err = { 0 };
	int rc = container_lock(&v->c, &err);

	container_unlock(&v->c);
	if (rc == 0 && v->c.state.status == STATUS_CREATED)
		rc = container_start(&v->c, &warnings, &err);
	life_warn(v, &warnings);
	clients_tell_start(v, rc < 0 ? WIRE_FAILED : WIRE_STARTED, rc < 0 ? &err : NULL,
			   rc < 0 ? sizeof(err) : 0);
}

bool life_start_now(struct serve *v, struct client *by)
{
	enum phase phase = atomic_load(&v->m->shared->phase);

	if (v->farewell_ns)
		return false;
	by->starter = true;
	if (phase == PHASE_RESTING)
		rise(v);
	else
		start_made(v);
	return true;
}

/* ---- in another's place --------------------------------------------------------------- */

/* The monitor before us was killed while it made a container: away with what there is of it. */
static void sweep(struct serve *v)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(strv) struct strv warnings = { 0 };
	const struct shared *s = v->m->shared;
	bool first = !v->order.again && !s->restart_count;
	struct err ignored;

	/* Without an id it had come no further than to its name. */
	if (life_find(v, &c, &ignored) < 0)
		return;
	if (first)
		(void)!container_delete(&c, true, &warnings, &ignored);
	/* Whoever else was asked for it in the meantime, and has made it, keeps it. */
	if (!first && c.state.monitor_pid == s->maker)
		(void)!container_stop(&c, SIGKILL, 0, &ignored);
}

/* It was made, and may or may not have been started. */
static bool go_on(struct serve *v)
{
	CLEAN(strv) struct strv warnings = { 0 };
	struct shared *s = v->m->shared;
	struct err err = { 0 };
	int rc = life_find(v, &v->c, &err);

	/* Somebody removes it at this moment: its end is still to be told. */
	if (rc < 0)
		return s->told_start;
	life_notify_listen(v);
	if (v->c.pidfd < 0 && v->m->pidfd >= 0)
		v->c.pidfd = fcntl(v->m->pidfd, F_DUPFD_CLOEXEC, 3);
	if (v->c.state.status == STATUS_CREATED || !s->told_start)
		rc = life_furnish(v, &err);
	else if (!str_eq(v->order.log.driver, "none"))
		rc = log_open(&v->order.log, &s->log, &v->log, &err);
	if (rc == 0 && v->c.state.status == STATUS_CREATED && !v->order.create_only)
		rc = container_start(&v->c, &warnings, &err);
	if (s->told_start)
		return true;
	/* Said once too often is no harm. */
	if (rc == 0)
		life_notify_runs(v);
	if (rc < 0)
		life_unmake(v, s->restart_count || v->order.again, &warnings);
	life_warn(v, &warnings);
	clients_tell_start(v, rc < 0 ? WIRE_FAILED : WIRE_STARTED, rc < 0 ? &err : NULL,
			   rc < 0 ? sizeof(err) : 0);
	s->told_start = true;
	return rc == 0;
}

bool life_begin(struct serve *v)
{
	struct shared *s = v->m->shared;

	switch (atomic_load(&s->phase)) {
	case PHASE_MAKING:
		sweep(v);
		if (!s->restart_count)
			return life_make(v, v->order.again);
		make_again(v);
		return true;
	case PHASE_NEW:
		return life_make(v, v->order.again);
	case PHASE_MADE:
		return go_on(v);
	case PHASE_ENDED:
		(void)go_on(v);
		v->ended = v->drained = true;
		life_after_end(v);
		return true;
	case PHASE_RESTING:
		(void)go_on(v);
		v->ended = v->drained = true;
		return true;
	default:
		return false;
	}
}
