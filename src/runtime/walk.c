/* The engine that walks a stage table from both sides. */
#include "runtime/report.h"

#include "base/clock.h"
#include "base/process.h"
#include "runtime/notify.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

void making_init(struct making *m, struct plan *plan, struct state *state, struct strv *warnings)
{
	*m = (struct making){
		.plan = plan,
		.state = state,
		.warnings = warnings,
		.target = -1,
		.root = -1,
		.dir = -1,
		.cgroup = -1,
		.sync = -1,
		.sync_child = -1,
		.start_child = -1,
		.pidfd = -1,
		.netns = -1,
		.session_file = -1,
		.session_group = -1,
		.notify = -1,
		.terminal = -1,
		.init = -1,
	};
	for (enum spec_ns kind = 0; kind < NS_KINDS; kind++)
		m->home[kind] = -1;
}

void making_close(struct making *m)
{
	int *const fds[] = { &m->dir,         &m->cgroup, &m->sync,         &m->sync_child,
			     &m->start_child, &m->pidfd,  &m->netns,        &m->terminal,
			     &m->notify,      &m->init,   &m->session_file, &m->session_group };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (*fds[i] >= 0)
			close(take_fd(fds[i]));
	for (enum spec_ns kind = 0; kind < NS_KINDS; kind++)
		if (m->home[kind] >= 0)
			close(take_fd(&m->home[kind]));
	free(take_ptr(m->command));
}

static bool is_wanted(const struct stage *s, const struct plan *plan)
{
	return !s->wanted || s->wanted(plan);
}

/* A gate that no row of this plan opens stands open: both sides see that from the same plan. */
static bool has_opener(const struct stage *table, enum gate gate, enum side side,
		       const struct plan *plan)
{
	for (const struct stage *s = table; s->name; s++)
		if (s->opens == gate && s->side == side && is_wanted(s, plan))
			return true;
	return false;
}

/* Is it worth a message? */
static bool has_waiter(const struct stage *table, enum gate gate, enum side side,
		       const struct plan *plan)
{
	for (const struct stage *s = table; s->name; s++)
		if (s->after == gate && s->side == side && is_wanted(s, plan))
			return true;
	return false;
}

static size_t rows(const struct stage *table)
{
	size_t count = 0;

	while (table[count].name)
		count++;
	return count;
}

/* ---- the parent ---------------------------------------------------------------------- */

/* The child said nothing and is gone: tell as much as can be known. */
static int child_died(struct making *m, struct err *err)
{
	int status;

	if (m->pidfd < 0 || process_wait(m->pidfd, &status) < 0)
		return err_set(err, EIO, "the container's init is gone");
	close(take_fd(&m->pidfd));
	return err_set(err, ECHILD,
		       "the container's init ended with status %d before it was ready%s",
		       process_exit_code(status),
		       process_exit_code(status) == 137 ?
			       "; it was killed, which a memory limit below about 1 MiB does too" :
			       "");
}

static int take_report(struct making *m, struct err *err)
{
	const struct stage *table = m->table;
	struct report r;
	CLEAN(fd) int fd = -1;
	int n = report_receive(m->sync, rows(table), &r, &fd);

	if (n == -ECONNRESET)
		return child_died(m, err);
	if (n == 0)
		return child_died(m, err);
	if (n > 0 && r.kind == REPORT_FAILED) {
		*err = r.err;
		m->failed = &table[r.stage];
		return err_wrap(err, "%s: ", table[r.stage].name);
	}
	if (n > 0 && r.kind == REPORT_OPENED) {
		m->opened |= 1ull << r.gate;
		for (int i = 0; table[i].name; i++)
			if (table[i].side == CHILD)
				m->stage_ns[i] = r.stage_ns[i];
		return 0;
	}
	if (n > 0 && r.kind == REPORT_TERMINAL && m->terminal < 0) {
		m->terminal = take_fd(&fd);
		return 0;
	}
	/* It may well live, and wait for us: the undo ends it. */
	n = n > 0 ? -EPROTO : n;
	return err_set(err, -n, "hear from the container's init: %s", strerror(-n));
}

