#include "monitor/monitor.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"
#include "monitor/slim.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* A monitor that ends sooner than this has not really begun; after so many of these in a row another
 * try changes nothing, and the container is left to itself. */
#define SOON_NS UINT64_C(200000000)
#define TRIES_MAX 20

/* How long the keeper may take to write down how the init ended. */
#define STATUS_MS 2000

/* What the monitor says to its keeper. With HOLD go the pidfd, the ends of the pipe of standard input,
 * and a terminal where there is one. */
#define HOLD 'h'
#define NOTIFY 'n' /* with its notify socket */
#define INPUT_ENDED 'e'
#define DISMISSED 'q'
#define OUTPUT_GONE '0' /* and the number of the stream */
/* And the keeper to the monitor: it holds them; the init has been waited for. */
#define HELD 'H'
#define REAPED 'R'

static void replace(int *fd, int by)
{
	if (*fd >= 0)
		close(*fd);
	*fd = by;
}

int monitor_split(struct monitor *m, bool *ret_child, struct err *err)
{
	int ends[2], child = -1;
	CLEAN(fd) int self = pidfd_open(getpid(), 0);
	pid_t pid;

	if (self < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, "make the way between monitor and keeper");
	pid = process_clone(0, -1, &child);
	if (pid < 0) {
		close(ends[0]);
		close(ends[1]);
		return err_set(err, (int)-pid, "fork the other half of the monitor: %s",
			       strerror((int)-pid));
	}
	*ret_child = pid == 0;
	close(ends[pid != 0]);
	replace(&m->link, ends[pid == 0]);
	replace(&m->other, pid == 0 ? take_fd(&self) : child);
	if (pid == 0)
		m->parent_of_init = false;
	return 0;
}

/* ---- the keeper's part --------------------------------------------------------------- */

static void on_child(int signal)
{
	(void)signal;
}

/* SIGCHLD comes only while we wait in ppoll(2). */
static void listen_for_children(sigset_t *ret_waiting)
{
	struct sigaction act = { .sa_handler = on_child };
	sigset_t child;

	(void)sigaction(SIGCHLD, &act, NULL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, ret_waiting);
	sigdelset(ret_waiting, SIGCHLD);
}

static void hear_no_children(void)
{
	struct sigaction act = { .sa_handler = SIG_DFL };
	sigset_t child;

	(void)sigaction(SIGCHLD, &act, NULL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_UNBLOCK, &child, NULL);
}

/* Wait for whatever became ours because its parent died. The init of the container may be among it. */
static void reap(struct monitor *m)
{
	struct shared *s = m->shared;
	char word = REAPED;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != atomic_load(&s->init_pid))
			continue;
		atomic_store(&s->exit_status, status);
		atomic_store(&s->exit_known, true);
		(void)!fd_send(m->link, &word, 1, NULL, 0);
	}
}

static void close_output(struct monitor *m, uint32_t stream)
{
	int *pipe = stream ? m->err : m->out;

	replace(&pipe[0], -1);
	replace(&pipe[1], -1);
}

/* One word of the monitor's. False: it needs no keeper any more. */
static bool take_over(struct monitor *m)
{
	int fds[FD_PASS_MAX];
	size_t count = FD_PASS_MAX;
	char word = HELD, said = 0;

	/* Its end says that the monitor is gone, which is seen by its pidfd. */
	if (fd_recv(m->link, &said, 1, fds, &count) != 1)
		replace(&m->link, -1);
	else if (said == INPUT_ENDED)
		replace(&m->in[1], -1);
	else if (said == OUTPUT_GONE || said == OUTPUT_GONE + 1)
		close_output(m, (uint32_t)(said - OUTPUT_GONE));
	else if (said == NOTIFY && count)
		replace(&m->notify, fds[0]);
	if (said != HOLD || count < 3)
		return said != DISMISSED;
	replace(&m->pidfd, fds[0]);
	replace(&m->in[0], fds[1]);
	replace(&m->in[1], fds[2]);
	replace(&m->terminal, count > 3 ? fds[3] : -1);
	(void)!fd_send(m->link, &word, 1, NULL, 0);
	return true;
}

