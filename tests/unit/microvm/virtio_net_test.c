/* What a guest sends, and what becomes of it. */
#include "base/str.h"
#include "microvm/net_machine.h"

#include <linux/virtio_config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet_of_the_guests_comes_out_as_it_is),
		cmocka_unit_test(test_header_of_the_guests_is_held_against_its_packet),
		cmocka_unit_test(test_packet_without_header_or_with_room_is_an_offence),
		cmocka_unit_test(test_wire_that_nobody_reads_keeps_nobody_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
