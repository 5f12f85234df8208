/* Packets between a driver, which is a test, and the other end of what stands where the tap is. */
#include "base/str.h"
#include "microvm/driver.h"
#include "microvm/virtio_net.h"

#include <fcntl.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { RX, TX };

#define HEAD sizeof(struct virtio_net_hdr_v1)
#define F(name) (1ULL << VIRTIO_NET_F_##name)
#define ALL                                                                                      \
	(F(CSUM) | F(GUEST_CSUM) | F(HOST_TSO4) | F(HOST_TSO6) | F(GUEST_TSO4) | F(GUEST_TSO6) | \
	 F(MRG_RXBUF))
#define BUFFER(i) (DRIVER_BUFFER_GPA + (uint64_t)(i)*0x20000)
#define CSUM VIRTIO_NET_HDR_F_NEEDS_CSUM
#define TCP4 VIRTIO_NET_HDR_GSO_TCPV4
#define TCP6 VIRTIO_NET_HDR_GSO_TCPV6
#define SAYS(f, type, head, size, start, at)                                             \
	{                                                                                \
		.flags = (f), .gso_type = (type), .hdr_len = (head), .gso_size = (size), \
		.csum_start = (start), .csum_offset = (at)                               \
	}

struct machine {
	struct driver driver[2];
	struct virtio_net net;
	struct io io;
	int wire; /* the other end */
	unsigned int config_changes;
};

static void machine_free(struct machine *m)
{
	virtio_net_free(&m->net);
	io_free(&m->io);
	clean_fd(&m->wire);
	driver_free(&m->driver[RX]);
	driver_free(&m->driver[TX]);
}
CLEAN_DEFINE(machine, struct machine, machine_free)

static void interrupt(void *arg, uint16_t vector, bool config)
{
	struct machine *m = arg;

	(void)vector;
	m->config_changes += config;
}

/* The driver has begun, with these features. */
static void agree(struct machine *m, uint64_t features, bool event_idx)
{
	struct virtio *v = &m->net.virtio;

	v->accepted = 1ULL << VIRTIO_F_VERSION_1 | features;
	v->status = VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK;
	for (int i = RX; i <= TX; i++)
		v->queues[i].ring = driver_queue(&m->driver[i], false, event_idx);
}

static void machine_init(struct machine *m, uint64_t features, bool event_idx)
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

/* ---- from the guest -------------------------------------------------------------------- */

/* Header and packet in a descriptor each: how many bytes come out at the other end; -1: none. */
static ssize_t transmit(struct machine *m, const struct virtio_net_hdr_v1 *h, uint32_t len)
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

static void test_packet_of_the_guests_comes_out_as_it_is(void **state)
{
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m, ALL, false);
	assert_int_equal(transmit(&m, &(struct virtio_net_hdr_v1){ 0 }, 1000), HEAD + 1000);
	assert_int_equal(transmit(&m, &(struct virtio_net_hdr_v1){ 0 }, 14), HEAD + 14);
	assert_int_equal(m.net.config.status, VIRTIO_NET_S_LINK_UP);
}

