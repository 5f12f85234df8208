/* The engine that walks a stage table from both sides. */
#include "runtime/stages.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"
#include "runtime/notify.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum report_kind {
	OPENED,   /* a gate */
	TERMINAL, /* a pty master comes along */
	FAILED,
	LISTENER, /* the notify fd of the filter comes along */
	START,    /* parent to child, over the start socket; and after LISTENER: go on */
};

/* What goes over the sockets; a short report ends before `err`. Both ends are the same program. */
struct report {
	enum report_kind kind;
	enum gate gate;
	int stage;
	uint64_t stage_ns[STATE_STAGE_MAX];
	struct err err;
};

#define SHORT_REPORT offsetof(struct report, err)

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
		.terminal = -1,
		.init = -1,
	};
	for (enum spec_ns kind = 0; kind < NS_KINDS; kind++)
		m->home[kind] = -1;
}

void making_close(struct making *m)
{
	int *const fds[] = { &m->dir,   &m->cgroup, &m->sync,     &m->sync_child, &m->start_child,
			     &m->pidfd, &m->netns,  &m->terminal, &m->init };

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
	struct report r = { 0 };
	int fds[1];
	size_t count = 1;
	ssize_t n = fd_recv(m->sync, &r, sizeof(r), fds, &count);

	/* It may well live, and wait for us: the undo ends it. */
	if (n < 0)
		return err_set(err, (int)-n, "hear from the container's init: %s",
			       strerror((int)-n));
	if (n == 0)
		return child_died(m, err);
	switch (r.kind) {
	case OPENED:
		m->opened |= 1ull << r.gate;
		for (int i = 0; table[i].name; i++)
			if (table[i].side == CHILD)
				m->stage_ns[i] = r.stage_ns[i];
		break;
	case TERMINAL:
		if (count == 1)
			m->terminal = fds[0];
		break;
	default:
		*err = r.err;
		return err_wrap(err, "%s: ", table[r.stage].name);
	}
	return 0;
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
	struct report r = { .kind = OPENED, .gate = gate };

	if (gate == NOW || !has_waiter(m->table, gate, other, m->plan))
		return 0;
	memcpy(r.stage_ns, m->stage_ns, sizeof(r.stage_ns));
	return fd_send(m->sync, &r, SHORT_REPORT, NULL, 0);
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
		return err_wrap(err, "%s: ", row->name);
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
	struct report r = { .kind = START };
	int rc = notify_deliver(to, listener, err);

	if (rc < 0)
		return rc;
	rc = fd_send(sock, &r, SHORT_REPORT, NULL, 0);
	return rc < 0 ? err_set(err, -rc, "let the payload begin: %s", strerror(-rc)) : 0;
}

/*
 * The child's end is close-on-exec: the end of the stream is the payload's beginning. 1: a report came
 * instead, the failure.
 */
static int await_exec(int sock, const struct notify *to, struct report *ret, struct err *err)
{
	for (;;) {
		CLEAN(fd) int listener = -1;
		size_t count = 1;
		ssize_t n = fd_recv(sock, ret, sizeof(*ret), &listener, &count);
		int rc;

		if (n < 0)
			return err_set(err, (int)-n, "wait for the exec: %s", strerror((int)-n));
		if (n == 0 || ret->kind != LISTENER)
			return n > 0;
		rc = pass_listener(sock, to, listener, err);
		if (rc < 0)
			return rc;
	}
}

int stages_start(int sock, const struct state *s, int dir, struct err *err)
{
	const struct notify to = { .state = s, .dir = dir, .pid = s->pid };
	struct report r = { .kind = START };
	int rc = fd_send(sock, &r, SHORT_REPORT, NULL, 0);

	if (rc < 0)
		return err_set(err, -rc, "tell the container's init to start: %s", strerror(-rc));
	rc = await_exec(sock, &to, &r, err);
	if (rc <= 0)
		return rc;
	*err = r.err;
	return err->code > 0 ? -err->code : -EIO;
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
	int rc = await_exec(m->sync, &to, &r, err);

	if (rc <= 0)
		return rc;
	*err = r.err;
	return err_wrap(err, "%s: ", m->table[r.stage].name);
}

/* ---- the child ----------------------------------------------------------------------- */

__attribute__((noreturn)) static void child_fail(int i, const struct making *m,
						 const struct err *err)
{
	struct report r = { .kind = FAILED, .stage = i, .err = *err };

	/* After start nobody listens at the sync socket any more; who said start does. */
	if (m->sync >= 0) {
		(void)!fd_send(m->sync, &r, sizeof(r), NULL, 0);
	} else if (m->start_child >= 0) {
		err_wrap(&r.err, "%s: ", m->table[i].name);
		(void)!fd_send(m->start_child, &r, sizeof(r), NULL, 0);
	}
	_exit(err->exit_status ? err->exit_status : 125);
}

static void child_await(enum gate gate, struct making *m)
{
	while (gate != NOW && !(m->opened & (1ull << gate)) &&
	       has_opener(m->table, gate, PARENT, m->plan)) {
		struct report r;
		size_t none = 0;

		/* The parent is gone: nobody wants this container. */
		if (fd_recv(m->sync, &r, sizeof(r), NULL, &none) <= 0 || r.kind != OPENED)
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
		begin = clock_now_ns();
		if (row->run(m, &err) < 0)
			child_fail(i, m, &err);
		m->stage_ns[i] = clock_now_ns() - begin;
		if (open_gate(row->opens, PARENT, m) < 0)
			_exit(1);
	}
	_exit(1);
}

int stages_send_listener(const struct making *m, int listener)
{
	int sock = m->sync >= 0 ? m->sync : m->start_child;
	struct report r = { .kind = LISTENER };
	size_t none = 0;
	int rc = fd_send(sock, &r, SHORT_REPORT, &listener, 1);

	if (rc < 0)
		return rc;
	return fd_recv(sock, &r, sizeof(r), NULL, &none) > 0 && r.kind == START ? 0 : -EPIPE;
}

int stages_send_terminal(struct making *m, int master, struct err *err)
{
	struct report r = { .kind = TERMINAL };
	int rc = fd_send(m->sync, &r, SHORT_REPORT, &master, 1);

	return rc < 0 ? err_set(err, -rc, "hand over the terminal: %s", strerror(-rc)) : 0;
}

int stages_await_start(struct making *m, struct err *err)
{
	struct report r;
	size_t none = 0;
	ssize_t n;

	if (m->plan->opt->start_by_caller)
		m->start_child = take_fd(&m->sync);
	else
		close(take_fd(&m->sync));
	for (;;) {
		int conn = m->start_child;

		if (!m->plan->opt->start_by_caller) {
			conn = accept4(m->start_child, NULL, NULL, SOCK_CLOEXEC);
			if (conn < 0 && errno == EINTR)
				continue;
			if (conn < 0)
				return err_sys(err, "wait for start");
		}
		n = fd_recv(conn, &r, sizeof(r), NULL, &none);
		if (n > 0 && r.kind == START) {
			if (conn != m->start_child)
				close(m->start_child);
			m->start_child = conn;
			return 0;
		}
		/* Somebody came and went without a word; our own caller doesn't come twice. */
		if (conn == m->start_child)
			_exit(1);
		close(conn);
	}
}