/* Until the monitor is gone. False: it has dismissed us. */
static bool watch(struct monitor *m, const sigset_t *waiting)
{
	for (;;) {
		struct pollfd p[] = { { m->link, POLLIN, 0 }, { m->other, POLLIN, 0 } };

		if (ppoll(p, 2, NULL, waiting) < 0 && errno != EINTR)
			err_die("the keeper of a container can't wait");
		/* What it said before it died, first. */
		if (p[0].revents & POLLIN && !take_over(m))
			return false;
		if (!(p[0].revents & POLLIN) && p[1].revents)
			break;
		reap(m);
	}
	reap(m);
	return true;
}

enum role keeper_main(struct monitor *m)
{
	sigset_t waiting;
	int tries = 0;

	(void)prctl(PR_SET_NAME, "ctr-keeper");
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	m->parent_of_init = false;
	listen_for_children(&waiting);
	slim();
	for (;;) {
		uint64_t began = clock_now_ns();
		struct err ignored;
		bool child = false;

		if (!watch(m, &waiting) || atomic_load(&m->shared->phase) == PHASE_OVER)
			return ROLE_END;
		tries = clock_now_ns() - began < SOON_NS ? tries + 1 : 0;
		if (tries > TRIES_MAX || monitor_split(m, &child, &ignored) < 0)
			return ROLE_END;
		if (!child)
			continue;
		hear_no_children();
		m->resumed = true;
		return ROLE_MONITOR;
	}
}

/* ---- the monitor's side of it --------------------------------------------------------- */

/* The next word of the keeper's; false: it is gone, or says nothing. */
static bool next_word(struct monitor *m, char *ret, int timeout_ms)
{
	struct pollfd p[] = { { m->link, POLLIN, 0 }, { m->other, POLLIN, 0 } };

	while (poll(p, 2, timeout_ms) < 0)
		if (errno != EINTR)
			return false;
	return p[0].revents & POLLIN && recv(m->link, ret, 1, MSG_DONTWAIT) == 1;
}

void keeper_dismiss(struct monitor *m)
{
	char word = DISMISSED;

	atomic_store(&m->shared->phase, PHASE_OVER);
	if (fd_send(m->link, &word, 1, NULL, 0) == 0)
		(void)process_ended(m->other, STATUS_MS);
}

bool keeper_hold(struct monitor *m, struct err *err)
{
	const int fds[] = { m->pidfd, m->in[0], m->in[1], m->terminal };
	char word = HOLD;
	int rc = fd_send(m->link, &word, 1, fds, m->terminal >= 0 ? 4 : 3);

	while (rc == 0 && next_word(m, &word, STATUS_MS))
		if (word == HELD)
			return true;
	err_set(err, rc < 0 ? -rc : EPIPE, "the keeper of the container does not answer");
	return false;
}

void keeper_hold_notify(struct monitor *m)
{
	char word = NOTIFY;

	(void)!fd_send(m->link, &word, 1, &m->notify, 1);
}

void keeper_input_ended(struct monitor *m)
{
	char word = INPUT_ENDED;

	atomic_store(&m->shared->input_ended, true);
	replace(&m->in[1], -1);
	(void)!fd_send(m->link, &word, 1, NULL, 0);
}

void keeper_output_gone(struct monitor *m, uint32_t stream)
{
	char word = (char)(OUTPUT_GONE + stream);

	close_output(m, stream);
	(void)!fd_send(m->link, &word, 1, NULL, 0);
}

/* Noted before it is reaped: killed in between, we would be the only ones who knew. */
static bool own_child_status(struct monitor *m)
{
	struct shared *s = m->shared;
	int status;

	if (!m->parent_of_init || process_peek(m->pidfd, &status) < 0)
		return false;
	atomic_store(&s->exit_status, status);
	atomic_store(&s->exit_known, true);
	(void)!process_wait(m->pidfd, &status);
	return true;
}

static bool kernel_tells(struct monitor *m)
{
	int status;

	if (process_exit_status(m->pidfd, &status) < 0)
		return false;
	atomic_store(&m->shared->exit_status, status);
	atomic_store(&m->shared->exit_known, true);
	return true;
}

bool keeper_exit_status(struct monitor *m, int *ret_status)
{
	struct shared *s = m->shared;
	bool known = own_child_status(m) || kernel_tells(m);
	char word;

	/* Whose child it is now has not been told yet, perhaps. */
	for (int i = 0; !known && i < 3; i++) {
		known = atomic_load(&s->exit_known);
		if (!known && !next_word(m, &word, STATUS_MS))
			break;
	}
	known = known || atomic_load(&s->exit_known) || kernel_tells(m);
	*ret_status = atomic_load(&s->exit_status);
	return known;
}
