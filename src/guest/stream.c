#include "guest/stream.h"

#include "base/process.h"
#include "guest/answer.h"
#include "guest/boot.h"
#include "guest/process.h"
#include "guest/renew.h"
#include "netns/requests.h"
#include "wire/report.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Our end of a channel is not needed any more: what the process reads ends. */
static void parted(void *arg, unsigned int channel)
{
	struct stream *s = arg;

	drop_fd(&s->fds[channel]);
}

void stream_init(struct stream *s, int link, bool first)
{
	*s = (struct stream){ .link = link,
			      .fds = { -1, -1, -1 },
			      .terminal = -1,
			      .pidfd = -1,
			      .events = -1,
			      .first = first };
	channels_init(&s->channels, link, false);
	s->channels.parted = parted;
	s->channels.arg = s;
	wire_put_u32(&s->channels.wire, WIRE_HELLO, 0, WIRE_VERSION);
}

void stream_free(struct stream *s)
{
	channels_free(&s->channels);
	str_free(&s->text);
	str_free(&s->network);
	for (unsigned int i = 0; i < CHANNELS; i++)
		drop_fd(&s->fds[i]);
	/* The first one's are the container's. */
	if (!s->first) {
		drop_fd(&s->terminal);
		drop_fd(&s->pidfd);
	}
	drop_fd(&s->events);
	drop_fd(&s->link);
}

/* ---- beginning ---------------------------------------------------------------------- */

static void say_failed(struct stream *s, const struct err *err)
{
	uint8_t data[8 + ERR_TEXT_MAX];
	uint32_t head[2] = { (uint32_t)err->exit_status, (uint32_t)err->code };
	size_t len = strnlen(err->text, sizeof(err->text));

	memcpy(data, head, sizeof(head));
	memcpy(data + sizeof(head), err->text, len);
	wire_put(&s->channels.wire, WIRE_FAILED, 0, data, sizeof(head) + len);
	s->state = STREAM_OVER;
}

static void join_terminal(struct stream *s)
{
	s->fds[0] = dup(s->terminal);
	s->fds[1] = dup(s->terminal);
}

/* Becomes urgent when something has happened for want of memory. */
static int open_events(struct container *c)
{
	struct err ignored;
	int group = container_cgroup(c, &ignored);

	return group < 0 ? -1 : openat(group, "memory.events", O_RDONLY | O_CLOEXEC);
}

static void begin(struct stream *s, struct container *c)
{
	struct process_made made;
	struct err err = { 0 };
	int rc = s->first ? process_first(s->text.text, s->text.len, c, &made, &err) :
			    process_more(s->text.text, s->text.len, c, &made, &err);

	str_free(&s->text);
	if (rc < 0) {
		say_failed(s, &err);
		return;
	}
	s->pidfd = made.pidfd;
	s->terminal = made.terminal;
	memcpy(s->fds, made.ends, sizeof(s->fds));
	if (s->terminal >= 0)
		join_terminal(s);
	for (unsigned int i = 0; i < CHANNELS; i++)
		channels_join(&s->channels, i, s->fds[i]);
	wire_put(&s->channels.wire, WIRE_STARTED, 0, "", 0);
	s->state = STREAM_RUNS;
	if (s->first)
		s->events = open_events(c);
	for (uint32_t signal = 1; signal <= 64; signal++)
		if (s->early >> (signal - 1) & 1)
			(void)!process_signal(s->pidfd, (int)signal);
}

/* ---- what the host says ----------------------------------------------------------------- */

/* In frames, whose last one is empty. 1: that is all. */
static int collect(struct stream *s, struct str *to, size_t max, const struct wire_frame *f)
{
	/* Sent before the host could hear that it is over. */
	if (s->state == STREAM_OVER)
		return 0;
	if (s->state != STREAM_TOLD || to->len + f->len > max)
		s->state = STREAM_GONE;
	else if (f->len)
		str_add_bytes(to, f->data, f->len);
	return s->state == STREAM_TOLD && !f->len;
}

static void network_came(struct stream *s, const struct wire_frame *f)
{
	/* That of a guest that was held is used by renew_came(). */
	bool kept = s->first && s->state == STREAM_RUNS;
	struct err err = { 0 };

	if (!s->first || (kept && s->network.len + f->len > NET_REQUESTS_MAX)) {
		s->state = STREAM_GONE;
	} else if (kept) {
		str_add_bytes(&s->network, f->data, f->len);
	} else if (collect(s, &s->network, NET_REQUESTS_MAX, f)) {
		if (netns_requests_apply(s->network.text, s->network.len, &s->links, &err) < 0)
			say_failed(s, &err);
		str_free(&s->network);
	}
}

/*
 * It has no answer: a process goes on that runs. What goes wrong is said where the launcher's user may see it, on the
 * kernel's console.
 */
static void renew_came(struct stream *s, const struct container *c, const struct wire_frame *f)
{
	struct err err = { 0 };
	int rc;

	if (!s->first) {
		s->state = STREAM_GONE;
		return;
	}
	if (s->state != STREAM_RUNS)
		return;
	rc = renew(f, c, &err);
	if (rc == 0 && s->network.len)
		rc = netns_requests_apply(s->network.text, s->network.len, &s->links, &err);
	if (rc < 0)
		fprintf(stderr, "ctr-guest: %s\n", err.text);
	str_free(&s->network);
}

static void text_came(struct stream *s, struct container *c, const struct wire_frame *f)
{
	if (collect(s, &s->text, WIRE_TEXT_MAX, f))
		begin(s, c);
}

