/* The life cycle of the container, as its monitor drives it: phase by phase (monitor/shared.h). */
#include "monitor/serve.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"
#include "monitor/slim.h"
#include "monitor/volumes.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* What started us may take that long to say hello. */
#define HELLO_MS 5000
/* And clients to hear of the end. */
#define FAREWELL_NS UINT64_C(10000000000)

static void phase_set(struct serve *v, enum phase phase)
{
	atomic_store(&v->m->shared->phase, phase);
}

static void warn(struct serve *v, struct strv *warnings)
{
	for (size_t i = 0; i < warnings->count; i++)
		clients_tell_start(v, WIRE_WARNING, warnings->items[i], strlen(warnings->items[i]));
	strv_free(warnings);
}

/*
 * Our container, by whatever name it has now: somebody may have renamed it. -ENOENT: it is gone, and one of
 * that name is another.
 */
static int find(struct serve *v, struct container *ret, struct err *err)
{
	int rc = container_open(v->root, v->order.name, ret, err);

	if (rc == 0 && ret->state.id && !str_eq(ret->state.id, v->order.id)) {
		container_close(ret);
		rc = -ENOENT;
	}
	if (rc == -ENOENT)
		rc = container_open(v->root, v->order.id, ret, err);
	if (rc < 0)
		return rc;
	free(v->name);
	v->name = xstrdup(ret->state.name);
	v->order.name = v->order.log.name = v->name;
	return 0;
}

/* ---- before it runs ------------------------------------------------------------------- */

