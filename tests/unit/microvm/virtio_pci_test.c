/* A device on the bus: what its driver finds where, interrupts, doorbells. */
#include "base/str.h"
#include "microvm/guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_capabilities_say_what_is_where(void **state)
{
	static const struct {
		uint8_t type;
		uint32_t offset, bytes;
	} cases[] = {
		{ VIRTIO_PCI_CAP_COMMON_CFG, 0, 0x40 },
		{ VIRTIO_PCI_CAP_NOTIFY_CFG, 0x3000, 4 },
		{ VIRTIO_PCI_CAP_ISR_CFG, 0x1000, 1 },
		{ VIRTIO_PCI_CAP_PCI_CFG, 0, 0 },
	};
	CLEAN(guest) struct guest g;
	unsigned int at, count = 0;

	(void)state;
	guest_init_rng(&g);
	assert_int_equal(config_get(&g, 0, 4), 0x10441af4);
	assert_int_equal(config_get(&g, PCI_REVISION_ID, 1), 1);
	for (at = config_get(&g, PCI_CAPABILITY_LIST, 1); at; at = config_get(&g, at + 1, 1)) {
		if (config_get(&g, at, 1) != PCI_CAP_ID_VNDR)
			continue;
		assert_true(count < ARRAY_LEN(cases));
		assert_int_equal(config_get(&g, at + 3, 1), cases[count].type);
		assert_int_equal(config_get(&g, at + 4, 1), 0);
		assert_int_equal(config_get(&g, at + 8, 4), cases[count].offset);
		assert_int_equal(config_get(&g, at + 12, 4), cases[count].bytes);
		if (cases[count].type == VIRTIO_PCI_CAP_NOTIFY_CFG)
			assert_int_equal(config_get(&g, at + 16, 4), 4);
		count++;
	}
	assert_int_equal(count, ARRAY_LEN(cases));
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_NUMQ, 2), 1);
	put(&g, VIRTIO_PCI_COMMON_DFSELECT, 4, 0);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_DF, 4), 3U << 28);
	put(&g, VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_DF, 4), 1);
	put(&g, VIRTIO_PCI_COMMON_DFSELECT, 4, 2);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_DF, 4), 0);
}

static void test_registers_have_one_width(void **state)
{
	CLEAN(guest) struct guest g;

	(void)state;
	guest_init_rng(&g);
	put(&g, VIRTIO_PCI_COMMON_STATUS, 4, ACK);
	put(&g, VIRTIO_PCI_COMMON_Q_DESCLO, 1, 0x11);
	put(&g, VIRTIO_PCI_COMMON_Q_DESCLO + 2, 2, 0x1111);
	put(&g, VIRTIO_PCI_COMMON_Q_SIZE, 4, 0x11111111);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_STATUS, 1), 0);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_SIZE, 2), 8);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_SIZE, 1), 0);
	/* Behind the last register, in pages without any, and in the last. */
	for (uint32_t offset = 0x38; offset < VIRTIO_BAR_BYTES; offset += offset < 0x40 ? 4 : 0x7fc)
		if (offset / 0x1000 != VIRTIO_BAR_TABLE / 0x1000) {
			put(&g, offset, 4, ~0U);
			assert_int_equal(get(&g, offset, 4), 0);
		}
}

static void test_vector_that_is_not_there_is_none(void **state)
{
	CLEAN(guest) struct guest g;

	(void)state;
	guest_init_rng(&g);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_MSIX, 2), NO_VECTOR);
	put(&g, VIRTIO_PCI_COMMON_MSIX, 2, 1);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_MSIX, 2), 1);
	put(&g, VIRTIO_PCI_COMMON_MSIX, 2, 2);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_MSIX, 2), NO_VECTOR);
	put(&g, VIRTIO_PCI_COMMON_Q_MSIX, 2, 0x8000);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_MSIX, 2), NO_VECTOR);
}

static void test_who_goes_without_msix_polls(void **state)
{
	CLEAN(guest) struct guest g;

	(void)state;
	guest_init_rng(&g);
	config_put(&g, g.t.msix.capability + 2, 2, 0);
	begin(&g, 0, 0);
	assert_int_equal(get(&g, VIRTIO_BAR_ISR, 1), 0);
	driver_put(&g.driver.table[0], DRIVER_BUFFER_GPA, 64, VRING_DESC_F_WRITE, 0);
	driver_offer(&g.driver, 0);
	assert_true(serve(&g, 0));
	assert_int_equal(get(&g, VIRTIO_BAR_ISR, 1), 1);
	assert_int_equal(get(&g, VIRTIO_BAR_ISR, 1), 0);
	driver_offer(&g.driver, 99);
	put(&g, VIRTIO_BAR_NOTIFY, 2, 0);
	assert_true(serve(&g, 0));
	assert_int_equal(get(&g, VIRTIO_BAR_ISR, 1), 2);
}

static void test_doorbells_move_with_the_bar(void **state)
{
	CLEAN(guest) struct guest g;

	(void)state;
	guest_init_rng(&g);
	assert_int_equal(g.calls.bell_count, 1);
	assert_int_equal(g.calls.bells[0].gpa, BAR + VIRTIO_BAR_NOTIFY);
	assert_int_equal(g.calls.bells[0].fd, g.rng.virtio.queues[0].bell);
	config_put(&g, PCI_BASE_ADDRESS_0, 4, 0xd0000000);
	assert_int_equal(g.calls.bell_count, 1);
	assert_int_equal(g.calls.bells[0].gpa, 0xd0000000 + VIRTIO_BAR_NOTIFY);
	config_put(&g, PCI_BASE_ADDRESS_0, 4, ~0U);
	assert_int_equal(g.calls.bell_count, 0);
}

static void test_bar_is_reached_by_its_window(void **state)
{
	CLEAN(guest) struct guest g;
	unsigned int w;

	(void)state;
	guest_init_rng(&g);
	w = g.t.window;
	config_put(&g, w + 8, 4, VIRTIO_PCI_COMMON_Q_SIZE);
	config_put(&g, w + 12, 4, 2);
	assert_int_equal(config_get(&g, w + 16, 4), 8);
	config_put(&g, w + 16, 2, 4);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_SIZE, 2), 4);
	/* Another BAR, another size, not aligned, behind the end: it is only memory. */
	static const uint32_t cases[][3] = { { 1, 0x18, 2 }, { 0, 0x18, 0 },      { 0, 0x18, 3 },
					     { 0, 0x18, 8 }, { 0, 0x17, 2 },      { 0, 0x8000, 4 },
					     { 0, ~3U, 4 },  { 0, 0x18, 1 << 31 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		config_put(&g, w + 4, 1, cases[i][0]);
		config_put(&g, w + 8, 4, cases[i][1]);
		config_put(&g, w + 12, 4, cases[i][2]);
		config_put(&g, w + 16, 4, 2);
		assert_int_equal(config_get(&g, w + 16, 4), 2);
		assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_SIZE, 2), 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capabilities_say_what_is_where),
		cmocka_unit_test(test_registers_have_one_width),
		cmocka_unit_test(test_vector_that_is_not_there_is_none),
		cmocka_unit_test(test_who_goes_without_msix_polls),
		cmocka_unit_test(test_doorbells_move_with_the_bar),
		cmocka_unit_test(test_bar_is_reached_by_its_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
