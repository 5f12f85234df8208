#include "monitor/terminal.h"

#include "base/cleanup.h"
#include "base/process.h"
#include "base/str.h"
#include "monitor/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>

/* How long nothing has to come from a terminal that others still hold open, once our process has
 * ended, before we leave; and how often one that was closed by all is looked at again. */
#define QUIET_MS 100
#define REOPEN_MS 250

/* How often a container that says too much of its state is heard. */
#define NOTIFY_MS 100

/* A pipe takes this much without blocking once poll says that it is writable (PIPE_BUF). */
#define WRITE_MAX 4096

/* ---- the loop ---------------------------------------------------------------------- */

/* Bytes on their way in one direction; read only when empty, so one buffer does. */
struct flow {
	size_t at, len;
	char bytes[WRITE_MAX];
};

struct loop {
	const struct relay *r;
	int master, in;   /* -1: closed for good */
	bool ended;       /* the process has */
	bool unheld;      /* nobody has the terminal open just now */
	char last;        /* byte that went in */
	struct flow up;   /* in -> master */
	struct flow down; /* master -> out */
};

enum { P_PROCESS, P_SIGNALS, P_MASTER, P_IN, P_OUT, P_NOTIFY, P_COUNT };

static bool pending(const struct flow *f)
{
	return f->at < f->len;
}

/* Write once what poll said can be written. False: the other end is gone. */
static bool flow_write(struct flow *f, int fd)
{
	ssize_t n = write(fd, f->bytes + f->at, f->len - f->at);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	f->at += (size_t)n;
	return true;
}

/* Read once into the empty buffer: the length, 0 at the end, -EAGAIN for nothing yet. */
static ssize_t flow_read(struct flow *f, int fd)
{
	ssize_t n = read(fd, f->bytes, sizeof(f->bytes));

	f->at = 0;
	f->len = n > 0 ? (size_t)n : 0;
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	return n;
}

static void hang_up(struct loop *l)
{
	if (l->master >= 0)
		close(l->master);
	l->master = -1;
	l->in = -1;
	l->down.len = l->up.len = 0;
}

/*
 * Our input has ended: say so in the way of a terminal. In the middle of a line the first
 * end-of-file character only pushes the line out; a second one is the end.
 */
static void feed_end(struct loop *l)
{
	struct termios t;
	char eof = 4;

	l->in = -1;
	if (tcgetattr(l->master, &t) == 0)
		eof = (char)t.c_cc[VEOF];
	l->up.at = 0;
	l->up.len = l->last && l->last != '\n' ? 2 : 1;
	memset(l->up.bytes, eof, l->up.len);
}

static void serve_in(struct loop *l)
{
	ssize_t n = flow_read(&l->up, l->in);

	if (n > 0)
		l->last = l->up.bytes[n - 1];
	else if (n != -EAGAIN)
		feed_end(l);
}

static void serve_master(struct loop *l, short revents)
{
	ssize_t n = -EAGAIN;

	if (revents & POLLOUT && pending(&l->up) && !flow_write(&l->up, l->master))
		l->up.len = 0;
	if (revents & (POLLIN | POLLHUP | POLLERR) && !pending(&l->down))
		n = flow_read(&l->down, l->master);
	/* EIO comes only after the last byte, once no process has the other side open. */
	if (n == 0 || (n < 0 && n != -EAGAIN))
		l->unheld = true;
}

/* Stop as the shell wants it, with the terminal as the shell wants it. */
static void stop_ourselves(struct loop *l)
{
	bool raw = tty_is_raw();

	tty_restore(TCSADRAIN);
	(void)raise(SIGSTOP);
	if (raw)
		tty_raw(l->r->in);
}

