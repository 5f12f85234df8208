#include "microvm/payload.h"

#include "base/clock.h"
#include "wire/channels.h"
#include "wire/renew.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { P_STREAMS, P_SIGNALS = CHANNELS_FDS, P_STOP, P_COUNT };

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

static void tell_size(struct payload *p)
{
	struct winsize size;

	if (p->terminal && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		wire_put(&p->channels.wire, WIRE_RESIZE, 0, &size, 4);
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

static void signals_came(struct payload *p)
{
	struct signalfd_siginfo info;

	while (read(p->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGWINCH && p->terminal)
			tell_size(p);
		else
			wire_put_u32(&p->channels.wire, WIRE_SIGNAL, 0, info.ssi_signo);
	}
}

static void failed(struct payload *p, const struct wire_frame *f)
{
	size_t len = f->len > 8 ? f->len - 8 : 0;
	uint32_t code = wire_u32(f, 4);

	err_set(p->err, code && code < 4096 ? (int)code : EIO, "%.*s", (int)len,
		(const char *)f->data + 8);
	p->err->exit_status = (int)(wire_u32(f, 0) & 0xff);
	p->over = true;
}

/* What others read must be whole at any time but for the name: the number of kills comes last. */
static void oom_came(const struct payload *p, const struct wire_frame *f)
{
	struct wire_report *to = p->report;
	size_t len = f->len > 8 ? f->len - 8 : 0;

	if (!to)
		return;
	len = len < WIRE_NAME_MAX - 1 ? len : WIRE_NAME_MAX - 1;
	memcpy(to->oom_name, f->data + 8, len);
	to->oom_name[len] = '\0';
	to->oom_pid = wire_u32(f, 4);
	__atomic_store_n(&to->oom_kills, wire_u32(f, 0), __ATOMIC_RELEASE);
}

/* Once: a guest that says it again doesn't get younger by it. */
static void process_began(const struct payload *p)
{
	if (p->report && !p->report->began_ns)
		__atomic_store_n(&p->report->began_ns, clock_now_ns(), __ATOMIC_RELEASE);
}

static void frame_came(struct payload *p, const struct wire_frame *f)
{
	if (!p->greeted) {
		p->greeted = true;
		p->over = wire_check_hello(f, p->err) < 0;
		return;
	}
	switch (f->type) {
	case WIRE_STARTED:
		process_began(p);
		break;
	case WIRE_OOM:
		oom_came(p, f);
		break;
	case WIRE_FAILED:
		failed(p, f);
		break;
	case WIRE_EXIT:
		p->status = (int)(wire_u32(f, 0) & 0xff);
		p->over = true;
		break;
	default:
		err_set(p->err, EPROTO, "the guest's init says what it may not (frame type %d)",
			f->type);
		p->over = true;
	}
}

static void serve(struct payload *p, const struct pollfd fds[P_COUNT])
{
	struct wire_frame f;
	int rc = channels_serve(&p->channels, fds);

	if (fds[P_SIGNALS].revents)
		signals_came(p);
	while (!p->over && (rc = channels_next(&p->channels, &f)) == 1)
		frame_came(p, &f);
	if (rc == 0 && !p->over)
		rc = channels_send(&p->channels);
	if (p->over)
		return;
	if (rc == -EPROTO)
		err_set(p->err, EPROTO, "what the guest's init says is none of ctr's wire");
	else if ((rc < 0 && rc != -EAGAIN) || p->channels.wire.ended || fds[P_STOP].revents)
		err_set(p->err, ESHUTDOWN, "the guest is gone");
	p->over = p->err->code != 0;
}

/* What it said goes out before we go; a reader that has left doesn't hold us. */
static void flush(struct payload *p)
{
	while (!channels_flushed(&p->channels)) {
		struct pollfd fds[CHANNELS_FDS];

		channels_poll(&p->channels, fds);
		fds[0].fd = -1;
		fds[1].fd = -1;
		if (poll(fds, CHANNELS_FDS, -1) > 0)
			(void)!channels_serve(&p->channels, fds);
	}
}

static void join(struct payload *p)
{
	channels_init(&p->channels, p->link, true);
	p->terminal = isatty(STDIN_FILENO);
	if (p->terminal)
		make_raw();
	for (int i = 0; i < CHANNELS; i++) {
		/* A terminal is open for us alone. */
		if (p->terminal)
			(void)fcntl(i, F_SETFL, fcntl(i, F_GETFL) | O_NONBLOCK);
		channels_join(&p->channels, (unsigned int)i, i);
	}
}

static void tell_network(struct payload *p)
{
	if (p->network_len)
		wire_put_text(&p->channels.wire, WIRE_NETWORK, p->network, p->network_len);
}

static void begin(struct payload *p)
{
	struct wire *w = &p->channels.wire;

	join(p);
	wire_put_u32(w, WIRE_HELLO, 0, WIRE_VERSION);
	tell_network(p);
	wire_put_text(w, WIRE_TEXT, p->text, p->len);
	tell_size(p);
}

int payload_run(struct payload *p, int *ret_status, struct err *err)
{
	p->err = err;
	err->code = 0;
	if (!p->loaded)
		begin(p);
	while (!p->over) {
		struct pollfd fds[P_COUNT];

		channels_poll(&p->channels, fds);
		fds[P_SIGNALS] = (struct pollfd){ .fd = p->signals, .events = POLLIN };
		fds[P_STOP] = (struct pollfd){ .fd = p->stop, .events = POLLIN };
		if (poll(fds, P_COUNT, -1) <= 0)
			continue;
		pthread_mutex_lock(&p->held);
		serve(p, fds);
		pthread_mutex_unlock(&p->held);
	}
	flush(p);
	channels_free(&p->channels);
	*ret_status = p->status;
	return -err->code;
}

/* ---- for a snapshot ------------------------------------------------------------------------------- */

int payload_hold(struct payload *p, struct err *err)
{
	pthread_mutex_lock(&p->held);
	if (!p->over)
		return 0;
	pthread_mutex_unlock(&p->held);
	return err_set(err, ESRCH, "the container's process is at its end");
}

void payload_go_on(struct payload *p)
{
	pthread_mutex_unlock(&p->held);
}

void payload_save(const struct payload *p, struct str *out)
{
	const char greeted = p->greeted;

	str_add_bytes(out, &greeted, 1);
	channels_save(&p->channels, out);
}

/* What it can't know that was held. */
static int renew(struct payload *p, struct err *err)
{
	const char *name = p->copy ? p->copy : "";
	struct wire_renew r = { .copy = p->copy != NULL };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	r.unix_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (getrandom(r.id, sizeof(r.id), 0) != sizeof(r.id))
		return err_sys(err, "take a random number");
	if (strlen(name) >= sizeof(r.hostname))
		return err_set(err, EINVAL, "--copy %s: a hostname has up to %zu bytes", name,
			       sizeof(r.hostname) - 1);
	memcpy(r.hostname, name, strlen(name));
	tell_network(p);
	wire_put(&p->channels.wire, WIRE_RENEW, 0, &r, sizeof(r));
	return 0;
}

int payload_load(struct payload *p, const char *bytes, size_t len, struct err *err)
{
	join(p);
	if (!len || channels_load(&p->channels, bytes + 1, len - 1) < 0)
		return err_set(err, EINVAL, "no such state of a stream to the guest can be");
	p->greeted = *bytes;
	p->loaded = true;
	if (p->greeted)
		process_began(p);
	tell_size(p);
	/* One that has heard nothing yet hears all of it. */
	return renew(p, err);
}