static void test_header_of_the_guests_is_held_against_its_packet(void **state)
{
	static const struct {
		struct virtio_net_hdr_v1 h;
		uint32_t len;
		uint64_t without; /* features */
		bool passes;
	} cases[] = {
		{ { 0 }, 13 },
		{ { 0 }, 14, .passes = true },
		{ { .num_buffers = 77 }, 60, .passes = true },
		{ { .hdr_len = 60 }, 60, .passes = true },
		{ { .hdr_len = 61 }, 60 },
		{ { .flags = 2 }, 60 },
		{ { .flags = 0x80 | CSUM }, 60 },
		{ { .flags = CSUM, .csum_start = 34, .csum_offset = 16 }, 52, .passes = true },
		{ { .flags = CSUM, .csum_start = 34, .csum_offset = 16 }, 51 },
		{ { .flags = CSUM, .csum_start = 34, .csum_offset = 16 }, 60, F(CSUM) },
		{ { .flags = CSUM, .csum_start = 0xffff, .csum_offset = 16 }, 60 },
		{ { .flags = CSUM, .csum_start = 34, .csum_offset = 0xffff }, 60 },
		{ { .flags = CSUM, .csum_start = 0xffff, .csum_offset = 0xffff }, 60 },
		{ SAYS(CSUM, TCP4, 54, 1400, 34, 16), 20000, .passes = true },
		{ SAYS(CSUM, TCP6, 74, 1400, 54, 16), 20000, .passes = true },
		{ SAYS(CSUM, TCP4, 54, 1400, 34, 16), 20000, F(HOST_TSO4) },
		{ SAYS(CSUM, TCP6, 74, 1400, 54, 16), 20000, F(HOST_TSO6) },
		{ SAYS(CSUM, TCP4, 54, 0, 34, 16), 20000 },
		{ SAYS(CSUM, TCP4, 54, 1400, 34, 6), 20000 },
		{ SAYS(CSUM, TCP4, 54, 1400, 13, 16), 20000 },
		{ SAYS(CSUM, TCP4, 54, 1400, 34, 16), 54, .passes = true },
		{ SAYS(CSUM, TCP4, 50, 1400, 34, 16), 53 },
		{ SAYS(0, TCP4, 54, 1400, 34, 16), 20000 },
		{ SAYS(CSUM, TCP4 | VIRTIO_NET_HDR_GSO_ECN, 54, 1400, 34, 16), 20000 },
		{ SAYS(CSUM, VIRTIO_NET_HDR_GSO_UDP, 54, 1400, 34, 16), 20000 },
		{ SAYS(CSUM, 0x7f, 54, 1400, 34, 16), 20000 },
		{ { 0 }, VIRTIO_NET_FRAME_MAX, .passes = true },
		{ { 0 }, VIRTIO_NET_FRAME_MAX + 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(machine) struct machine m;

		machine_init(&m, ALL & ~cases[i].without, false);
		assert_int_equal(transmit(&m, &cases[i].h, cases[i].len),
				 cases[i].passes ? (ssize_t)(HEAD + cases[i].len) : -1);
		/* Lost, but no offence. */
		assert_null(m.net.virtio.offence);
	}
}

static void test_packet_without_header_or_with_room_is_an_offence(void **state)
{
	static const struct {
		uint32_t len;
		uint16_t flags;
	} cases[] = { { HEAD - 1, 0 }, { HEAD, VRING_DESC_F_WRITE }, { 0, 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(machine) struct machine m;

		machine_init(&m, ALL, false);
		driver_put(&m.driver[TX].table[0], BUFFER(0), cases[i].len, cases[i].flags, 0);
		driver_offer(&m.driver[TX], 0);
		m.net.virtio.ops->serve(&m.net.virtio, TX);
		assert_string_equal(m.net.virtio.offence,
				    "a packet to send begins with its header, and is for reading");
		assert_int_equal(m.driver[TX].used->idx, 0);
	}
}

static void test_wire_that_nobody_reads_keeps_nobody_waiting(void **state)
{
	CLEAN(machine) struct machine m;
	struct driver *d = &m.driver[TX];

	(void)state;
	machine_init(&m, ALL, false);
	driver_put(&d->table[0], BUFFER(0), HEAD + 1500, 0, 0);
	for (int i = 0; i < 5000; i++) {
		driver_offer(d, 0);
		m.net.virtio.ops->serve(&m.net.virtio, TX);
		assert_int_equal(d->used->idx, d->avail->idx);
	}
}

/* ---- to the guest ---------------------------------------------------------------------- */

static void offer(struct machine *m, uint16_t i, uint32_t len)
{
	driver_put(&m->driver[RX].table[i], BUFFER(i), len, VRING_DESC_F_WRITE, 0);
	driver_offer(&m->driver[RX], i);
}

static void send_packet(struct machine *m, struct virtio_net_hdr_v1 h, size_t len)
{
	static uint8_t bytes[HEAD + VIRTIO_NET_FRAME_MAX];

	memcpy(bytes, &h, HEAD);
	for (size_t i = 0; i < len; i++)
		bytes[HEAD + i] = (uint8_t)(i * 13);
	assert_int_equal(write(m->wire, bytes, HEAD + len), HEAD + len);
}

/* What the thread does when the tap has something. */
static void ready(struct machine *m)
{
	m->net.source.ready(m->net.source.arg, EPOLLIN);
}

/* The packet of that length is in these buffers, as used from `first` on; the first has the header. */
static void assert_got(struct machine *m, uint16_t first, uint16_t buffers, size_t len)
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

static void test_packet_of_the_hosts_goes_into_the_next_buffer(void **state)
{
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m, 0, false);
	offer(&m, 0, 2000);
	offer(&m, 1, 2000);
	send_packet(&m, (struct virtio_net_hdr_v1){ .num_buffers = 99 }, 1000);
	ready(&m);
	assert_got(&m, 0, 1, 1000);
	assert_int_equal(m.net.watched, EPOLLIN);
	send_packet(&m, (struct virtio_net_hdr_v1){ 0 }, 60);
	ready(&m);
	assert_got(&m, 1, 1, 60);
}

static void test_buffers_are_joined(void **state)
{
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m, ALL, false);
	for (uint16_t i = 0; i < 4; i++)
		offer(&m, i, 1536);
	send_packet(&m, (struct virtio_net_hdr_v1)SAYS(CSUM, TCP4, 54, 1400, 34, 16), 4000);
	ready(&m);
	assert_got(&m, 0, 3, 4000);
	send_packet(&m, (struct virtio_net_hdr_v1){ 0 }, 1536 - HEAD);
	ready(&m);
	assert_got(&m, 3, 1, 1536 - HEAD);
}

