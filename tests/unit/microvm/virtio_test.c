/* What a driver may and may not: features, status, queues, requests. The device is the simplest. */
#include "base/str.h"
#include "microvm/guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_features_and_status(void **state)
{
	static const struct {
		uint64_t accepted;
		uint8_t writes[4], status;
	} cases[] = {
		{ 1ULL << 32, { ACK, ACK | FEATURES }, ACK | FEATURES },
		{ 1ULL << 32, { ACK, FEATURES, READY }, ACK | FEATURES | READY }, /* only adds up */
		{ 0, { ACK, ACK | FEATURES }, ACK },
		{ 1ULL << 28, { ACK, ACK | FEATURES }, ACK },
		{ 1ULL << 32 | 1, { ACK, ACK | FEATURES }, ACK },
		{ 1ULL << 32 | 1ULL << 63, { ACK, ACK | FEATURES, READY }, ACK },
		{ 1ULL << 32, { ACK, ACK | READY }, ACK },
		{ 1ULL << 32, { ACK, BROKEN, 0x20 }, ACK },
		{ 1ULL << 32, { ACK, ACK | VIRTIO_CONFIG_S_FAILED }, ACK | VIRTIO_CONFIG_S_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(guest) struct guest g;

		guest_init_rng(&g);
		accept_features(&g, cases[i].accepted);
		for (size_t k = 0; k < 4 && cases[i].writes[k]; k++)
			status(&g, cases[i].writes[k]);
		assert_int_equal(get(&g, VIRTIO_PCI_COMMON_STATUS, 1), cases[i].status);
		/* What was agreed on stays. */
		accept_features(&g, 0x5555);
		put(&g, VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
		assert_int_equal(get(&g, VIRTIO_PCI_COMMON_GF, 4),
				 cases[i].status & FEATURES ? (uint32_t)cases[i].accepted : 0x5555);
		status(&g, 0);
		assert_int_equal(get(&g, VIRTIO_PCI_COMMON_STATUS, 1), 0);
		assert_int_equal(get(&g, VIRTIO_PCI_COMMON_GF, 4), 0);
	}
}

static void test_queue_that_is_not_there(void **state)
{
	CLEAN(guest) struct guest g;

	(void)state;
	guest_init_rng(&g);
	put(&g, VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	put(&g, VIRTIO_PCI_COMMON_Q_SELECT, 2, 0xffff);
	place_queue(&g);
	put(&g, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_STATUS, 1), 0);
	put(&g, VIRTIO_BAR_NOTIFY + 4, 2, 1);
	assert_false(serve(&g, 0));
}

static void test_queue_stays_where_it_was_enabled(void **state)
{
	CLEAN(guest) struct guest g;

	(void)state;
	guest_init_rng(&g);
	begin(&g, 0, 0);
	put(&g, VIRTIO_PCI_COMMON_Q_DESCLO, 4, 0x5000);
	put(&g, VIRTIO_PCI_COMMON_Q_DESCHI, 4, 0x5000);
	put(&g, VIRTIO_PCI_COMMON_Q_USEDHI, 4, 0x5000);
	put(&g, VIRTIO_PCI_COMMON_Q_SIZE, 2, 4);
	put(&g, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 0);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_DESCLO, 4), DRIVER_TABLE_GPA);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_DESCHI, 4), 0);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_USEDHI, 4), 0);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_SIZE, 2), DRIVER_SIZE);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_STATUS, 1), ACK | FEATURES | READY);
	status(&g, 0);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
}