static void serve_signals(struct loop *l)
{
	struct signalfd_siginfo info[8];
	ssize_t n = read(l->r->signals, info, sizeof(info));

	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(info[0]); i++) {
		int signal = (int)info[i].ssi_signo;

		if (signal == SIGTSTP) {
			stop_ourselves(l);
		} else if (signal == SIGCONT || signal == SIGWINCH) {
			/* The shell that had us stopped may have changed both. */
			if (tty_is_raw())
				tty_raw(l->r->in);
			if (l->master >= 0)
				relay_resize(l->master, l->r->tty);
		} else {
			(void)!process_signal(l->r->pidfd, signal);
		}
	}
}

static int timeout_of(const struct loop *l)
{
	if (l->ended)
		return pending(&l->down) ? -1 : QUIET_MS;
	/* A moment too soon does no harm. */
	if (l->r->notify && l->r->notify->next_ns)
		return NOTIFY_MS;
	return l->unheld && l->master >= 0 ? REOPEN_MS : -1;
}

static void watch(const struct loop *l, struct pollfd *p)
{
	bool listen = l->master >= 0 && !l->unheld && !pending(&l->down);
	bool feed = l->master >= 0 && !l->unheld && pending(&l->up);
	bool flush = pending(&l->down);

	p[P_PROCESS] = (struct pollfd){ l->ended ? -1 : l->r->pidfd, POLLIN, 0 };
	p[P_SIGNALS] = (struct pollfd){ l->r->signals, POLLIN, 0 };
	p[P_MASTER] = (struct pollfd){ listen || feed ? l->master : -1,
				       (short)((listen ? POLLIN : 0) | (feed ? POLLOUT : 0)), 0 };
	p[P_IN] = (struct pollfd){ l->master >= 0 && !pending(&l->up) ? l->in : -1, POLLIN, 0 };
	p[P_OUT] = (struct pollfd){ flush ? l->r->out : -1, POLLOUT, 0 };
	p[P_NOTIFY] =
		(struct pollfd){ l->r->notify ? sdnotify_watch(l->r->notify) : -1, POLLIN, 0 };
}

/* One turn. 1: go on, 0: done, -errno. */
static int turn(struct loop *l)
{
	struct pollfd p[P_COUNT];
	int n;

	if (l->ended && !pending(&l->down) && (l->master < 0 || l->unheld))
		return 0;
	watch(l, p);
	n = poll(p, P_COUNT, timeout_of(l));
	if (n < 0)
		return errno == EINTR ? 1 : -errno;
	if (n == 0) {
		if (l->ended)
			return 0;
		l->unheld = false;
	}
	if (p[P_SIGNALS].revents)
		serve_signals(l);
	if (l->r->notify)
		sdnotify_turn(l->r->notify);
	if (p[P_OUT].revents && !flow_write(&l->down, l->r->out))
		hang_up(l);
	if (p[P_MASTER].revents && l->master >= 0)
		serve_master(l, p[P_MASTER].revents);
	if (p[P_IN].revents && l->in >= 0)
		serve_in(l);
	if (p[P_PROCESS].revents)
		l->ended = true;
	return 1;
}

int relay_run(const struct relay *r, struct err *err)
{
	struct loop l = { .r = r, .master = r->master, .in = r->master >= 0 ? r->in : -1 };
	sigset_t pipe_signal;
	int more;

	if (l.master >= 0) {
		/* A closed output is an error of write() here, not our death. */
		sigemptyset(&pipe_signal);
		sigaddset(&pipe_signal, SIGPIPE);
		(void)sigprocmask(SIG_BLOCK, &pipe_signal, NULL);
		(void)fcntl(l.master, F_SETFL, O_RDWR | O_NONBLOCK);
		tty_guard();
		tty_raw(r->in);
	}
	do
		more = turn(&l);
	while (more > 0);
	if (r->notify)
		sdnotify_turn(r->notify);
	tty_restore(TCSADRAIN);
	if (l.master >= 0)
		close(l.master);
	return more < 0 ? err_set(err, -more, "poll for the process's end: %s", strerror(-more)) :
			  0;
}