static void test_packet_waits_for_enough_buffers(void **state)
{
	CLEAN(machine) struct machine m;
	struct driver *d = &m.driver[RX];

	(void)state;
	machine_init(&m, ALL, true);
	offer(&m, 0, 1536);
	offer(&m, 1, 1536);
	send_packet(&m, (struct virtio_net_hdr_v1){ 0 }, 4000);
	send_packet(&m, (struct virtio_net_hdr_v1){ 0 }, 100);
	ready(&m);
	assert_int_equal(d->used->idx, 0);
	/* The rest is left in the tap, and the driver rings for the third, not for one of the two. */
	assert_int_equal(m.net.watched, 0);
	assert_int_equal(d->used->ring[DRIVER_SIZE].id & 0xffff, 2);
	offer(&m, 2, 1536);
	offer(&m, 3, 1536);
	m.net.virtio.ops->serve(&m.net.virtio, RX);
	assert_int_equal(m.net.watched, EPOLLIN);
	assert_int_equal(d->used->idx, 4);
	assert_int_equal(d->used->ring[3].id, 3);
	assert_int_equal(d->used->ring[3].len, HEAD + 100);
}

static void test_packet_that_can_never_fit_is_lost(void **state)
{
	CLEAN(machine) struct machine one, many;

	(void)state;
	machine_init(&one, 0, false);
	offer(&one, 0, 1000);
	send_packet(&one, (struct virtio_net_hdr_v1){ 0 }, 1000);
	send_packet(&one, (struct virtio_net_hdr_v1){ 0 }, 900);
	ready(&one);
	assert_got(&one, 0, 1, 900);
	machine_init(&many, ALL, false);
	for (uint16_t i = 0; i < DRIVER_SIZE; i++)
		offer(&many, i, 100);
	send_packet(&many, (struct virtio_net_hdr_v1){ 0 }, 1000);
	send_packet(&many, (struct virtio_net_hdr_v1){ 0 }, 700);
	ready(&many);
	assert_got(&many, 0, 8, 700);
}

