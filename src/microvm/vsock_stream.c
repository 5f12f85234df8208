/* A stream: what the guest says to it, what it says to the guest, its socket on the host. */
#include "microvm/virtio_vsock.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define SHUT_BOTH (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

void vsock_drop(struct vsock_stream *t)
{
	if (t->fd >= 0 && t->watched)
		io_remove(t->vsock->io, t->fd);
	drop_fd(&t->fd);
	backlog_free(&t->out);
	t->watched = 0;
	t->says = 0;
	t->state = VSOCK_FREE;
	if (t->vsock)
		vsock_hear(t->vsock);
}

void vsock_end(struct vsock_stream *t)
{
	t->says = 0;
	if (backlog_len(&t->out) && !t->host_gone) {
		t->state = VSOCK_LAST;
		vsock_watch(t);
		return;
	}
	vsock_drop(t);
}

static void refuse(struct vsock_stream *t)
{
	/* Said by the stream itself, which is free only then. */
	backlog_free(&t->out);
	t->says = 0;
	vsock_say(t, SAY_RESET);
	vsock_watch(t);
}

/* ---- the host's socket -------------------------------------------------------------------- */

static uint32_t credit(const struct vsock_stream *t)
{
	uint32_t under_way = t->sent - t->peer_taken;

	return under_way >= t->peer_buffer ? 0 : t->peer_buffer - under_way;
}

void vsock_watch(struct vsock_stream *t)
{
	uint32_t wanted = 0;
	struct err ignored;

	if (t->fd < 0)
		return;
	if (t->state == VSOCK_GREETING || (t->state == VSOCK_LIVE && !t->host_sends_no_more &&
					   credit(t) && !(t->says & (SAY_DATA | SAY_RESET))))
		wanted |= EPOLLIN;
	if (backlog_len(&t->out))
		wanted |= EPOLLOUT;
	if (wanted == t->watched)
		return;
	/* Without an event it would still be woken for a hang-up, again and again. */
	if (!wanted)
		io_remove(t->vsock->io, t->fd);
	else if (t->watched)
		io_change(t->vsock->io, t->fd, wanted, &t->source);
	else if (io_add(t->vsock->io, t->fd, wanted, &t->source, &ignored) < 0)
		wanted = 0;
	t->watched = wanted;
}

/* The guest sends no more, and all of it is out: so the host's reader hears. */
static void pass_end(struct vsock_stream *t)
{
	if (backlog_len(&t->out))
		return;
	if (t->state == VSOCK_LAST) {
		vsock_drop(t);
		return;
	}
	if (t->guest_sends_no_more && t->guest_reads_no_more)
		refuse(t);
	else if (t->guest_sends_no_more)
		(void)shutdown(t->fd, SHUT_WR);
}

/* Nobody reads at the host any more. */
static void host_left(struct vsock_stream *t)
{
	t->host_gone = true;
	backlog_free(&t->out);
	if (t->state == VSOCK_LAST)
		vsock_drop(t);
	else
		refuse(t);
}

static void count_taken(struct vsock_stream *t, size_t len)
{
	t->taken += (uint32_t)len;
	if (t->state == VSOCK_LIVE && t->taken - t->taken_told >= VSOCK_BUFFER / 2)
		vsock_say(t, SAY_CREDIT);
}

static void write_out(struct vsock_stream *t)
{
	while (backlog_len(&t->out)) {
		ssize_t n = send(t->fd, backlog_head(&t->out), backlog_len(&t->out),
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			host_left(t);
			return;
		}
		backlog_take(&t->out, (size_t)n);
		count_taken(t, (size_t)n);
	}
	backlog_free(&t->out);
	pass_end(t);
}

