#include "microvm/virtio_net.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

enum { RX = VIRTIO_NET_RX, TX = VIRTIO_NET_TX, QUEUES };

#define QUEUE_SIZE 256
#define HEAD NET_HEADER_BYTES
#define TCP_BYTES 20
#define TCP_CHECKSUM 16 /* where it is in TCP's header */

typedef struct virtio_net_hdr_v1 head_t;

_Static_assert(sizeof(head_t) == HEAD, "with num_buffers");
_Static_assert(sizeof(((struct virtio_net *)0)->config) ==
		       offsetof(struct virtio_net_config, speed),
	       "as far as the MTU");

static bool accepted(const struct virtio_net *n, unsigned int feature)
{
	return n->virtio.accepted >> feature & 1;
}

/* ---- from the guest -------------------------------------------------------------------- */

/*
 * What a header says of the packet behind it is the guest's word, and the host's kernel is to cut the packet up
 * and fill in checksums by it: nothing that was not offered, nothing outside of the packet.
 */
static bool is_sound(const struct virtio_net *n, const head_t *h, size_t len)
{
	if (len < VIRTIO_NET_FRAME_MIN || len > VIRTIO_NET_FRAME_MAX || h->hdr_len > len)
		return false;
	if (h->flags & ~VIRTIO_NET_HDR_F_NEEDS_CSUM)
		return false;
	if (h->flags && (!accepted(n, VIRTIO_NET_F_CSUM) ||
			 (size_t)h->csum_start + h->csum_offset + sizeof(uint16_t) > len))
		return false;
	switch (h->gso_type) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		if (!accepted(n, VIRTIO_NET_F_HOST_TSO4))
			return false;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		if (!accepted(n, VIRTIO_NET_F_HOST_TSO6))
			return false;
		break;
	default:
		return false;
	}
	/* Each piece gets a checksum, so there is one, of TCP, whose header is in the packet. */
	return h->flags && h->gso_size && h->csum_start >= VIRTIO_NET_FRAME_MIN &&
	       h->csum_offset == TCP_CHECKSUM && (size_t)h->csum_start + TCP_BYTES <= len;
}

static int64_t transmit(struct virtio *v, const struct chain *c, const char **ret_rule)
{
	const struct virtio_net *n = (struct virtio_net *)v;
	struct iovec pieces[1 + QUEUE_SIZE_MAX];
	head_t h;

	if (chain_read(c, 0, &h, HEAD) != HEAD || c->count > c->readable) {
		*ret_rule = "a packet to send begins with its header, and is for reading";
		return -EPROTO;
	}
	h.num_buffers = 0;
	/* A network may lose what it likes; this one what is unsound, and what the tap doesn't take. */
	if (is_sound(n, &h, c->readable_bytes - HEAD)) {
		size_t count = chain_slice(c, false, HEAD, c->readable_bytes - HEAD, pieces + 1);

		pieces[0] = (struct iovec){ .iov_base = &h, .iov_len = HEAD };
		(void)!writev(n->tap, pieces, (int)count + 1);
	}
	return 0;
}

/* ---- to the guest ---------------------------------------------------------------------- */

static void watch(struct virtio_net *n, uint32_t events)
{
	if (n->watched == events || n->gone)
		return;
	n->watched = events;
	io_change(n->io, n->tap, events, &n->source);
}

/* Somebody has removed the interface: the cable is out. */
static void tap_gone(struct virtio_net *n)
{
	/* Watched for nothing it would still call for its errors. */
	io_remove(n->io, n->tap);
	n->gone = true;
	n->config.status = 0;
	virtio_config_changed(&n->virtio);
}

/* Before the driver's last reset other things may have been agreed on. */
static bool is_welcome(const struct virtio_net *n, const head_t *h)
{
	if ((h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) && !accepted(n, VIRTIO_NET_F_GUEST_CSUM))
		return false;
	switch (h->gso_type) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return accepted(n, VIRTIO_NET_F_GUEST_TSO4);
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return accepted(n, VIRTIO_NET_F_GUEST_TSO6);
	default:
		return false;
	}
}

/* The tap's next packet: false where there is none. */
static bool fetch(struct virtio_net *n)
{
	while (!n->packet_bytes && !n->gone) {
		ssize_t len = read(n->tap, n->packet, sizeof(n->packet));

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN)
			return false;
		if (len <= 0)
			tap_gone(n);
		/* One that fills all of it may have been cut. */
		else if (len > HEAD && len < (ssize_t)sizeof(n->packet) &&
			 is_welcome(n, (const head_t *)n->packet))
			n->packet_bytes = (size_t)len;
	}
	return n->packet_bytes;
}

/*
 * Put the packet into the guest's next buffers, one or, where the driver can join them, several. False: there are
 * too few, so many, and they stay where they are; or it was an offence.
 */
