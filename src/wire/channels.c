#include "wire/channels.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SINK_STEP 4096 /* what a pipe takes without blocking once it is ready */

void channels_init(struct channels *s, int link, bool host)
{
	*s = (struct channels){ 0 };
	wire_init(&s->wire, link);
	(void)fcntl(link, F_SETFL, fcntl(link, F_GETFL) | O_NONBLOCK);
	for (unsigned int i = 0; i < CHANNELS; i++)
		s->channel[i] = (struct channel){ .fd = -1,
						  .source = (i == 0) == host,
						  .credit = CHANNEL_WINDOW };
}

void channels_free(struct channels *s)
{
	for (unsigned int i = 0; i < CHANNELS; i++)
		backlog_free(&s->channel[i].waits);
	wire_free(&s->wire);
}

void channels_join(struct channels *s, unsigned int channel, int fd)
{
	s->channel[channel].fd = fd;
}

static void part(struct channels *s, unsigned int channel)
{
	if (s->channel[channel].fd < 0)
		return;
	s->channel[channel].fd = -1;
	if (s->parted)
		s->parted(s->arg, channel);
}

static void send_end(struct channels *s, unsigned int channel)
{
	if (!s->channel[channel].ended)
		wire_put(&s->wire, WIRE_DATA, channel, "", 0);
	s->channel[channel].ended = true;
	part(s, channel);
}

/* Backlogs that a peer could let grow: nothing is read while that much waits to be sent. */
static bool sends(const struct channels *s)
{
	return backlog_len(&s->wire.out) < CHANNEL_WINDOW;
}

void channels_poll(const struct channels *s, struct pollfd fds[CHANNELS_FDS])
{
	fds[0] =
		(struct pollfd){ .fd = s->wire.fd,
				 .events = (short)(POLLIN | (wire_waits(&s->wire) ? POLLOUT : 0)) };
	for (unsigned int i = 0; i < CHANNELS; i++) {
		const struct channel *c = &s->channel[i];
		bool wanted = c->source ? c->credit && sends(s) : backlog_len(&c->waits) > 0;

		fds[1 + i] = (struct pollfd){ .fd = wanted ? c->fd : -1,
					      .events = c->source ? POLLIN : POLLOUT };
	}
}

static void read_source(struct channels *s, unsigned int channel)
{
	struct channel *c = &s->channel[channel];
	uint8_t bytes[WIRE_DATA_MAX];
	size_t room = c->credit < sizeof(bytes) ? c->credit : sizeof(bytes);
	ssize_t n = read(c->fd, bytes, room);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	/* A terminal whose other side is closed says EIO. */
	if (n <= 0) {
		send_end(s, channel);
		return;
	}
	c->credit -= (uint32_t)n;
	wire_put(&s->wire, WIRE_DATA, channel, bytes, (size_t)n);
}

static void sink_done(struct channels *s, unsigned int channel)
{
	struct channel *c = &s->channel[channel];

	if (!c->end_came || c->ended || backlog_len(&c->waits))
		return;
	c->ended = true;
	part(s, channel);
}

/* Bytes are gone, written or dropped: as many more may come. */
static void sink_took(struct channels *s, unsigned int channel, size_t len)
{
	struct channel *c = &s->channel[channel];

	c->credit += (uint32_t)len;
	wire_put_u32(&s->wire, WIRE_CREDIT, channel, (uint32_t)len);
}

static void write_sink(struct channels *s, unsigned int channel)
{
	struct channel *c = &s->channel[channel];
	size_t len = backlog_len(&c->waits);
	ssize_t n = write(c->fd, backlog_head(&c->waits), len < SINK_STEP ? len : SINK_STEP);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) {
		/* Nobody reads it any more: the process hears of that as it would without us. */
		n = (ssize_t)len;
		part(s, channel);
		wire_put_u32(&s->wire, WIRE_CREDIT, channel, 0);
	}
	backlog_take(&c->waits, (size_t)n);
	sink_took(s, channel, (size_t)n);
	sink_done(s, channel);
}

static int data_came(struct channels *s, const struct wire_frame *f)
{
	struct channel *c;

	if (f->channel >= CHANNELS)
		return -EPROTO;
	c = &s->channel[f->channel];
	if (c->source || c->end_came || f->len > c->credit)
		return -EPROTO;
	c->end_came = f->len == 0;
	c->credit -= f->len;
	if (c->fd >= 0)
		backlog_add(&c->waits, f->data, f->len);
	else if (f->len)
		sink_took(s, f->channel, f->len);
	sink_done(s, f->channel);
	return 0;
}

static int credit_came(struct channels *s, const struct wire_frame *f)
{
	uint32_t more = wire_u32(f, 0);
	struct channel *c;

	if (f->channel >= CHANNELS)
		return -EPROTO;
	c = &s->channel[f->channel];
	if (!c->source || more > CHANNEL_WINDOW || c->credit > CHANNEL_WINDOW - more)
		return -EPROTO;
	c->credit += more;
	if (!more)
		send_end(s, f->channel);
	return 0;
}

int channels_next(struct channels *s, struct wire_frame *ret)
{
	for (;;) {
		int rc = wire_next(&s->wire, ret);

		if (rc == 1 && ret->type == WIRE_DATA)
			rc = data_came(s, ret);
		else if (rc == 1 && ret->type == WIRE_CREDIT)
			rc = credit_came(s, ret);
		else
			return rc;
		if (rc < 0)
			return rc;
	}
}

int channels_serve(struct channels *s, const struct pollfd fds[CHANNELS_FDS])
{
	int rc = 0;

	for (unsigned int i = 0; i < CHANNELS; i++) {
		/* Others than these may have been closed since. */
		if (!fds[1 + i].revents || fds[1 + i].fd != s->channel[i].fd)
			continue;
		if (s->channel[i].source)
			read_source(s, i);
		else
			write_sink(s, i);
	}
	if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
		rc = wire_receive(&s->wire);
	if (rc == 0 || rc == -EAGAIN)
		rc = wire_send(&s->wire);
	return rc;
}

bool channels_finish(struct channels *s)
{
	bool all = true;

	for (unsigned int i = 0; i < CHANNELS; i++) {
		struct channel *c = &s->channel[i];
		struct pollfd fd = { .fd = c->fd, .events = POLLIN };

		if (!c->source || c->ended)
			continue;
		/* Without credit there may be more: it is read once there is. */
		if (c->fd < 0 || (poll(&fd, 1, 0) == 0 && c->credit))
			send_end(s, i);
		else
			all = false;
	}
	return all;
}

bool channels_flushed(const struct channels *s)
{
	for (unsigned int i = 0; i < CHANNELS; i++)
		if (!s->channel[i].source && backlog_len(&s->channel[i].waits))
			return false;
	return true;
}