static void host_ready(void *arg, uint32_t events)
{
	struct vsock_stream *t = arg;
	struct vsock *s = t->vsock;

	pthread_mutex_lock(&s->virtio.lock);
	/* The events may be of one that was dropped while they were on their way. */
	if (t->fd >= 0 && (events & (EPOLLOUT | EPOLLERR)) && backlog_len(&t->out))
		write_out(t);
	if (t->fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
		if (t->state == VSOCK_GREETING)
			vsock_greet(t);
		else if (t->state == VSOCK_LIVE && !t->host_sends_no_more)
			vsock_say(t, SAY_DATA);
	}
	vsock_pump(s);
	if (t->fd >= 0)
		vsock_watch(t);
	pthread_mutex_unlock(&s->virtio.lock);
}

struct vsock_stream *vsock_new(struct vsock *s, int fd, enum vsock_state state)
{
	for (unsigned int i = 0; i < VSOCK_STREAMS_MAX; i++) {
		struct vsock_stream *t = &s->streams[i];

		/* One that is among the ready is dropped from there first. */
		if (t->state != VSOCK_FREE || t->queued)
			continue;
		*t = (struct vsock_stream){ .vsock = s, .state = state, .fd = fd, .peer = -1 };
		t->source = (struct io_source){ .ready = host_ready, .arg = t };
		return t;
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

/* ---- what it says to the guest ------------------------------------------------------------- */

static size_t fill_data(struct vsock_stream *t, struct virtio_vsock_hdr *h, void *data, size_t room)
{
	uint32_t may = credit(t);
	ssize_t n;

	t->says &= ~(unsigned int)SAY_DATA;
	if (!may || !room || t->state != VSOCK_LIVE)
		return 0;
	n = recv(t->fd, data, room < may ? room : may, MSG_DONTWAIT);
	if (n > 0) {
		t->sent += (uint32_t)n;
		h->op = VIRTIO_VSOCK_OP_RW;
		/* There may be more: its neighbours have their turn before. */
		vsock_say(t, SAY_DATA);
		return (size_t)n;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	t->host_sends_no_more = true;
	t->shutdown_flags = n == 0 ? VIRTIO_VSOCK_SHUTDOWN_SEND : SHUT_BOTH;
	vsock_say(t, SAY_SHUTDOWN);
	return 0;
}

static uint16_t next_op(struct vsock_stream *t)
{
	static const struct {
		enum vsock_say say;
		uint16_t op;
	} ops[] = {
		{ SAY_RESET, VIRTIO_VSOCK_OP_RST },
		{ SAY_REQUEST, VIRTIO_VSOCK_OP_REQUEST },
		{ SAY_RESPONSE, VIRTIO_VSOCK_OP_RESPONSE },
		{ SAY_CREDIT, VIRTIO_VSOCK_OP_CREDIT_UPDATE },
		{ SAY_SHUTDOWN, VIRTIO_VSOCK_OP_SHUTDOWN },
	};

	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (t->says & ops[i].say) {
			t->says &= ~(unsigned int)ops[i].say;
			return ops[i].op;
		}
	return VIRTIO_VSOCK_OP_INVALID;
}

size_t vsock_fill(struct vsock_stream *t, struct virtio_vsock_hdr *h, void *data, size_t room)
{
	size_t len = 0;

	h->op = VIRTIO_VSOCK_OP_INVALID;
	if (t->state == VSOCK_FREE)
		return 0;
	h->src_port = t->host_port;
	h->dst_port = t->guest_port;
	h->op = next_op(t);
	if (h->op == VIRTIO_VSOCK_OP_INVALID && (t->says & SAY_DATA))
		len = fill_data(t, h, data, room);
	t->asked |= h->op == VIRTIO_VSOCK_OP_REQUEST;
	if (h->op == VIRTIO_VSOCK_OP_SHUTDOWN)
		h->flags = t->shutdown_flags;
	h->buf_alloc = VSOCK_BUFFER;
	h->fwd_cnt = t->taken_told = t->taken;
	if (h->op == VIRTIO_VSOCK_OP_RST) {
		vsock_drop(t);
		return 0;
	}
	if (t->says)
		vsock_say(t, 0);
	vsock_watch(t);
	return len;
}

/* ---- what the guest says to it ------------------------------------------------------------- */

static struct vsock_stream *find(struct vsock *s, const struct virtio_vsock_hdr *h)
{
	for (unsigned int i = 0; i < VSOCK_STREAMS_MAX; i++) {
		struct vsock_stream *t = &s->streams[i];

		if ((t->state == VSOCK_ASKED || t->state == VSOCK_LIVE) &&
		    t->host_port == h->dst_port && t->guest_port == h->src_port)
			return t;
	}
	return NULL;
}

static void called(struct vsock *s, const struct virtio_vsock_hdr *h)
{
	const struct vsock_port *given;
	int fd = vsock_call_host(s, h->dst_port, &given);
	struct vsock_stream *t = fd < 0 ? NULL : vsock_new(s, fd, VSOCK_LIVE);

	if (!t) {
		vsock_refuse(s, h);
		return;
	}
	t->peer = given ? given->peer : -1;
	t->host_port = h->dst_port;
	t->guest_port = h->src_port;
	t->peer_buffer = h->buf_alloc;
	t->peer_taken = h->fwd_cnt;
	vsock_say(t, SAY_RESPONSE);
	vsock_watch(t);
	vsock_ask_waiting(s);
}

static void answered(struct vsock_stream *t)
{
	char line[32];
	int n = snprintf(line, sizeof(line), "OK %u\n", t->host_port);

	t->state = VSOCK_LIVE;
	backlog_add(&t->out, line, (size_t)n);
	/* It is no byte of the guest's. */
	t->taken = (uint32_t)-n;
	t->taken_told = t->taken;
	write_out(t);
}

static void data_came(struct vsock_stream *t, const void *data, uint32_t len)
{
	if (len > VSOCK_BUFFER - backlog_len(&t->out) || t->guest_sends_no_more) {
		refuse(t);
		return;
	}
	backlog_add(&t->out, data, len);
	write_out(t);
}

static void shut(struct vsock_stream *t, uint32_t flags)
{
	t->guest_reads_no_more |= (flags & VIRTIO_VSOCK_SHUTDOWN_RCV) != 0;
	t->guest_sends_no_more |= (flags & VIRTIO_VSOCK_SHUTDOWN_SEND) != 0;
	/* So the host's writer hears, too. */
	if (t->guest_reads_no_more)
		(void)shutdown(t->fd, SHUT_RD);
	pass_end(t);
}

static void stream_packet(struct vsock_stream *t, const struct virtio_vsock_hdr *h,
			  const void *data)
{
	t->peer_buffer = h->buf_alloc;
	t->peer_taken = h->fwd_cnt;
	if (t->state == VSOCK_ASKED && h->op == VIRTIO_VSOCK_OP_RESPONSE) {
		answered(t);
	} else if (h->op == VIRTIO_VSOCK_OP_RST) {
		vsock_end(t);
	} else if (t->state != VSOCK_LIVE || t->says & SAY_RESET) {
		/* It is over already, or was never asked for. */
		refuse(t);
	} else if (h->op == VIRTIO_VSOCK_OP_SHUTDOWN) {
		shut(t, h->flags);
	} else if (h->op == VIRTIO_VSOCK_OP_RW) {
		data_came(t, data, h->len);
	} else if (h->op == VIRTIO_VSOCK_OP_CREDIT_REQUEST) {
		vsock_say(t, SAY_CREDIT);
	} else if (h->op != VIRTIO_VSOCK_OP_CREDIT_UPDATE) {
		refuse(t);
	}
	if (t->fd >= 0)
		vsock_watch(t);
}

void vsock_packet(struct vsock *s, const struct virtio_vsock_hdr *h, const void *data)
{
	struct vsock_stream *t = find(s, h);

	if (h->type != VIRTIO_VSOCK_TYPE_STREAM)
		vsock_refuse(s, h);
	else if (t)
		stream_packet(t, h, data);
	else if (h->op == VIRTIO_VSOCK_OP_REQUEST)
		called(s, h);
	else
		vsock_refuse(s, h);
}
