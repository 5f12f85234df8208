#include "wire/frame.h"

#include "base/fd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

void wire_init(struct wire *w, int fd)
{
	*w = (struct wire){ .fd = fd };
}

void wire_free(struct wire *w)
{
	backlog_free(&w->out);
}

static void put_le(uint8_t *to, uint32_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get_le(const uint8_t *from, size_t bytes)
{
	uint32_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value |= (uint32_t)from[i] << (8 * i);
	return value;
}

void wire_put(struct wire *w, enum wire_type type, unsigned int channel, const void *data,
	      size_t len)
{
	uint8_t head[WIRE_HEAD_BYTES];

	put_le(head, (uint32_t)len, 4);
	put_le(head + 4, type, 2);
	put_le(head + 6, channel, 2);
	put_le(head + 8, w->sent++, 4);
	backlog_add(&w->out, head, sizeof(head));
	backlog_add(&w->out, data, len);
}

void wire_put_u32(struct wire *w, enum wire_type type, unsigned int channel, uint32_t value)
{
	uint8_t bytes[4];

	put_le(bytes, value, 4);
	wire_put(w, type, channel, bytes, sizeof(bytes));
}

void wire_put_text(struct wire *w, enum wire_type type, const char *text, size_t len)
{
	for (size_t part; len; text += part, len -= part) {
		part = len < WIRE_DATA_MAX ? len : WIRE_DATA_MAX;
		wire_put(w, type, 0, text, part);
	}
	wire_put(w, type, 0, "", 0);
}

int wire_send(struct wire *w)
{
	while (wire_waits(w)) {
		ssize_t n = write(w->fd, backlog_head(&w->out), backlog_len(&w->out));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return -errno;
		backlog_take(&w->out, (size_t)n);
	}
	return 0;
}

int wire_send_all(struct wire *w)
{
	int rc = wire_send(w);

	while (rc == 0 && wire_waits(w)) {
		struct pollfd room = { .fd = w->fd, .events = POLLOUT };

		(void)poll(&room, 1, -1);
		rc = wire_send(w);
	}
	return rc;
}

int wire_receive(struct wire *w)
{
	ssize_t n;

	/* What was taken makes room. */
	memmove(w->in, w->in + w->in_used, w->in_len - w->in_used);
	w->in_len -= w->in_used;
	w->in_used = 0;
	if (w->in_len == sizeof(w->in))
		return 0;
	do
		n = read(w->fd, w->in + w->in_len, sizeof(w->in) - w->in_len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	w->ended = n == 0;
	w->in_len += (size_t)n;
	return 0;
}

int wire_next(struct wire *w, struct wire_frame *ret)
{
	const uint8_t *head = w->in + w->in_used;
	size_t have = w->in_len - w->in_used;
	uint32_t len, type;

	if (have < WIRE_HEAD_BYTES)
		return 0;
	len = get_le(head, 4);
	type = get_le(head + 4, 2);
	if (len > WIRE_DATA_MAX || type < WIRE_HELLO || type >= WIRE_TYPES ||
	    get_le(head + 8, 4) != w->came)
		return -EPROTO;
	if (have < WIRE_HEAD_BYTES + len)
		return 0;
	w->came++;
	w->in_used += WIRE_HEAD_BYTES + len;
	*ret = (struct wire_frame){ .type = (enum wire_type)type,
				    .channel = (uint16_t)get_le(head + 6, 2),
				    .len = len,
				    .data = head + WIRE_HEAD_BYTES };
	return 1;
}

uint32_t wire_u32(const struct wire_frame *f, size_t at)
{
	return at + 4 > f->len ? 0 : get_le(f->data + at, 4);
}

int wire_check_hello(const struct wire_frame *f, struct err *err)
{
	if (f->type != WIRE_HELLO || f->len < 4)
		return err_set(err, EPROTO, "a stream of ctr's wire doesn't begin with a hello");
	if (wire_u32(f, 0) != WIRE_VERSION)
		return err_set(err, EPROTONOSUPPORT,
			       "the other side speaks version %u of ctr's wire, this one %d",
			       wire_u32(f, 0), WIRE_VERSION);
	return 0;
}
