/* What is sent to a guest: into which of its buffers, and when not. */
#include "base/str.h"
#include "microvm/net_machine.h"

#include <linux/virtio_config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/epoll.h>

#include <cmocka.h>

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
