/*
 * A guest's sockets: packets of every kind for a few ports, and what programs of the host's do with their ends
 * meanwhile; and streams of a snapshot. The device's thread is played here, its queues are not (virtio_queue has them).
 *
 * max: 2048
 */
#include "device.h"
#include "fuzz.h"

#include "base/str.h"
#include "microvm/virtio_vsock.h"

#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define GIVEN 3
#define LOAD 0xff /* as the first byte: the rest is a snapshot's */

struct step {
	uint8_t act, op, ports, flags;
	uint16_t len, room;
	uint32_t buffer, taken;
} __attribute__((packed));

enum act { PACKET, FILL, WRITE, READ, CLOSE, CALL, TURN, RESET, ACTS };

struct machine {
	struct memory memory;
	struct vsock vsock;
	struct io io;
	int ours[GIVEN];
};

static void machine_init(struct machine *m)
{
	struct vsock_port ports[GIVEN];
	struct vsock_options opt = { .listen = -1, .ports = ports, .port_count = GIVEN };
	struct err err = { 0 };

	memset(m, 0, sizeof(*m));
	for (unsigned int i = 0; i < GIVEN; i++) {
		int ends[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
			fuzz_broken("a pair of sockets");
		m->ours[i] = ends[0];
		ports[i] = (struct vsock_port){ .port = i, .fd = ends[1], .peer = ends[0] };
	}
	fuzz_check(io_make(&m->io, &err), &err);
	fuzz_check(virtio_vsock_open(&m->vsock, &opt, &err), &err);
	fuzz_check(virtio_vsock_init(&m->vsock, &m->memory, &m->io, &err), &err);
	m->vsock.virtio.interrupt = fuzz_no_interrupt;
}

static void machine_free(struct machine *m)
{
	virtio_vsock_free(&m->vsock);
	io_free(&m->io);
	for (unsigned int i = 0; i < GIVEN; i++)
		drop_fd(&m->ours[i]);
}

static void check(const struct vsock *s)
{
	unsigned int queued = 0;

	for (unsigned int i = 0; i < VSOCK_STREAMS_MAX; i++) {
		const struct vsock_stream *t = &s->streams[i];

		queued += t->queued;
		if (t->state == VSOCK_FREE && (t->fd >= 0 || t->out.bytes.text))
			fuzz_broken("a stream that is over has a socket");
		if (backlog_len(&t->out) > VSOCK_BUFFER + 32 ||
		    t->out.bytes.len > 2 * VSOCK_BUFFER + 64)
			fuzz_broken("%zu bytes are kept for a reader", backlog_len(&t->out));
	}
	if (queued != s->ready_count || s->refused_count > VSOCK_REFUSED_MAX)
		fuzz_broken("%u are ready, of %u", s->ready_count, queued);
}

/* What the guest would get, into memory of exactly that size. */
static void fill(struct vsock *s, size_t room)
{
	struct virtio_vsock_hdr h = { 0 };
	struct vsock_stream *t;
	uint8_t *data;

	if (!s->ready_count)
		return;
	t = &s->streams[s->ready[s->ready_first]];
	s->ready_first = (s->ready_first + 1) % VSOCK_STREAMS_MAX;
	s->ready_count--;
	t->queued = false;
	data = xcalloc(1, room + 1);
	if (vsock_fill(t, &h, data, room) > room)
		fuzz_broken("more than there is room for");
	free(data);
}

static void turn(struct machine *m)
{
	struct epoll_event e;

	for (int i = 0; i < 8 && epoll_wait(m->io.epoll, &e, 1, 0) == 1 && e.data.ptr; i++) {
		const struct io_source *source = e.data.ptr;

		source->ready(source->arg, e.events);
	}
}

static void packet(struct vsock *s, const struct step *p, const uint8_t *bytes)
{
	struct virtio_vsock_hdr h = { .src_cid = VSOCK_CID,
				      .dst_cid = VMADDR_CID_HOST,
				      .src_port = p->ports >> 4,
				      .dst_port = p->ports & 15,
				      .type = p->flags & 0x80 ? p->flags : VIRTIO_VSOCK_TYPE_STREAM,
				      .op = p->op,
				      .flags = p->flags & 3,
				      .len = p->len,
				      .buf_alloc = p->buffer,
				      .fwd_cnt = p->taken };
	uint8_t *data = xcalloc(1, p->len + 1U);

	memcpy(data, bytes, p->len);
	/* Those that the host has asked for have numbers of their own. */
	if (h.dst_port > 7)
		h.dst_port = (1U << 30) + h.dst_port - 8;
	vsock_packet(s, &h, data);
	free(data);
}

/* As if somebody had connected to the listening socket. */
static void call(struct machine *m, unsigned int which, const uint8_t *line, size_t len)
{
	struct vsock_stream *t;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return;
	(void)!write(ends[0], line, len);
	drop_fd(&m->ours[which]);
	m->ours[which] = ends[0];
	t = vsock_new(&m->vsock, ends[1], VSOCK_GREETING);
	if (t)
		vsock_watch(t);
}

static void do_step(struct machine *m, const struct step *p, const uint8_t *bytes)
{
	unsigned int which = p->ports % GIVEN;
	char sink[4096];

	switch ((enum act)(p->act % ACTS)) {
	case PACKET:
		packet(&m->vsock, p, bytes);
		break;
	case FILL:
		fill(&m->vsock, p->room);
		break;
	case WRITE:
		(void)!send(m->ours[which], bytes, p->len, MSG_NOSIGNAL);
		break;
	case READ:
		(void)!recv(m->ours[which], sink, sizeof(sink), 0);
		break;
	case CLOSE:
		if (p->flags & 1)
			(void)shutdown(m->ours[which], p->flags >> 1 & 1);
		else
			drop_fd(&m->ours[which]);
		break;
	case CALL:
		call(m, which, bytes, p->len);
		break;
	case TURN:
		turn(m);
		break;
	default:
		m->vsock.virtio.ops->reset(&m->vsock.virtio);
	}
}

/* Streams of a snapshot that somebody has made. */
static void load(struct machine *m, const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	int rc = vsock_load(&m->vsock.virtio, (const char *)data, size, &err);

	fuzz_check(rc, &err);
	check(&m->vsock);
	for (int i = 0; rc == 0 && i < 8; i++) {
		turn(m);
		fill(&m->vsock, 64);
		check(&m->vsock);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct machine m;
	struct step p;

	machine_init(&m);
	if (size && data[0] == LOAD) {
		load(&m, data + 1, size - 1);
		size = 0;
	}
	while (size >= sizeof(p)) {
		memcpy(&p, data, sizeof(p));
		data += sizeof(p), size -= sizeof(p);
		if (p.len > size)
			p.len = (uint16_t)size;
		do_step(&m, &p, data);
		check(&m.vsock);
		if (p.act % ACTS == PACKET || p.act % ACTS == WRITE || p.act % ACTS == CALL)
			data += p.len, size -= p.len;
	}
	machine_free(&m);
	return 0;
}
