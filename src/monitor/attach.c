/* Being attached to a container: a client of its monitor, of this one and of those after it. */
#include "monitor/client.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"
#include "monitor/modes.h"
#include "monitor/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>

/* How long a new monitor may take to be there, and how often we look. */
#define RECONNECT_MS 5000
#define LOOK_MS 20

struct session {
	struct attach *a;
	int sock;
	struct wire_hello hello;
	bool ready;         /* the monitor has said so; from then on a connection is resumed */
	bool terminal;      /* the container has one */
	int in;             /* what is read; -1: nothing (any more) */
	bool in_ended;      /* and it has come to its end */
	uint64_t seq;       /* of the last message of input */
	size_t pending;     /* its length, until it is safe; 0: it is */
	bool over;          /* the result is there */
	struct modes modes; /* that it has put our own terminal into */
	uint32_t told_size; /* of our window, to the monitor */
	bool closed[2];     /* our output can't be written any more */
	char typed[WIRE_DATA_MAX];
	char message[WIRE_DATA_MAX + 1];
};

static uint32_t window(void)
{
	struct winsize size;
	int tty = relay_own_tty();

	if (tty < 0 || ioctl(tty, TIOCGWINSZ, &size) < 0)
		return 0;
	return (uint32_t)size.ws_row << 16 | size.ws_col;
}

/* ---- the connection -------------------------------------------------------------------- */

static bool say_hello(struct session *s)
{
	if (s->ready)
		s->hello.wants |= WIRE_RESUMES;
	s->told_size = s->hello.size;
	return monitor_send(s->sock, WIRE_HELLO, 0, 0, &s->hello, sizeof(s->hello));
}

/* The container as it is now: has it ended? */
static bool ended_meanwhile(struct session *s)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	struct err ignored;
	int rc = container_open(s->a->root, s->a->name, &c, &ignored);

	if (rc == -ENOENT || (rc == 0 && c.state.status == STATUS_STOPPED && c.state.exit_known)) {
		s->a->exit_known = rc == 0;
		s->a->exit_code = rc == 0 ? c.state.exit_code : 0;
		s->over = true;
	}
	return s->over;
}

static int connect_now(struct session *s, struct err *err)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	int rc = container_open(s->a->root, s->a->name, &c, err);

	if (rc == 0)
		rc = monitor_connect(c.dir);
	return rc;
}

/* The monitor is gone: to the next one. 0 also where there is nothing more to connect to. */
static int reconnect(struct session *s, struct err *err)
{
	uint64_t until = clock_now_ns() + RECONNECT_MS * UINT64_C(1000000);

	if (s->sock >= 0)
		close(take_fd(&s->sock));
	if (!s->ready && s->a->starts)
		return err_set(err, ECONNRESET,
			       "the container's monitor ended before it started it");
	while (clock_now_ns() < until) {
		s->sock = connect_now(s, err);
		if (s->sock >= 0 && say_hello(s))
			return 0;
		if (s->sock >= 0)
			close(take_fd(&s->sock));
		if (ended_meanwhile(s))
			return 0;
		(void)poll(NULL, 0, LOOK_MS);
	}
	return err_set(
		err, EPIPE,
		"container \"%s\": its monitor is gone, and no other has taken over; it runs "
		"on by itself",
		s->a->name);
}

/* ---- from the monitor ------------------------------------------------------------------ */

static void serve_signals(struct session *s);
static void tell_size(struct session *s);

/* Signals are passed on meanwhile: they may be what ends it. */
static void show(struct session *s, uint32_t stream, const char *bytes, size_t len)
{
	int fd = stream == LOG_STDERR ? STDERR_FILENO : STDOUT_FILENO;

	while (len && !s->closed[stream & 1]) {
		struct pollfd p[] = { { fd, POLLOUT, 0 }, { s->a->signals, POLLIN, 0 } };
		ssize_t n;

		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents)
			serve_signals(s);
		if (!p[0].revents)
			continue;
		n = tty_write_some(fd, bytes, len);
		if (n >= 0) {
			if (s->terminal && stream == LOG_STDOUT)
				modes_follow(&s->modes, bytes, (size_t)n);
			bytes += n;
			len -= (size_t)n;
		} else if (errno != EAGAIN && errno != EINTR) {
			s->closed[stream & 1] = true;
			(void)!monitor_send(s->sock, WIRE_GONE, stream, 0, NULL, 0);
		}
	}
}

