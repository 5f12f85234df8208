#include "microvm/net_machine.h"

#include <linux/virtio_config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cmocka.h>

void machine_free(struct machine *m)
{
	virtio_net_free(&m->net);
	io_free(&m->io);
	clean_fd(&m->wire);
	driver_free(&m->driver[RX]);
	driver_free(&m->driver[TX]);
}
static void interrupt(void *arg, uint16_t vector, bool config)
{
	struct machine *m = arg;

	(void)vector;
	m->config_changes += config;
}

void agree(struct machine *m, uint64_t features, bool event_idx)
{
	struct virtio *v = &m->net.virtio;

	v->accepted = 1ULL << VIRTIO_F_VERSION_1 | features;
	v->status = VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK;
	for (int i = RX; i <= TX; i++)
		v->queues[i].ring = driver_queue(&m->driver[i], false, event_idx);
}

void machine_init(struct machine *m, uint64_t features, bool event_idx)
{
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 7 };
	struct err err = { 0 };
	int ends[2];

	memset(m, 0, sizeof(*m));
	m->io = (struct io)IO_NONE;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
				    ends),
			 0);
	m->wire = ends[0];
	driver_init(&m->driver[RX]);
	driver_init(&m->driver[TX]);
	assert_int_equal(io_make(&m->io, &err), 0);
	assert_int_equal(virtio_net_init(&m->net, ends[1], mac, 1400, &m->driver[RX].memory, &m->io,
					 &err),
			 0);
	m->net.virtio.interrupt = interrupt;
	m->net.virtio.arg = m;
	assert_int_equal(virtio_net_listen(&m->net, &err), 0);
	agree(m, features, event_idx);
}

static char *at(struct driver *d, uint64_t gpa)
{
	return d->memory.base + gpa;
}

ssize_t transmit(struct machine *m, const struct virtio_net_hdr_v1 *h, uint32_t len)
{
	static uint8_t got[HEAD + VIRTIO_NET_FRAME_MAX + 1];
	struct driver *d = &m->driver[TX];
	struct virtio *v = &m->net.virtio;
	uint16_t used = d->used->idx;
	ssize_t n;

	memcpy(at(d, BUFFER(0)), h, HEAD);
	for (uint32_t i = 0; i < len; i++)
		*at(d, BUFFER(1) + i) = (char)(i * 7);
	driver_put(&d->table[0], BUFFER(0), HEAD, VRING_DESC_F_NEXT, 1);
	driver_put(&d->table[1], BUFFER(1), len, 0, 0);
	driver_offer(d, 0);
	v->ops->serve(v, TX);
	assert_int_equal(d->used->idx, (uint16_t)(used + 1));
	n = read(m->wire, got, sizeof(got));
	if (n > 0)
		assert_memory_equal(got + HEAD, at(d, BUFFER(1)), len);
	return n;
}

void offer(struct machine *m, uint16_t i, uint32_t len)
{
	driver_put(&m->driver[RX].table[i], BUFFER(i), len, VRING_DESC_F_WRITE, 0);
	driver_offer(&m->driver[RX], i);
}

void send_packet(struct machine *m, struct virtio_net_hdr_v1 h, size_t len)
{
	static uint8_t bytes[HEAD + VIRTIO_NET_FRAME_MAX];

	memcpy(bytes, &h, HEAD);
	for (size_t i = 0; i < len; i++)
		bytes[HEAD + i] = (uint8_t)(i * 13);
	assert_int_equal(write(m->wire, bytes, HEAD + len), HEAD + len);
}

void ready(struct machine *m)
{
	m->net.source.ready(m->net.source.arg, EPOLLIN);
}

void assert_got(struct machine *m, uint16_t first, uint16_t buffers, size_t len)
{
	struct driver *d = &m->driver[RX];
	struct virtio_net_hdr_v1 h;
	size_t done = 0;

	assert_int_equal(d->used->idx, (uint16_t)(first + buffers));
	for (uint16_t i = 0; i < buffers; i++) {
		struct vring_used_elem *e = &d->used->ring[(first + i) % DRIVER_SIZE];
		uint8_t *bytes = (uint8_t *)at(d, BUFFER(e->id));

		if (i == 0) {
			memcpy(&h, bytes, HEAD);
			assert_int_equal(h.num_buffers, buffers);
		}
		for (size_t j = i == 0 ? HEAD : 0; j < e->len; j++, done++)
			if (bytes[j] != (uint8_t)(done * 13))
				fail_msg("byte %zu of the packet", done);
	}
	assert_int_equal(done, len);
}
