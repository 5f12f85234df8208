/* A container is made and started, or nothing of it is left: for the first time or once more. */
#include "monitor/serve.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"
#include "monitor/volumes.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* What started us may take that long to say hello. */
#define HELLO_MS 5000

void life_phase(struct serve *v, enum phase phase)
{
	atomic_store(&v->m->shared->phase, phase);
}

void life_warn(struct serve *v, struct strv *warnings)
{
	for (size_t i = 0; i < warnings->count; i++)
		clients_tell_start(v, WIRE_WARNING, warnings->items[i], strlen(warnings->items[i]));
	strv_free(warnings);
}

int life_find(struct serve *v, struct container *ret, struct err *err)
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

/* ---- what a service manager hears ------------------------------------------------------ */

void life_notify_listen(struct serve *v)
{
	v->notify = SDNOTIFY_INIT;
	v->notify.address = v->order.notify.address;
	v->notify.from = v->m->notify;
}

/* Its main process is the container's: where nobody waits in the foreground, who started us is gone. */
void life_notify_runs(struct serve *v)
{
	bool ready = v->order.notify.mode == SDNOTIFY_CONMON;
	char text[64] = "READY=1";

	if (v->order.notify_main)
		snprintf(text, sizeof(text), "MAINPID=%d%s", (int)v->c.state.pid,
			 ready ? "\nREADY=1" : "");
	if (!v->order.create_only && (ready || v->order.notify_main))
		sdnotify_say(&v->notify, text);
}

void life_notify_well(struct serve *v)
{
	if (v->order.notify.mode == SDNOTIFY_HEALTHY)
		sdnotify_say(&v->notify, "READY=1");
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
			    m->in[1], m->out[0], m->err[0], m->feed[0], m->feed[1], m->notify };

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
	if (m->notify >= 0)
		close(m->notify);
	m->notify = take_fd(&v->c.notify);
	m->parent_of_init = true;
	if (m->terminal >= 0)
		(void)fcntl(m->terminal, F_SETFL, O_RDWR | O_NONBLOCK);
	atomic_store(&m->shared->init_pid, v->c.state.pid);
	/* A keeper that doesn't answer is gone, which is noticed soon enough. */
	(void)keeper_hold(m, &ignored);
	if (m->notify >= 0)
		keeper_hold_notify(m);
	life_notify_listen(v);
	life_phase(v, PHASE_MADE);
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
	opt.monitor_pid = s->maker = getpid();
	opt.log_driver = v->order.log.driver;
	opt.log_path = v->order.log.path;
	own_fds(v, &opt);
	atomic_store(&s->exit_known, false);
	atomic_store(&s->init_pid, 0);
	/* What is there already by that name is not ours to sweep up. */
	if (again || faccessat(v->root, v->order.name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		life_phase(v, PHASE_MAKING);
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

int life_furnish(struct serve *v, struct err *err)
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
	int rc = life_furnish(v, err);

	if (rc == 0 && !v->order.create_only)
		rc = container_start(&v->c, warnings, err);
	v->m->shared->started_ns = clock_now_ns();
	if (rc == 0)
		life_notify_runs(v);
	return rc;
}

/* What can't be said to anybody is found again by `volume prune`. */
void life_release_volumes(const struct serve *v)
{
	struct err ignored;

	if (v->order.data_root)
		(void)!volumes_of_gone(v->order.data_root, v->order.id, &ignored);
}

void life_unmake(struct serve *v, bool again, struct strv *warnings)
{
	struct err ignored;
	int status;

	if (!again && v->c.dir < 0)
		life_release_volumes(v);
	if (v->c.dir < 0)
		return;
	if (!again) {
		(void)!container_delete(&v->c, true, warnings, &ignored);
		life_release_volumes(v);
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
	rc = life_find(v, &c, err);
	return rc < 0 ? rc : container_spec(&c, ret, err);
}

bool life_make(struct serve *v, bool again)
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
		life_unmake(v, again, &warnings);
	life_warn(v, &warnings);
	/* Before anybody is told that it runs: who looks then finds how it is. */
	if (rc == 0)
		check_begin(v);
	if (rc < 0)
		clients_tell_start(v, WIRE_FAILED, &err, sizeof(err));
	else
		clients_tell_start(v, WIRE_STARTED, NULL, 0);
	v->m->shared->told_start = true;
	return rc == 0;
}