static void is_ready(struct session *s, const struct wire_ready *r)
{
	bool first = !s->ready;

	s->ready = true;
	s->terminal = r->terminal;
	if (first) {
		s->hello.got[0] = r->at[0];
		s->hello.got[1] = r->at[1];
		/* Nobody would read it. */
		if (!r->input)
			s->in = -1;
		if (s->terminal && s->in >= 0) {
			tty_guard();
			tty_raw(s->in);
		}
	}
	tell_size(s);
	/* What the monitor before it had not taken. */
	if (s->pending && r->taken >= s->seq)
		s->pending = 0;
	if (s->pending)
		(void)!monitor_send(s->sock, WIRE_INPUT, 0, s->seq, s->typed, s->pending);
	else if (s->in_ended)
		(void)!monitor_send(s->sock, WIRE_INPUT_END, 0, 0, NULL, 0);
}

static int failed(const char *data, size_t len, struct err *err)
{
	if (len != sizeof(*err))
		return err_set(err, EPROTO, "the monitor says that it failed, and not why");
	memcpy(err, data, sizeof(*err));
	return -err->code;
}

static int obey(struct session *s, const struct wire_head *head, size_t len, struct err *err)
{
	struct wire_ready ready;

	switch (head->type) {
	case WIRE_READY:
		if (len != sizeof(ready))
			return err_set(err, EPROTO, "the monitor is of another version");
		memcpy(&ready, s->message, sizeof(ready));
		is_ready(s, &ready);
		break;
	case WIRE_OUTPUT:
		show(s, head->stream & 1, s->message, len);
		s->hello.got[head->stream & 1] = head->number + len;
		break;
	case WIRE_REPLAY:
		show(s, LOG_STDOUT, s->message, len);
		break;
	case WIRE_TAKEN:
		if (head->number >= s->seq)
			s->pending = 0;
		break;
	case WIRE_WARNING:
		s->message[len] = '\0';
		strv_add(s->a->warnings, s->message);
		break;
	case WIRE_FAILED:
		return failed(s->message, len, err);
	case WIRE_AGAIN:
		(void)!say_hello(s);
		break;
	case WIRE_EXIT:
		s->a->exit_known = !head->stream;
		s->a->exit_code = (int)head->number;
		s->over = true;
		break;
	default:
		break;
	}
	return 0;
}

static int serve_monitor(struct session *s, struct err *err)
{
	struct wire_head head;
	struct iovec parts[] = { { &head, sizeof(head) }, { s->message, WIRE_DATA_MAX } };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n = recvmsg(s->sock, &msg, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < (ssize_t)sizeof(head))
		return reconnect(s, err);
	return obey(s, &head, (size_t)n - sizeof(head), err);
}

/* ---- to the monitor --------------------------------------------------------------------- */

/* One that comes before we know of a terminal is told once we do. */
static void tell_size(struct session *s)
{
	s->hello.size = window();
	if (s->terminal && s->hello.size != s->told_size &&
	    monitor_send(s->sock, WIRE_RESIZE, 0, s->hello.size, NULL, 0))
		s->told_size = s->hello.size;
}

static void serve_signals(struct session *s)
{
	struct signalfd_siginfo info[8];
	ssize_t n = read(s->a->signals, info, sizeof(info));

	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(info[0]); i++) {
		int signal = (int)info[i].ssi_signo;

		if (signal == SIGTSTP) {
			bool raw = tty_is_raw();

			/* Stop as the shell wants it, with the terminal as the shell wants it. */
			tty_restore(TCSADRAIN);
			(void)raise(SIGSTOP);
			if (raw)
				tty_raw(s->in);
		} else if (signal == SIGCONT || signal == SIGWINCH) {
			if (tty_is_raw())
				tty_raw(s->in);
			s->told_size = 0;
			tell_size(s);
		} else {
			(void)!monitor_send(s->sock, WIRE_SIGNAL, 0, (uint64_t)signal, NULL, 0);
		}
	}
}