static bool deliver(struct virtio_net *n, uint16_t *ret_there)
{
	struct virtio *v = &n->virtio;
	struct queue *q = &v->queues[RX].ring;
	uint16_t most = accepted(n, VIRTIO_NET_F_MRG_RXBUF) ? q->size : 1, count = 0;
	struct vring_used_elem used[QUEUE_SIZE];
	struct chain chains[2]; /* the first, whose header is written again, and the others */
	size_t done = 0;

	while (done < n->packet_bytes && count < most) {
		struct chain *c = &chains[count > 0];
		size_t left = n->packet_bytes - done;

		if (!virtio_pop(v, RX, c))
			break;
		if (c->readable || c->writable_bytes < HEAD) {
			virtio_offend(v, "a buffer for a packet has room for its header, and is "
					 "for writing");
			return false;
		}
		left = chain_write(c, 0, n->packet + done,
				   left < c->writable_bytes ? left : c->writable_bytes);
		used[count++] = (struct vring_used_elem){ .id = c->head, .len = (uint32_t)left };
		done += left;
	}
	if (done == n->packet_bytes) {
		if (chain_write(&chains[0], offsetof(head_t, num_buffers), &count, sizeof(count)) ==
		    sizeof(count))
			virtio_push_many(v, RX, used, count);
		virtio_limit_take(v, RX, done);
		n->packet_bytes = 0;
		return true;
	}
	for (uint16_t i = 0; i < count; i++)
		queue_unpop(q);
	*ret_there = count;
	/* All that the driver can ever give is too small for it. */
	if (count == most)
		n->packet_bytes = 0;
	return count == most;
}

/* As much as there is for the guest, as far as it has room. */
static void receive(struct virtio_net *n)
{
	struct virtio *v = &n->virtio;
	struct queue *q = &v->queues[RX].ring;
	unsigned int left = QUEUE_SIZE;

	queue_disarm(q);
	while (left && virtio_is_live(v, RX)) {
		uint16_t there = 0;

		if (!n->packet_bytes && !virtio_limit_passes(v, RX)) {
			watch(n, 0);
			return;
		}
		if (!fetch(n)) {
			watch(n, EPOLLIN);
			return;
		}
		if (deliver(n, &there)) {
			left--;
			continue;
		}
		/* The rest waits in the tap, which drops what is too much. */
		watch(n, 0);
		if (!virtio_is_live(v, RX) || !queue_arm_behind(q, there))
			return;
	}
	/* The other direction has its turn. */
	if (!left)
		virtio_ring(v, RX);
}

static void tap_ready(void *arg, uint32_t events)
{
	struct virtio_net *n = arg;

	pthread_mutex_lock(&n->virtio.lock);
	if ((events & (EPOLLERR | EPOLLHUP)) && !n->gone)
		tap_gone(n);
	else if (virtio_is_live(&n->virtio, RX))
		receive(n);
	else
		watch(n, 0);
	pthread_mutex_unlock(&n->virtio.lock);
}

/* ---- the device ------------------------------------------------------------------------ */

static void serve(struct virtio *v, unsigned int queue)
{
	if (queue == TX)
		virtio_serve(v, TX, transmit);
	else
		receive((struct virtio_net *)v);
}

/* What the guest does itself the host's kernel needn't do for it. */
static void begin(struct virtio *v)
{
	struct virtio_net *n = (struct virtio_net *)v;
	unsigned long offload = 0;

	if (accepted(n, VIRTIO_NET_F_GUEST_CSUM)) {
		offload |= TUN_F_CSUM;
		if (accepted(n, VIRTIO_NET_F_GUEST_TSO4))
			offload |= TUN_F_TSO4;
		if (accepted(n, VIRTIO_NET_F_GUEST_TSO6))
			offload |= TUN_F_TSO6;
	}
	/* Where it fails, the host's kernel goes on doing it. */
	(void)ioctl(n->tap, TUNSETOFFLOAD, offload);
}

static void reset(struct virtio *v)
{
	struct virtio_net *n = (struct virtio_net *)v;

	n->packet_bytes = 0;
	watch(n, 0);
}

static const struct virtio_ops ops = {
	.name = "net",
	.id = VIRTIO_ID_NET,
	.class = 0x020000,
	.features = 1ULL << VIRTIO_NET_F_MAC | 1ULL << VIRTIO_NET_F_STATUS |
		    1ULL << VIRTIO_NET_F_CSUM | 1ULL << VIRTIO_NET_F_GUEST_CSUM |
		    1ULL << VIRTIO_NET_F_HOST_TSO4 | 1ULL << VIRTIO_NET_F_HOST_TSO6 |
		    1ULL << VIRTIO_NET_F_GUEST_TSO4 | 1ULL << VIRTIO_NET_F_GUEST_TSO6 |
		    1ULL << VIRTIO_NET_F_MRG_RXBUF,
	.queues = QUEUES,
	.queue_max = { QUEUE_SIZE, QUEUE_SIZE },
	.serve = serve,
	.begin = begin,
	.reset = reset,
};

int virtio_net_init(struct virtio_net *n, int tap, const uint8_t mac[NET_MAC_BYTES], uint16_t mtu,
		    const struct memory *memory, struct io *io, struct err *err)
{
	int rc = virtio_init(&n->virtio, &ops, memory, mtu ? 1ULL << VIRTIO_NET_F_MTU : 0, err);

	n->io = io;
	n->tap = tap;
	n->source = (struct io_source){ .ready = tap_ready, .arg = n };
	n->watched = 0;
	n->gone = false;
	n->packet_bytes = 0;
	memcpy(n->config.mac, mac, NET_MAC_BYTES);
	n->config.status = VIRTIO_NET_S_LINK_UP;
	n->config.pairs = 1;
	n->config.mtu = mtu;
	n->virtio.config = &n->config;
	n->virtio.config_bytes = sizeof(n->config);
	return rc;
}

int virtio_net_listen(struct virtio_net *n, struct err *err)
{
	return io_add(n->io, n->tap, 0, &n->source, err);
}

void virtio_net_free(struct virtio_net *n)
{
	clean_fd(&n->tap);
	n->tap = -1;
	virtio_free(&n->virtio);
}