static void test_what_was_not_agreed_on_is_lost(void **state)
{
	static const struct virtio_net_hdr_v1 heads[] = {
		SAYS(CSUM, VIRTIO_NET_HDR_GSO_NONE, 0, 0, 34, 16),
		SAYS(0, TCP4, 54, 1400, 34, 16),
		SAYS(0, TCP6, 54, 1400, 34, 16),
		SAYS(0, VIRTIO_NET_HDR_GSO_UDP, 54, 1400, 34, 16),
	};
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m, 0, false);
	offer(&m, 0, 2000);
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		send_packet(&m, heads[i], 1000);
	ready(&m);
	assert_int_equal(m.driver[RX].used->idx, 0);
	send_packet(&m, (struct virtio_net_hdr_v1){ 0 }, 70);
	ready(&m);
	assert_got(&m, 0, 1, 70);
}

static void test_buffer_without_room_for_a_header_is_an_offence(void **state)
{
	static const struct {
		uint32_t first, second;
		uint16_t flags;
	} cases[] = { { HEAD - 1, 1536, VRING_DESC_F_WRITE },
		      { 1536, HEAD - 1, VRING_DESC_F_WRITE },
		      { 1536, 1536, 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(machine) struct machine m;

		machine_init(&m, ALL, false);
		offer(&m, 0, cases[i].first);
		offer(&m, 1, cases[i].second);
		m.driver[RX].table[1].flags = cases[i].flags;
		send_packet(&m, (struct virtio_net_hdr_v1){ 0 }, 2000);
		ready(&m);
		assert_string_equal(
			m.net.virtio.offence,
			"a buffer for a packet has room for its header, and is for writing");
		assert_int_equal(m.driver[RX].used->idx, 0);
	}
}

static void test_driver_that_is_away_gets_nothing_old(void **state)
{
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m, ALL, false);
	send_packet(&m, (struct virtio_net_hdr_v1){ 0 }, 1000);
	ready(&m);
	assert_int_not_equal(m.net.packet_bytes, 0);
	virtio_set_status(&m.net.virtio, 0);
	assert_int_equal(m.net.packet_bytes, 0);
	send_packet(&m, (struct virtio_net_hdr_v1){ 0 }, 500);
	/* Not a word of it before the driver has begun again. */
	ready(&m);
	assert_int_equal(m.net.watched, 0);
	agree(&m, ALL, false);
	offer(&m, 0, 1536);
	m.net.virtio.ops->serve(&m.net.virtio, RX);
	assert_got(&m, 0, 1, 500);
}

static void test_tap_that_is_gone_is_a_cable_out(void **state)
{
	CLEAN(machine) struct machine m;
	struct epoll_event e;

	(void)state;
	machine_init(&m, ALL, false);
	close(m.wire);
	m.wire = -1;
	assert_int_equal(epoll_wait(m.io.epoll, &e, 1, 0), 1);
	m.net.source.ready(m.net.source.arg, e.events);
	assert_int_equal(m.net.config.status, 0);
	assert_int_equal(m.config_changes, 1);
	/* Nobody is called for it any more. */
	assert_int_equal(epoll_wait(m.io.epoll, &e, 1, 0), 0);
	m.net.virtio.ops->serve(&m.net.virtio, RX);
	assert_int_equal(m.config_changes, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet_of_the_guests_comes_out_as_it_is),
		cmocka_unit_test(test_header_of_the_guests_is_held_against_its_packet),
		cmocka_unit_test(test_packet_without_header_or_with_room_is_an_offence),
		cmocka_unit_test(test_wire_that_nobody_reads_keeps_nobody_waiting),
		cmocka_unit_test(test_packet_of_the_hosts_goes_into_the_next_buffer),
		cmocka_unit_test(test_buffers_are_joined),
		cmocka_unit_test(test_packet_waits_for_enough_buffers),
		cmocka_unit_test(test_packet_that_can_never_fit_is_lost),
		cmocka_unit_test(test_what_was_not_agreed_on_is_lost),
		cmocka_unit_test(test_buffer_without_room_for_a_header_is_an_offence),
		cmocka_unit_test(test_driver_that_is_away_gets_nothing_old),
		cmocka_unit_test(test_tap_that_is_gone_is_a_cable_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