static void input_end(struct session *s)
{
	s->in = -1;
	s->in_ended = true;
	(void)!monitor_send(s->sock, WIRE_INPUT_END, 0, 0, NULL, 0);
}

/* A raw terminal has no other end: its window was closed. Whether that ends the container, which others may
 * be attached to, is the monitor's to say. */
static void hung_up(struct session *s)
{
	if (s->a->proxy)
		(void)!monitor_send(s->sock, WIRE_SIGNAL, 0, SIGHUP, NULL, 0);
	s->a->detached = s->over = true;
}

/* One message at a time: it is kept here until the monitor has put it where it can't be lost. */
static void serve_input(struct session *s)
{
	char typed[WIRE_DATA_MAX - DETACH_KEYS_MAX];
	ssize_t n = read(s->in, typed, sizeof(typed));
	size_t len;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		(tty_is_raw() ? hung_up : input_end)(s);
		return;
	}
	if (detach_keys_filter(&s->a->keys, typed, (size_t)n, s->typed, &len))
		s->a->detached = s->over = true;
	if (!len)
		return;
	s->seq++;
	s->pending = len;
	(void)!monitor_send(s->sock, WIRE_INPUT, 0, s->seq, s->typed, len);
}

/* ---- the loop ---------------------------------------------------------------------------- */

static int turn(struct session *s, struct err *err)
{
	struct pollfd p[] = {
		{ s->sock, POLLIN, 0 },
		{ s->ready && !s->pending ? s->in : -1, POLLIN, 0 },
		{ s->a->signals, POLLIN, 0 },
	};
	int rc = 0;

	if (poll(p, ARRAY_LEN(p), -1) < 0)
		return errno == EINTR ? 0 : err_sys(err, "poll");
	if (p[2].revents)
		serve_signals(s);
	if (p[1].revents && s->in >= 0)
		serve_input(s);
	if (p[0].revents)
		rc = serve_monitor(s, err);
	return rc;
}

static int begin(struct session *s, struct err *err)
{
	int rc;

	s->hello.wants = WIRE_WANT_OUTPUT | (s->a->input ? WIRE_WANT_INPUT : 0);
	s->hello.size = window();
	if (getrandom(&s->hello.client, sizeof(s->hello.client), 0) < 0)
		return err_sys(err, "random bytes");
	if (s->sock < 0) {
		rc = connect_now(s, err);
		if (rc == -ENOENT)
			return err_set(err, ENOENT,
				       "container \"%s\" has no monitor: there is nothing to be "
				       "attached to",
				       s->a->name);
		if (rc < 0)
			return rc;
		s->sock = rc;
	}
	if (!say_hello(s) || (s->a->start && !monitor_send(s->sock, WIRE_START, 0, 0, NULL, 0)))
		return err_set(err, EPIPE, "the container's monitor is gone");
	return 0;
}

/* What a full-screen program would have undone at its end; and the shell's prompt is on a line of its own. */
static void leave_terminal(struct session *s)
{
	CLEAN(str) struct str text = { 0 };

	if (!s->terminal || !isatty(STDOUT_FILENO))
		return;
	modes_undo(&s->modes, &text);
	if (s->a->detached)
		str_add(&text, "\r\n");
	if (text.len)
		(void)!fd_write_all(STDOUT_FILENO, text.text, text.len);
}

int attach_run(struct attach *a, struct err *err)
{
	struct session *s = xcalloc(1, sizeof(*s));
	sigset_t pipe_signal;
	int rc;

	*s = (struct session){ .a = a, .sock = take_fd(&a->sock), .in = a->input ? 0 : -1 };
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	(void)sigprocmask(SIG_BLOCK, &pipe_signal, NULL);
	rc = begin(s, err);
	while (rc == 0 && !s->over)
		rc = turn(s, err);
	leave_terminal(s);
	tty_restore(TCSADRAIN);
	if (s->sock >= 0)
		close(s->sock);
	free(s);
	return rc;
}
