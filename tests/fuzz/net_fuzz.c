/*
 * A guest's network driver, which may do anything: its two rings and its packets' headers in memory, and what
 * comes from the other side meanwhile. What comes out is what a tap would get: held against the rules again.
 *
 * max: 4096
 */
#include "device.h"
#include "fuzz.h"

#include "base/str.h"
#include "microvm/virtio_net.h"

#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { RX, TX };

#define HEAD NET_HEADER_BYTES
#define TCP_BYTES 20

struct machine {
	struct virtio_net net;
	struct io io;
	int wire;
};

enum act { POKE, SERVE, PACKET, RESET, ACTS };

struct step {
	uint8_t act, which; /* queue; its upper bits: the header of a packet from outside */
	uint16_t offset;
	uint16_t len;
} __attribute__((packed));

static void machine_init(struct machine *m, uint64_t features)
{
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 1 };
	struct err err = { 0 };
	int ends[2];

	m->io = (struct io)IO_NONE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		fuzz_broken("make a wire");
	m->wire = ends[0];
	if (io_make(&m->io, &err) < 0 ||
	    virtio_net_init(&m->net, ends[1], mac, 0, &fuzz_memory, &m->io, &err) < 0 ||
	    virtio_net_listen(&m->net, &err) < 0)
		fuzz_broken("%s", err.text);
	m->net.virtio.interrupt = fuzz_no_interrupt;
	fuzz_driver(&m->net.virtio, features, TX + 1);
}

static void machine_free(struct machine *m)
{
	virtio_net_free(&m->net);
	io_free(&m->io);
	close(m->wire);
}

/* Is this something that a kernel may be given? */
static void check_packet(const struct machine *m, const uint8_t *bytes, size_t len)
{
	const uint64_t has = m->net.virtio.accepted;
	struct virtio_net_hdr_v1 h;

	if (len < HEAD + VIRTIO_NET_FRAME_MIN || len > HEAD + VIRTIO_NET_FRAME_MAX)
		fuzz_broken("a packet of %zu", len);
	memcpy(&h, bytes, HEAD);
	len -= HEAD;
	if (h.hdr_len > len || h.num_buffers)
		fuzz_broken("headers of %u in %zu", h.hdr_len, len);
	if (h.flags && (h.flags != VIRTIO_NET_HDR_F_NEEDS_CSUM || !(has >> VIRTIO_NET_F_CSUM & 1) ||
			(uint32_t)h.csum_start + h.csum_offset + 2U > len))
		fuzz_broken("a checksum at %u+%u of %zu", h.csum_start, h.csum_offset, len);
	if (h.gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return;
	if (!(h.gso_type == VIRTIO_NET_HDR_GSO_TCPV4 && has >> VIRTIO_NET_F_HOST_TSO4 & 1) &&
	    !(h.gso_type == VIRTIO_NET_HDR_GSO_TCPV6 && has >> VIRTIO_NET_F_HOST_TSO6 & 1))
		fuzz_broken("to be cut as %u", h.gso_type);
	if (!h.flags || !h.gso_size || (uint32_t)h.csum_start + TCP_BYTES > len)
		fuzz_broken("to be cut to %u, TCP at %u of %zu", h.gso_size, h.csum_start, len);
}

static void check(struct machine *m)
{
	static uint8_t got[HEAD + VIRTIO_NET_FRAME_MAX + 1];
	const struct virtio *v = &m->net.virtio;
	ssize_t len;

	while ((len = read(m->wire, got, sizeof(got))) > 0)
		check_packet(m, got, (size_t)len);
	if (v->offence && !(v->status & VIRTIO_CONFIG_S_NEEDS_RESET))
		fuzz_broken("\"%s\", and it goes on", v->offence);
	if (m->net.packet_bytes > sizeof(m->net.packet))
		fuzz_broken("a packet of %zu waits", m->net.packet_bytes);
	if (m->net.gone)
		fuzz_broken("the wire is gone");
}

static void packet_comes(struct machine *m, const struct step *s, const uint8_t *rest, size_t left)
{
	static uint8_t bytes[HEAD + VIRTIO_NET_FRAME_MAX];
	size_t len = s->len;

	memcpy(bytes, rest, left < sizeof(bytes) ? left : sizeof(bytes));
	/* Most are plain. */
	if (s->which & 0x80)
		memset(bytes, 0, HEAD);
	if (len)
		(void)!write(m->wire, bytes, len);
	m->net.source.ready(m->net.source.arg, EPOLLIN);
}

static size_t do_step(struct machine *m, const struct step *s, const uint8_t *rest, size_t left)
{
	struct virtio *v = &m->net.virtio;
	struct virtio_queue *q = &v->queues[s->which % 2];
	size_t len;

	switch ((enum act)(s->act % ACTS)) {
	case POKE:
		len = s->len % 256U < left ? s->len % 256U : left;
		memcpy(fuzz_memory.base + FUZZ_RING_GPA(0) + s->offset % 0x4000, rest, len);
		return len;
	case SERVE:
		q->source.ready(q->source.arg, 0);
		break;
	case PACKET:
		packet_comes(m, s, rest, left);
		break;
	default:
		virtio_set_status(v, 0);
		fuzz_driver(&m->net.virtio, (uint64_t)s->offset << 16 | s->len, TX + 1);
		break;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine m;
	struct step step;
	uint32_t features;

	if (size < sizeof(features))
		return -1;
	memcpy(&features, data, sizeof(features));
	data += sizeof(features), size -= sizeof(features);
	fuzz_memory_fresh();
	machine_init(&m, features);
	while (size >= sizeof(step)) {
		size_t used;

		memcpy(&step, data, sizeof(step));
		data += sizeof(step), size -= sizeof(step);
		used = do_step(&m, &step, data, size);
		data += used, size -= used;
		check(&m);
	}
	machine_free(&m);
	return 0;
}
