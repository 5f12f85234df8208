#include "microvm/payload.h"

#include "wire/channels.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

enum { P_STREAMS, P_SIGNALS = CHANNELS_FDS, P_STOP, P_COUNT };

struct relayed {
	const struct payload *p;
	struct channels channels;
	bool terminal, greeted, over;
	int status;
	struct err *err; /* its code says whether it failed */
};

int payload_signals(int but, struct err *err)
{
	/* What a fault of our own raises, and what a write to a closed pipe does, is not for the payload. */
	const int ours[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGPIPE, but };
	sigset_t set;
	int fd;

	sigfillset(&set);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (ours[i])
			sigdelset(&set, ours[i]);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_sys(err, "take signals by an fd (signalfd)");
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return fd;
}

static void tell_size(struct relayed *r)
{
	struct winsize size;

	if (r->terminal && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		wire_put(&r->channels.wire, WIRE_RESIZE, 0, &size, 4);
}

/* The guest's terminal does all that one does; ours only passes bytes on. */
static void make_raw(void)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &t) < 0)
		return;
	cfmakeraw(&t);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

static void signals_came(struct relayed *r)
{
	struct signalfd_siginfo info;

	while (read(r->p->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGWINCH && r->terminal)
			tell_size(r);
		else
			wire_put_u32(&r->channels.wire, WIRE_SIGNAL, 0, info.ssi_signo);
	}
}

static void failed(struct relayed *r, const struct wire_frame *f)
{
	size_t len = f->len > 8 ? f->len - 8 : 0;
	uint32_t code = wire_u32(f, 4);

	err_set(r->err, code && code < 4096 ? (int)code : EIO, "%.*s", (int)len,
		(const char *)f->data + 8);
	r->err->exit_status = (int)(wire_u32(f, 0) & 0xff);
	r->over = true;
}

/* What others read must be whole at any time but for the name: the number of kills comes last. */
static void oom_came(const struct relayed *r, const struct wire_frame *f)
{
	struct wire_report *to = r->p->report;
	size_t len = f->len > 8 ? f->len - 8 : 0;

	if (!to)
		return;
	len = len < WIRE_NAME_MAX - 1 ? len : WIRE_NAME_MAX - 1;
	memcpy(to->oom_name, f->data + 8, len);
	to->oom_name[len] = '\0';
	to->oom_pid = wire_u32(f, 4);
	__atomic_store_n(&to->oom_kills, wire_u32(f, 0), __ATOMIC_RELEASE);
}

static void frame_came(struct relayed *r, const struct wire_frame *f)
{
	if (!r->greeted) {
		r->greeted = true;
		r->over = wire_check_hello(f, r->err) < 0;
		return;
	}
	switch (f->type) {
	case WIRE_STARTED:
		break;
	case WIRE_OOM:
		oom_came(r, f);
		break;
	case WIRE_FAILED:
		failed(r, f);
		break;
	case WIRE_EXIT:
		r->status = (int)(wire_u32(f, 0) & 0xff);
		r->over = true;
		break;
	default:
		err_set(r->err, EPROTO, "the guest's init says what it may not (frame type %d)",
			f->type);
		r->over = true;
	}
}

static void serve(struct relayed *r, const struct pollfd fds[P_COUNT])
{
	struct wire_frame f;
	int rc = channels_serve(&r->channels, fds);

	if (fds[P_SIGNALS].revents)
		signals_came(r);
	while (!r->over && (rc = channels_next(&r->channels, &f)) == 1)
		frame_came(r, &f);
	if (rc == 0 && !r->over)
		rc = channels_send(&r->channels);
	if (r->over)
		return;
	if (rc == -EPROTO)
		err_set(r->err, EPROTO, "what the guest's init says is none of ctr's wire");
	else if ((rc < 0 && rc != -EAGAIN) || r->channels.wire.ended || fds[P_STOP].revents)
		err_set(r->err, ESHUTDOWN, "the guest is gone");
	r->over = r->err->code != 0;
}

/* What it said goes out before we go; a reader that has left doesn't hold us. */
static void flush(struct relayed *r)
{
	while (!channels_flushed(&r->channels)) {
		struct pollfd fds[CHANNELS_FDS];

		channels_poll(&r->channels, fds);
		fds[0].fd = -1;
		fds[1].fd = -1;
		if (poll(fds, CHANNELS_FDS, -1) > 0)
			(void)!channels_serve(&r->channels, fds);
	}
}

static void begin(struct relayed *r)
{
	struct wire *w = &r->channels.wire;

	r->terminal = isatty(STDIN_FILENO);
	if (r->terminal)
		make_raw();
	for (int i = 0; i < CHANNELS; i++) {
		/* A terminal is open for us alone. */
		if (r->terminal)
			(void)fcntl(i, F_SETFL, fcntl(i, F_GETFL) | O_NONBLOCK);
		channels_join(&r->channels, (unsigned int)i, i);
	}
	wire_put_u32(w, WIRE_HELLO, 0, WIRE_VERSION);
	if (r->p->network_len)
		wire_put_text(w, WIRE_NETWORK, r->p->network, r->p->network_len);
	wire_put_text(w, WIRE_TEXT, r->p->text, r->p->len);
	tell_size(r);
}

int payload_run(const struct payload *p, int *ret_status, struct err *err)
{
	struct relayed r = { .p = p, .err = err };

	err->code = 0;
	channels_init(&r.channels, p->link, true);
	begin(&r);
	while (!r.over) {
		struct pollfd fds[P_COUNT];

		channels_poll(&r.channels, fds);
		fds[P_SIGNALS] = (struct pollfd){ .fd = p->signals, .events = POLLIN };
		fds[P_STOP] = (struct pollfd){ .fd = p->stop, .events = POLLIN };
		if (poll(fds, P_COUNT, -1) > 0)
			serve(&r, fds);
	}
	flush(&r);
	channels_free(&r.channels);
	*ret_status = r.status;
	return -err->code;
}