static int parent_await(enum gate gate, struct making *m, struct err *err)
{
	while (gate != NOW && !(m->opened & (1ull << gate)) &&
	       has_opener(m->table, gate, CHILD, m->plan)) {
		int rc = take_report(m, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Tell `other` that what it may be waiting for is done. */
static int open_gate(enum gate gate, enum side other, const struct making *m)
{
	struct report r = { .kind = REPORT_OPENED, .gate = gate };

	if (gate == NOW || !has_waiter(m->table, gate, other, m->plan))
		return 0;
	memcpy(r.stage_ns, m->stage_ns, sizeof(r.stage_ns));
	return report_send(m->sync, &r, -1);
}

/*
 * A child that failed at the same time may be all that our own row died of, as when its /proc/PID is
 * gone: what it said is the reason then.
 */
static int row_failed(const struct stage *row, struct making *m, struct err *err)
{
	struct pollfd said = { .fd = m->sync, .events = POLLIN };

	while (m->pidfd >= 0 && poll(&said, 1, 0) > 0) {
		int rc = take_report(m, err);

		if (rc < 0)
			return rc;
	}
	return err_wrap(err, "%s: ", row->name);
}

/* *ret_done: what it makes is made, whatever came after. */
static int parent_row(int i, struct making *m, bool *ret_done, struct err *err)
{
	const struct stage *row = &m->table[i];
	uint64_t begin;
	int rc = parent_await(row->after, m, err);

	*ret_done = false;
	if (rc < 0)
		return rc;
	begin = clock_now_ns();
	rc = row->run(m, err);
	m->stage_ns[i] = clock_now_ns() - begin;
	if (rc < 0)
		return row_failed(row, m, err);
	*ret_done = true;
	rc = open_gate(row->opens, CHILD, m);
	/* A child that failed has closed its end: what it said before that is the reason. */
	if (rc == -EPIPE || rc == -ECONNRESET)
		return take_report(m, err);
	return rc < 0 ? err_set(err, -rc, "%s: tell the child: %s", row->name, strerror(-rc)) : 0;
}

int stages_walk(const struct stage *table, struct making *m, struct err *err)
{
	bool done = false;
	int rc = 0, i;

	m->table = table;
	for (i = 0; table[i].name && rc >= 0; i++)
		if (table[i].side == PARENT && is_wanted(&table[i], m->plan))
			rc = parent_row(i, m, &done, err);
	if (rc >= 0)
		return 0;
	if (!m->failed)
		m->failed = &table[i - 1];
	/* A row that failed has undone itself; one that was done when the child wasn't there to hear of it
	 * has not. */
	for (i -= done ? 1 : 2; i >= 0; i--)
		if (table[i].side == PARENT && table[i].undo && is_wanted(&table[i], m->plan))
			table[i].undo(m);
	return rc;
}

/* The agent gets the notify fd, and the child goes on. After a failure it sees the end of the stream. */
static int pass_listener(int sock, const struct notify *to, int listener, struct err *err)
{
	struct report r = { .kind = REPORT_START };
	int rc = notify_deliver(to, listener, err);

	if (rc < 0)
		return rc;
	rc = report_send(sock, &r, -1);
	return rc < 0 ? err_set(err, -rc, "let the payload begin: %s", strerror(-rc)) : 0;
}

/*
 * The child's end is close-on-exec: the end of the stream is the payload's beginning. 1: a report came
 * instead, the failure.
 */
static int await_exec(int sock, const struct stage *table, const struct notify *to,
		      struct report *ret, struct err *err)
{
	for (;;) {
		CLEAN(fd) int listener = -1;
		int rc = report_receive(sock, rows(table), ret, &listener);

		if (rc == 0 || (rc > 0 && ret->kind == REPORT_FAILED))
			return rc;
		if (rc > 0 && ret->kind != REPORT_LISTENER)
			rc = -EPROTO;
		if (rc < 0)
			return err_set(err, -rc, "wait for the exec: %s", strerror(-rc));
		rc = pass_listener(sock, to, listener, err);
		if (rc < 0)
			return rc;
	}
}

int stages_network(int sock, int *ret, struct err *err)
{
	struct report r = { .kind = REPORT_NETWORK };
	CLEAN(fd) int its = -1;
	int rc = report_send(sock, &r, -1);

	/* Its end is closed: why, it may have said before. */
	if (rc == 0 || rc == -EPIPE)
		rc = report_receive(sock, rows(create_stages), &r, &its);
	if (rc > 0 && r.kind == REPORT_FAILED) {
		*err = r.err;
		return -err->code;
	}
	if (rc == 0)
		rc = -ESRCH;
	if (rc > 0 && its < 0)
		rc = -EPROTO;
	if (rc < 0)
		return err_set(err, -rc, "ask the container's init for its network: %s",
			       strerror(-rc));
	*ret = ioctl(its, SIOCGSKNS);
	return *ret < 0 ? err_sys(err, "open the container's network namespace") : 0;
}

int stages_start(int sock, const struct state *s, int dir, int network,
		 const struct stage **ret_failed, struct err *err)
{
	const struct notify to = { .state = s, .dir = dir, .pid = s->pid };
	struct report r = { .kind = REPORT_START };
	int sent = report_send(sock, &r, network), rc;

	if (sent < 0 && sent != -EPIPE)
		return err_set(err, -sent, "tell the container's init to start: %s",
			       strerror(-sent));
	/* Its end is closed: why, it may have said before. */
	rc = await_exec(sock, create_stages, &to, &r, err);
	if (rc == 0 && sent < 0)
		return err_set(err, -sent, "the container's init does not listen any more");
	if (rc <= 0)
		return rc;
	*err = r.err;
	*ret_failed = &create_stages[r.stage];
	return -err->code;
}

int stages_await_exec(struct making *m, struct err *err)
{
	const struct notify to = {
		.state = m->state,
		.spec = m->plan->spec,
		.pid = m->pid,
		.dir = -1,
	};
	struct report r;
	int rc = await_exec(m->sync, m->table, &to, &r, err);

	if (rc <= 0)
		return rc;
	*err = r.err;
	return err_wrap(err, "%s: ", m->table[r.stage].name);
}

/* ---- the child ----------------------------------------------------------------------- */

__attribute__((noreturn)) static void child_fail(const struct making *m, const struct err *err)
{
	struct report r = { .kind = REPORT_FAILED, .stage = m->row, .err = *err };

	/* After start nobody listens at the sync socket any more; who said start does. */
	if (m->sync >= 0)
		(void)!report_send(m->sync, &r, -1);
	else if (m->start_child >= 0)
		report_failure(m, m->start_child, err);
	_exit(err->exit_status ? err->exit_status : 125);
}

static void child_await(enum gate gate, struct making *m)
{
	while (gate != NOW && !(m->opened & (1ull << gate)) &&
	       has_opener(m->table, gate, PARENT, m->plan)) {
		struct report r;

		/* The parent is gone: nobody wants this container. */
		if (report_receive(m->sync, 0, &r, NULL) <= 0 || r.kind != REPORT_OPENED)
			_exit(1);
		m->opened |= 1ull << r.gate;
	}
}

void stages_child(struct making *m)
{
	struct err err = { 0 };

	for (int i = 0; m->table[i].name; i++) {
		const struct stage *row = &m->table[i];
		uint64_t begin;

		if (row->side != CHILD || !is_wanted(row, m->plan))
			continue;
		child_await(row->after, m);
		m->row = i;
		begin = clock_now_ns();
		if (row->run(m, &err) < 0)
			child_fail(m, &err);
		m->stage_ns[i] = clock_now_ns() - begin;
		if (open_gate(row->opens, PARENT, m) < 0)
			_exit(1);
	}
	_exit(1);
}

int stages_send_listener(const struct making *m, int listener)
{
	int sock = m->sync >= 0 ? m->sync : m->start_child;
	struct report r = { .kind = REPORT_LISTENER };
	int rc = report_send(sock, &r, listener);

	if (rc < 0)
		return rc;
	return report_receive(sock, 0, &r, NULL) > 0 && r.kind == REPORT_START ? 0 : -EPIPE;
}

int stages_send_terminal(struct making *m, int master, struct err *err)
{
	struct report r = { .kind = REPORT_TERMINAL };
	int rc = report_send(m->sync, &r, master);

	return rc < 0 ? err_set(err, -rc, "hand over the terminal: %s", strerror(-rc)) : 0;
}
