/* The device: its queues, and packets to and from them. */
#include "microvm/virtio_vsock.h"

#include <errno.h>
#include <linux/virtio_ids.h>
#include <linux/vm_sockets.h>
#include <string.h>

enum { RX, TX, EVENTS, QUEUES };

#define QUEUE_SIZE 128
#define HEAD sizeof(struct virtio_vsock_hdr)
#define PACKET_MAX 65536

/* ---- to the guest ------------------------------------------------------------------------- */

static void packet_begin(struct vsock *s, struct virtio_vsock_hdr *h)
{
	*h = (struct virtio_vsock_hdr){ .src_cid = VMADDR_CID_HOST,
					.dst_cid = s->config.guest_cid,
					.type = VIRTIO_VSOCK_TYPE_STREAM };
}

void vsock_refuse(struct vsock *s, const struct virtio_vsock_hdr *h)
{
	struct virtio_vsock_hdr *r;

	/* No answer to an answer; and one that floods us gets none either. */
	if (h->op == VIRTIO_VSOCK_OP_RST || s->refused_count == VSOCK_REFUSED_MAX)
		return;
	r = &s->refused[s->refused_count++];
	packet_begin(s, r);
	r->src_port = h->dst_port;
	r->dst_port = h->src_port;
	r->type = h->type;
	r->op = VIRTIO_VSOCK_OP_RST;
}

void vsock_say(struct vsock_stream *t, enum vsock_say what)
{
	struct vsock *s = t->vsock;

	t->says |= what;
	if (t->queued)
		return;
	s->ready[(s->ready_first + s->ready_count++) % VSOCK_STREAMS_MAX] =
		(uint16_t)(t - s->streams);
	t->queued = true;
}

static struct vsock_stream *take_ready(struct vsock *s)
{
	struct vsock_stream *t = &s->streams[s->ready[s->ready_first]];

	s->ready_first = (s->ready_first + 1) % VSOCK_STREAMS_MAX;
	s->ready_count--;
	t->queued = false;
	return t;
}

/* One packet into this chain: false where there is none after all. */
static bool fill(struct vsock *s, const struct chain *c, uint32_t *ret_written)
{
	static _Thread_local uint8_t data[PACKET_MAX];
	struct virtio_vsock_hdr h;
	size_t room = c->writable_bytes - HEAD, len = 0;

	if (s->refused_count) {
		h = s->refused[--s->refused_count];
	} else {
		struct vsock_stream *t;

		do {
			if (!s->ready_count)
				return false;
			t = take_ready(s);
			packet_begin(s, &h);
			len = vsock_fill(t, &h, data, room < sizeof(data) ? room : sizeof(data));
		} while (h.op == VIRTIO_VSOCK_OP_INVALID);
	}
	h.len = (uint32_t)len;
	*ret_written = (uint32_t)(HEAD + len);
	return chain_write(c, 0, &h, HEAD) == HEAD && chain_write(c, HEAD, data, len) == len;
}

void vsock_pump(struct vsock *s)
{
	struct virtio *v = &s->virtio;
	struct chain c;

	if (!virtio_is_live(v, RX))
		return;
	while (s->refused_count || s->ready_count) {
		uint32_t written;

		if (!virtio_pop(v, RX, &c))
			break;
		if (c.readable || c.writable_bytes < HEAD) {
			virtio_offend(
				v,
				"a buffer for a packet has room for its header, and is for writing");
			return;
		}
		if (!fill(s, &c, &written)) {
			queue_unpop(&v->queues[RX].ring);
			break;
		}
		virtio_push(v, RX, &c, written);
	}
	/* New room is heard of by a ring only while something waits for it; what came meanwhile is seen here. */
	if (virtio_is_live(v, RX) && queue_arm(&v->queues[RX].ring) &&
	    (s->refused_count || s->ready_count))
		virtio_ring(v, RX);
}

/* ---- from the guest ------------------------------------------------------------------------ */

static int64_t packet_came(struct virtio *v, const struct chain *c, const char **ret_rule)
{
	struct vsock *s = (struct vsock *)v;
	static _Thread_local uint8_t data[PACKET_MAX];
	struct virtio_vsock_hdr h;

	if (chain_read(c, 0, &h, HEAD) != HEAD || c->count > c->readable) {
		*ret_rule = "a packet begins with its header, and is for reading";
		return -EPROTO;
	}
	if (h.len > sizeof(data) || chain_read(c, HEAD, data, h.len) != h.len) {
		*ret_rule = "a packet has as many bytes as it says, up to 64 KiB";
		return -EPROTO;
	}
	if (h.src_cid == s->config.guest_cid && h.dst_cid == VMADDR_CID_HOST)
		vsock_packet(s, &h, data);
	return 0;
}

static void serve(struct virtio *v, unsigned int queue)
{
	struct vsock *s = (struct vsock *)v;

	/* Of events we have none to tell. */
	if (queue == TX)
		virtio_serve(v, queue, packet_came);
	if (queue != EVENTS)
		vsock_pump(s);
}

/*
 * The driver is gone, and with it the guest's end of all streams. One that it was not asked for yet waits for the next
 * driver: each begins with a reset.
 */
static void reset(struct virtio *v)
{
	struct vsock *s = (struct vsock *)v;

	for (unsigned int i = 0; s->streams && i < VSOCK_STREAMS_MAX; i++) {
		struct vsock_stream *t = &s->streams[i];

		if (t->state == VSOCK_LIVE || (t->state == VSOCK_ASKED && t->asked))
			vsock_end(t);
	}
	s->refused_count = 0;
}

static const struct virtio_ops ops = { .name = "vsock",
				       .id = VIRTIO_ID_VSOCK,
				       .class = 0x028000,
				       .queues = QUEUES,
				       .queue_max = { QUEUE_SIZE, QUEUE_SIZE, 8 },
				       .serve = serve,
				       .reset = reset,
				       .save_held = vsock_save,
				       .load_more = vsock_load };

int virtio_vsock_init(struct vsock *s, const struct memory *memory, struct io *io, struct err *err)
{
	int rc = virtio_init(&s->virtio, &ops, memory, 0, err);

	s->io = io;
	s->virtio.config = &s->config;
	s->virtio.config_bytes = sizeof(s->config);
	s->streams = xcalloc(VSOCK_STREAMS_MAX, sizeof(*s->streams));
	for (unsigned int i = 0; i < VSOCK_STREAMS_MAX; i++)
		s->streams[i].fd = -1;
	return rc;
}

void virtio_vsock_free(struct vsock *s)
{
	for (unsigned int i = 0; s->streams && i < VSOCK_STREAMS_MAX; i++)
		vsock_drop(&s->streams[i]);
	free(s->streams);
	for (size_t i = 0; i < s->port_count; i++)
		drop_fd(&s->ports[i].fd);
	free(s->ports);
	if (s->made)
		unlink(s->path);
	drop_fd(&s->listen);
	free(s->path);
	virtio_free(&s->virtio);
	*s = (struct vsock){ .listen = -1 };
}