static void test_request_is_served_and_told(void **state)
{
	static const char zeros[64];
	CLEAN(guest) struct guest g;
	char *buffer;

	(void)state;
	guest_init_rng(&g);
	buffer = g.driver.memory.base + DRIVER_BUFFER_GPA;
	driver_put(&g.driver.table[0], DRIVER_BUFFER_GPA, 64, VRING_DESC_F_WRITE, 0);
	driver_offer(&g.driver, 0);
	put(&g, VIRTIO_BAR_NOTIFY, 2, 0);
	assert_true(serve(&g, 0));
	assert_int_equal(g.driver.used->idx, 0);
	/* What was there before is served, too. */
	begin(&g, 0, 0);
	assert_true(serve(&g, 0));
	assert_int_equal(g.driver.used->idx, 1);
	assert_int_equal(g.driver.used->ring[0].len, 64);
	assert_int_not_equal(memcmp(buffer, zeros, 64), 0);
	assert_int_equal(calls_raised(&g.calls, QUEUE_VECTOR), 1);
	assert_int_equal(calls_raised(&g.calls, CONFIG_VECTOR), 0);
	driver_offer(&g.driver, 0);
	assert_false(serve(&g, 0));
	put(&g, VIRTIO_BAR_NOTIFY, 2, 0);
	assert_true(serve(&g, 0));
	assert_int_equal(g.driver.used->idx, 2);
}

static void test_random_bytes_are_no_more_than_64_kib(void **state)
{
	CLEAN(guest) struct guest g;

	(void)state;
	guest_init_rng(&g);
	begin(&g, 0, 0);
	driver_put(&g.driver.table[0], 0x100000, 1 << 20, VRING_DESC_F_WRITE, 0);
	driver_offer(&g.driver, 0);
	assert_true(serve(&g, 0));
	assert_int_equal(g.driver.used->ring[0].len, VIRTIO_RNG_REQUEST_MAX);
	assert_int_equal(g.driver.memory.base[0x100000 + VIRTIO_RNG_REQUEST_MAX], 0);
}

static void test_who_breaks_a_rule_has_to_reset(void **state)
{
	static const struct {
		uint32_t len;
		uint16_t flags, head;
		const char *offence;
	} cases[] = {
		{ 64, 0, 0, "a request for random bytes has room for them and nothing else" },
		{ 0, VRING_DESC_F_WRITE, 0,
		  "a request for random bytes has room for them and nothing else" },
		{ 64, VRING_DESC_F_WRITE, 77, "a descriptor is in its table" },
		{ UINT32_MAX, VRING_DESC_F_WRITE, 0, "a buffer lies in memory" },
		{ 16, VRING_DESC_F_INDIRECT, 0, "no indirect table without the feature" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(guest) struct guest g;
		uint8_t was;

		guest_init_rng(&g);
		begin(&g, 0, 0);
		was = (uint8_t)get(&g, VIRTIO_PCI_COMMON_CFGGENERATION, 1);
		driver_put(&g.driver.table[0], DRIVER_BUFFER_GPA, cases[i].len, cases[i].flags, 0);
		driver_offer(&g.driver, cases[i].head);
		assert_true(serve(&g, 0));
		assert_int_equal(get(&g, VIRTIO_PCI_COMMON_STATUS, 1),
				 ACK | FEATURES | READY | BROKEN);
		assert_string_equal(g.rng.virtio.offence, cases[i].offence);
		assert_int_equal(get(&g, VIRTIO_PCI_COMMON_CFGGENERATION, 1), was + 1);
		assert_int_equal(calls_raised(&g.calls, CONFIG_VECTOR), 1);
		assert_int_equal(calls_raised(&g.calls, QUEUE_VECTOR), 0);
		/* Nothing more until then, and all of it after. */
		status(&g, ACK | FEATURES | READY);
		driver_put(&g.driver.table[0], DRIVER_BUFFER_GPA, 64, VRING_DESC_F_WRITE, 0);
		driver_offer(&g.driver, 0);
		put(&g, VIRTIO_BAR_NOTIFY, 2, 0);
		assert_true(serve(&g, 0));
		assert_int_equal(g.driver.used->idx, 0);
		memset(g.driver.avail, 0, 64);
		begin(&g, 0, 0);
		driver_offer(&g.driver, 0);
		assert_true(serve(&g, 0));
		assert_int_equal(g.driver.used->idx, 1);
		assert_null(g.rng.virtio.offence);
	}
}

static void test_queue_is_enabled_in_its_time(void **state)
{
	CLEAN(guest) struct guest g;

	(void)state;
	guest_init_rng(&g);
	status(&g, ACK);
	place_queue(&g);
	put(&g, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_STATUS, 1), ACK | BROKEN);
	status(&g, 0);
	accept_features(&g, 1ULL << VIRTIO_F_VERSION_1);
	status(&g, ACK | FEATURES | READY);
	place_queue(&g);
	put(&g, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_STATUS, 1), ACK | FEATURES | READY | BROKEN);
	status(&g, 0);
	accept_features(&g, 1ULL << VIRTIO_F_VERSION_1);
	status(&g, ACK | FEATURES);
	place_queue(&g);
	put(&g, VIRTIO_PCI_COMMON_Q_USEDHI, 4, 1);
	put(&g, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_STATUS, 1), ACK | FEATURES | BROKEN);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
}