/* Standard input of the life before may have come to its end. */
static int fresh_input(struct monitor *m, struct err *err)
{
	if (m->in[1] >= 0)
		return 0;
	if (m->in[0] >= 0)
		close(take_fd(&m->in[0]));
	if (pipe2(m->in, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe for standard input");
	atomic_store(&m->shared->input_ended, false);
	return 0;
}

/* The container's streams; -1: an error. Whoever is not to read input gets the null device. */
static int streams(struct serve *v, int stdio[3], int *ret_null, struct err *err)
{
	struct monitor *m = v->m;
	int rc = fresh_input(m, err);

	if (rc < 0)
		return rc;
	*ret_null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (*ret_null < 0)
		return err_sys(err, "open /dev/null");
	stdio[0] = v->order.interactive ? m->in[0] : *ret_null;
	stdio[1] = m->out[1];
	stdio[2] = m->err[1];
	return 0;
}

/* What of ours a child must not hold while it waits for its start. */
static void own_fds(struct serve *v, struct create_options *opt)
{
	const struct monitor *m = v->m;
	const int fds[] = { m->first, m->listen, m->link,   m->other,   m->hold[0], m->hold[1],
			    m->in[1], m->out[0], m->err[0], m->feed[0], m->feed[1] };

	_Static_assert(ARRAY_LEN(fds) <= CREATE_OWN_MAX, "there is no room for them");
	memcpy(opt->own, fds, sizeof(fds));
	opt->own_count = ARRAY_LEN(fds);
}

/* From here on the monitor after us finds it. */
static void adopt(struct serve *v)
{
	struct monitor *m = v->m;
	struct err ignored;

	m->pidfd = fcntl(v->c.pidfd, F_DUPFD_CLOEXEC, 3);
	m->terminal = take_fd(&v->c.terminal);
	m->parent_of_init = true;
	if (m->terminal >= 0)
		(void)fcntl(m->terminal, F_SETFL, O_RDWR | O_NONBLOCK);
	atomic_store(&m->shared->init_pid, v->c.state.pid);
	/* A keeper that doesn't answer is gone, which is noticed soon enough. */
	(void)keeper_hold(m, &ignored);
	phase_set(v, PHASE_MADE);
}

static int create(struct serve *v, struct spec *spec, bool again, struct strv *warnings,
		  struct err *err)
{
	struct shared *s = v->m->shared;
	struct create_options opt = order_options(&v->order);
	CLEAN(fd) int null = -1;
	int rc = streams(v, opt.stdio, &null, err);

	if (rc < 0)
		return rc;
	opt.again = again;
	opt.restart_count = s->restart_count;
	opt.monitor_pid = getpid();
	opt.log_driver = v->order.log.driver;
	opt.log_path = v->order.log.path;
	own_fds(v, &opt);
	atomic_store(&s->exit_known, false);
	atomic_store(&s->init_pid, 0);
	/* What is there already by that name is not ours to sweep up. */
	if (again || faccessat(v->root, v->order.name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		phase_set(v, PHASE_MAKING);
	rc = container_create(v->root, spec, &opt, warnings, &v->c, err);
	if (rc < 0)
		return rc;
	container_unlock(&v->c);
	v->ended = v->drained = false;
	adopt(v);
	return 0;
}

/* Who wants to see all that it says is there before it says anything. */
static void await_hello(struct serve *v)
{
	uint64_t until = clock_now_ns() + HELLO_MS * UINT64_C(1000000);
	struct client *c = v->clients;

	while (c->fd >= 0 && !c->greeted && clock_now_ns() < until) {
		struct pollfd p = { c->fd, POLLIN, 0 };

		if (poll(&p, 1, HELLO_MS) > 0)
			client_read(v, c);
	}
}

/* Everything that a start needs beside the container itself. */
static int furnish(struct serve *v, struct err *err)
{
	int rc = 0;

	if (!v->log && !str_eq(v->order.log.driver, "none"))
		rc = log_open(&v->order.log, &v->m->shared->log, &v->log, err);
	if (rc == 0 && !v->order.auto_remove)
		rc = order_save(v->c.dir, &v->order, err);
	if (rc == 0)
		clients_listen(v);
	if (rc == 0 && v->order.attached)
		await_hello(v);
	return rc;
}

static int start(struct serve *v, struct strv *warnings, struct err *err)
{
	int rc = furnish(v, err);

	if (rc == 0 && !v->order.create_only)
		rc = container_start(&v->c, warnings, err);
	v->m->shared->started_ns = clock_now_ns();
	return rc;
}

/* What can't be said to anybody is found again by `volume prune`. */
static void release_volumes(const struct serve *v)
{
	struct err ignored;

	if (v->order.data_root)
		(void)!volumes_of_gone(v->order.data_root, v->order.id, &ignored);
}

/* What never ran is of no use to anybody; one that ran before stays, as it was. */
static void unmake(struct serve *v, bool again, struct strv *warnings)
{
	struct err ignored;
	int status;

	if (v->c.dir < 0)
		return;
	if (!again) {
		(void)!container_delete(&v->c, true, warnings, &ignored);
		release_volumes(v);
	} else {
		if (v->c.pidfd >= 0)
			(void)!process_signal(v->c.pidfd, SIGKILL);
		if (keeper_exit_status(v->m, &status))
			(void)!container_ended(&v->c, true, status, &ignored);
	}
	container_close(&v->c);
	v->c.root = v->root;
}

static int spec_of(struct serve *v, bool again, struct spec *ret, struct err *err)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(order) struct order unused = { 0 };
	int rc;

	if (!again)
		return order_unpack(v->m->order, &unused, ret, err);
	rc = find(v, &c, err);
	return rc < 0 ? rc : container_spec(&c, ret, err);
}

/* Make it and start it, and tell whoever waits for that. */
static bool make(struct serve *v, bool again)
{
	CLEAN(strv) struct strv warnings = { 0 };
	CLEAN(spec) struct spec spec = { 0 };
	struct err err = { 0 };
	int rc = spec_of(v, again, &spec, &err);

	container_close(&v->c);
	v->c.root = v->root;
	if (rc == 0)
		rc = create(v, &spec, again, &warnings, &err);
	if (rc == 0)
		rc = start(v, &warnings, &err);
	if (rc < 0)
		unmake(v, again, &warnings);
	warn(v, &warnings);
	if (rc < 0)
		clients_tell_start(v, WIRE_FAILED, &err, sizeof(err));
	else
		clients_tell_start(v, WIRE_STARTED, NULL, 0);
	v->m->shared->told_start = true;
	if (rc == 0)
		check_begin(v);
	slim();
	return rc == 0;
}

/* ---- in another's place --------------------------------------------------------------- */

/* The monitor before us was killed while it made a container: away with what there is of it. */
static void sweep(struct serve *v)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(strv) struct strv warnings = { 0 };
	struct err ignored;

	/* Without an id it had come no further than to its name. */
	if (find(v, &c, &ignored) < 0)
		return;
	if (!v->order.again && !v->m->shared->restart_count)
		(void)!container_delete(&c, true, &warnings, &ignored);
	else
		(void)!container_stop(&c, SIGKILL, 0, &ignored);
}

/* It was made, and may or may not have been started. */
static bool go_on(struct serve *v)
{
	CLEAN(strv) struct strv warnings = { 0 };
	struct shared *s = v->m->shared;
	struct err err = { 0 };
	int rc = find(v, &v->c, &err);

	/* Somebody removes it at this moment: its end is still to be told. */
	if (rc < 0)
		return s->told_start;
	if (v->c.pidfd < 0 && v->m->pidfd >= 0)
		v->c.pidfd = fcntl(v->m->pidfd, F_DUPFD_CLOEXEC, 3);
	if (v->c.state.status == STATUS_CREATED || !s->told_start)
		rc = furnish(v, &err);
	else if (!str_eq(v->order.log.driver, "none"))
		rc = log_open(&v->order.log, &s->log, &v->log, &err);
	if (rc == 0 && v->c.state.status == STATUS_CREATED && !v->order.create_only)
		rc = container_start(&v->c, &warnings, &err);
	if (s->told_start)
		return true;
	if (rc < 0)
		unmake(v, s->restart_count || v->order.again, &warnings);
	warn(v, &warnings);
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
		return make(v, v->order.again || s->restart_count);
	case PHASE_NEW:
		return make(v, v->order.again);
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

/* Should it be started again? Who asked for a stop meanwhile has written that down. */
static bool again_wanted(struct serve *v)
{
	struct shared *s = v->m->shared;
	struct restart policy = { 0 };
	struct err ignored;

	if (clock_now_ns() - s->started_ns >= RESTART_LONG_MS * UINT64_C(1000000))
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
		release_volumes(v);
	v->farewell_ns = clock_now_ns() + FAREWELL_NS;
	clients_tell_exit(v, true);
}

static void rest(struct serve *v)
{
	struct shared *s = v->m->shared;

	s->rest_until_ns = clock_now_ns() + restart_rest_ms(s->restarts) * UINT64_C(1000000);
	phase_set(v, PHASE_RESTING);
	clients_tell_exit(v, false);
}

void life_after_end(struct serve *v)
{
	struct monitor *m = v->m;
	struct err ignored;
	int rc;

	recall(v);
	phase_set(v, PHASE_ENDED);
	rc = v->c.dir < 0 ? -ENOENT :
			    container_ended(&v->c, v->exit_known,
					    atomic_load(&m->shared->exit_status), &ignored);
	if (m->pidfd >= 0)
		close(take_fd(&m->pidfd));
	if (m->terminal >= 0)
		close(take_fd(&m->terminal));
	/* Where there is no such container any more, somebody has removed it. */
	if (rc != -ENOENT && again_wanted(v))
		rest(v);
	else
		over(v);
}

/* ---- and again ------------------------------------------------------------------------ */

static void rise(struct serve *v)
{
	struct shared *s = v->m->shared;

	s->restarts++;
	s->restart_count++;
	if (make(v, true))
		return;
	v->ended = v->drained = true;
	if (again_wanted(v))
		rest(v);
	else
		over(v);
}

void life_look(struct serve *v)
{
	struct shared *s = v->m->shared;
	CLEAN(container) struct container c = CONTAINER_INIT;
	struct err ignored;

	if (atomic_load(&s->phase) != PHASE_RESTING)
		return;
	if (find(v, &c, &ignored) < 0 || c.state.stop_asked)
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
	warn(v, &warnings);
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