/* Instead of a process. */
static void ask_came(struct stream *s, struct container *c, const struct wire_frame *f)
{
	struct err err = { 0 };

	if (s->first || s->state != STREAM_TOLD || s->text.len)
		s->state = STREAM_GONE;
	else if (answer_put(wire_u32(f, 0), c, &s->channels.wire, &err) < 0)
		say_failed(s, &err);
	else
		s->state = STREAM_OVER;
}

static void resize(const struct stream *s, const struct wire_frame *f)
{
	struct winsize size = { 0 };

	if (s->terminal < 0 || f->len != 4)
		return;
	memcpy(&size.ws_row, f->data, 2);
	memcpy(&size.ws_col, f->data + 2, 2);
	(void)ioctl(s->terminal, TIOCSWINSZ, &size);
}

static void signal_came(struct stream *s, uint32_t signal)
{
	if (signal < 1 || signal > 64)
		return;
	if (s->state == STREAM_RUNS)
		(void)!process_signal(s->pidfd, (int)signal);
	else if (s->state == STREAM_TOLD)
		s->early |= 1ULL << (signal - 1);
}

static void frame_came(struct stream *s, struct container *c, const struct wire_frame *f)
{
	struct err err;

	if (!s->greeted) {
		s->greeted = wire_check_hello(f, &err) == 0;
		if (!s->greeted)
			s->state = STREAM_GONE;
		return;
	}
	switch (f->type) {
	case WIRE_TEXT:
		text_came(s, c, f);
		break;
	case WIRE_NETWORK:
		network_came(s, f);
		break;
	case WIRE_RENEW:
		renew_came(s, c, f);
		break;
	case WIRE_ASK:
		ask_came(s, c, f);
		break;
	case WIRE_SIGNAL:
		signal_came(s, wire_u32(f, 0));
		break;
	case WIRE_RESIZE:
		resize(s, f);
		break;
	default:
		s->state = STREAM_GONE;
	}
}

/* ---- want of memory ------------------------------------------------------------------------ */

static void tell_oom(struct stream *s, const struct state_oom *oom)
{
	uint8_t data[8 + WIRE_NAME_MAX];
	uint32_t head[2] = { (uint32_t)oom->kills, (uint32_t)oom->pid };
	size_t len = oom->process ? strnlen(oom->process, WIRE_NAME_MAX) : 0;

	if (!s->first || oom->kills <= s->oom_told)
		return;
	s->oom_told = oom->kills;
	memcpy(data, head, sizeof(head));
	memcpy(data + sizeof(head), oom->process ? oom->process : "", len);
	wire_put(&s->channels.wire, WIRE_OOM, 0, data, sizeof(head) + len);
}

static void look_for_oom(struct stream *s, struct container *c)
{
	char sink[512];

	/* Read, or it stays urgent. */
	if (pread(s->events, sink, sizeof(sink), 0) < 0)
		drop_fd(&s->events);
	container_note_oom(c);
	tell_oom(s, &c->state.oom);
}

/* ---- its end ---------------------------------------------------------------------------- */

static int exit_code(const struct stream *s, struct container *c)
{
	struct err err;
	int status = 0, code = 255;

	if (s->first)
		return container_wait(c, &code, &err) < 0 ? 255 : code;
	return process_wait(s->pidfd, &status) < 0 ? 255 : process_exit_code(status);
}

static void look_for_end(struct stream *s, struct container *c)
{
	if (s->state == STREAM_RUNS && process_ended(s->pidfd, 0)) {
		s->exit_code = exit_code(s, c);
		s->state = STREAM_LEAVES;
	}
	if (s->state != STREAM_LEAVES || !channels_finish(&s->channels))
		return;
	/* Files first: who hears that it has ended may look at them. */
	if (s->first) {
		tell_oom(s, &c->state.oom);
		boot_files_done();
	}
	wire_put_u32(&s->channels.wire, WIRE_EXIT, 0, (uint32_t)s->exit_code);
	s->state = STREAM_OVER;
}

/* Without its client a further process ends: nobody could end it any more. */
static void hang_up(struct stream *s)
{
	if (s->state == STREAM_RUNS && !s->first)
		(void)!process_signal(s->pidfd, SIGKILL);
	s->state = STREAM_GONE;
}

void stream_poll(const struct stream *s, struct pollfd fds[STREAM_FDS])
{
	channels_poll(&s->channels, fds);
	fds[CHANNELS_FDS] =
		(struct pollfd){ .fd = s->state == STREAM_RUNS ? s->pidfd : -1, .events = POLLIN };
	fds[CHANNELS_FDS + 1] = (struct pollfd){ .fd = s->state == STREAM_RUNS ? s->events : -1,
						 .events = POLLPRI };
}

void stream_serve(struct stream *s, struct container *c, const struct pollfd fds[STREAM_FDS])
{
	struct wire_frame f;
	int rc = channels_serve(&s->channels, fds);

	if (rc < 0 || s->channels.wire.ended) {
		hang_up(s);
		return;
	}
	while (s->state != STREAM_GONE && (rc = channels_next(&s->channels, &f)) == 1)
		frame_came(s, c, &f);
	if (rc < 0)
		hang_up(s);
	if (fds[CHANNELS_FDS + 1].revents)
		look_for_oom(s, c);
	look_for_end(s, c);
	if (channels_send(&s->channels) < 0)
		hang_up(s);
}