static void test_thread_serves_until_it_is_stopped(void **state)
{
	CLEAN(guest) struct guest g;
	struct io io = IO_NONE;
	struct err err = { 0 };

	(void)state;
	guest_init_rng(&g);
	assert_int_equal(io_make(&io, &err), 0);
	assert_int_equal(virtio_attach(&g.rng.virtio, &io, &err), 0);
	assert_int_equal(io_start(&io, &err), 0);
	begin(&g, 0, 0);
	driver_put(&g.driver.table[0], DRIVER_BUFFER_GPA, 64, VRING_DESC_F_WRITE, 0);
	for (uint16_t i = 1; i <= 1000; i++) {
		driver_offer(&g.driver, 0);
		put(&g, VIRTIO_BAR_NOTIFY, 2, 0);
		for (int k = 0;
		     k < 5000 && __atomic_load_n(&g.driver.used->idx, __ATOMIC_ACQUIRE) != i; k++)
			usleep(1000);
		assert_int_equal(g.driver.used->idx, i);
	}
	io_free(&io);
	driver_offer(&g.driver, 0);
	put(&g, VIRTIO_BAR_NOTIFY, 2, 0);
	assert_int_equal(g.driver.used->idx, 1000);
}

/* What a guest of several processors does: one resets and begins, while the device's thread is at it. */
static void test_reset_amid_requests(void **state)
{
	CLEAN(guest) struct guest g;
	struct io io = IO_NONE;
	struct err err = { 0 };

	(void)state;
	guest_init_rng(&g);
	assert_int_equal(io_make(&io, &err), 0);
	assert_int_equal(virtio_attach(g.v, &io, &err), 0);
	assert_int_equal(io_start(&io, &err), 0);
	for (int i = 0; i < 2000; i++) {
		/* Nobody else touches the ring: the device has given it up. */
		status(&g, 0);
		assert_int_equal(get(&g, VIRTIO_PCI_COMMON_STATUS, 1), 0);
		memset(g.driver.avail, 0, 64);
		memset(g.driver.used, 0, 128);
		for (uint16_t k = 0; k < DRIVER_SIZE; k++) {
			driver_put(&g.driver.table[k], DRIVER_BUFFER_GPA + 0x1000 * k, 4096,
				   VRING_DESC_F_WRITE, 0);
			driver_offer(&g.driver, k);
		}
		begin(&g, 0, 0);
		/* One rings and masks meanwhile; every third time it waits for the end. */
		put(&g, VIRTIO_BAR_NOTIFY, 2, 0);
		put(&g, VIRTIO_BAR_TABLE + 16 + 12, 4, i & 1);
		for (int k = 0; i % 3 == 0 && k < 5000 &&
				!__atomic_load_n(&g.driver.used->idx, __ATOMIC_ACQUIRE);
		     k++)
			usleep(1000);
		assert_null(g.v->offence);
	}
	io_free(&io);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_features_and_status),
		cmocka_unit_test(test_queue_that_is_not_there),
		cmocka_unit_test(test_queue_stays_where_it_was_enabled),
		cmocka_unit_test(test_request_is_served_and_told),
		cmocka_unit_test(test_random_bytes_are_no_more_than_64_kib),
		cmocka_unit_test(test_who_breaks_a_rule_has_to_reset),
		cmocka_unit_test(test_queue_is_enabled_in_its_time),
		cmocka_unit_test(test_thread_serves_until_it_is_stopped),
		cmocka_unit_test(test_reset_amid_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
