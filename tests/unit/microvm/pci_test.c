#include "base/str.h"
#include "microvm/dsdt.h"
#include "microvm/pci.h"
#include "microvm/ports.h"

#include <linux/pci_regs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BAR_BYTES 0x1000

/* A function of one BAR, and what it has seen. */
struct card {
	struct pci_function function;
	uint32_t placed, offset;
	int places;
	uint8_t memory[BAR_BYTES];
};

static void card_read(void *arg, unsigned int bar, uint32_t offset, void *data, size_t len)
{
	struct card *c = arg;

	assert_int_equal(bar, 0);
	assert_true(offset + len <= BAR_BYTES);
	memcpy(data, c->memory + offset, len);
}

static void card_write(void *arg, unsigned int bar, uint32_t offset, const void *data, size_t len)
{
	struct card *c = arg;

	assert_int_equal(bar, 0);
	assert_true(offset + len <= BAR_BYTES);
	memcpy(c->memory + offset, data, len);
}

static void card_placed(void *arg, unsigned int bar, uint32_t gpa)
{
	struct card *c = arg;

	assert_int_equal(bar, 0);
	assert_true(c->placed != gpa);
	c->placed = gpa;
	c->places++;
}

static const struct pci_ops card_ops = { .bar_read = card_read,
					 .bar_write = card_write,
					 .bar_placed = card_placed };
static const struct pci_id card_id = { .vendor = 0x1af4,
				       .device = 0x1044,
				       .subsystem_vendor = 0x1af4,
				       .subsystem = 0x0abc,
				       .revision = 1,
				       .class = 0x0c0ffe };

struct machine {
	struct pci pci;
	struct card cards[2];
};

static void machine_init(struct machine *m)
{
	struct err err = { 0 };

	pci_init(&m->pci);
	for (size_t i = 0; i < ARRAY_LEN(m->cards); i++) {
		m->cards[i] = (struct card){ 0 };
		pci_function_init(&m->cards[i].function, &card_id, &card_ops, &m->cards[i]);
		pci_add_bar(&m->cards[i].function, 0, BAR_BYTES);
		assert_int_equal(pci_plug(&m->pci, &m->cards[i].function, &err), 0);
	}
}

static uint32_t address(unsigned int slot, unsigned int offset)
{
	return 0x80000000U | slot << 11 | (offset & 0xfc);
}

static uint32_t get(struct machine *m, unsigned int slot, unsigned int offset, size_t size)
{
	uint32_t to = address(slot, offset), value = 0;

	assert_true(pci_port_write(&m->pci, 0xcf8, &to, 4));
	assert_true(pci_port_read(&m->pci, (uint16_t)(0xcfc + (offset & 3)), &value, size));
	return value;
}

static void put(struct machine *m, unsigned int slot, unsigned int offset, size_t size,
		uint32_t value)
{
	uint32_t to = address(slot, offset);

	assert_true(pci_port_write(&m->pci, 0xcf8, &to, 4));
	assert_true(pci_port_write(&m->pci, (uint16_t)(0xcfc + (offset & 3)), &value, size));
}

static void test_configuration_is_read_in_all_sizes(void **state)
{
	static const struct {
		unsigned int slot, offset;
		size_t size;
		uint32_t value;
	} cases[] = {
		{ 0, 0x00, 4, 0x0d578086 }, { 0, 0x0a, 2, 0x0600 }, { 0, 0x0b, 1, 0x06 },
		{ 1, 0x00, 2, 0x1af4 },     { 1, 0x02, 2, 0x1044 }, { 1, 0x08, 4, 0x0c0ffe01 },
		{ 1, 0x2d, 1, 0x1a },       { 2, 0x2e, 2, 0x0abc }, { 3, 0x00, 4, ~0U },
		{ 31, 0x0e, 1, 0xff },
	};
	struct machine m;

	(void)state;
	machine_init(&m);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(get(&m, cases[i].slot, cases[i].offset, cases[i].size),
				 cases[i].value);
}

static void test_other_buses_and_functions_are_not_there(void **state)
{
	static const uint32_t addresses[] = { 0x00000000, 0x80010000, 0x80000100, 0x80ff0000 };
	struct machine m;
	uint32_t value;

	(void)state;
	machine_init(&m);
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		assert_true(pci_port_write(&m.pci, 0xcf8, &addresses[i], 4));
		assert_true(pci_port_read(&m.pci, 0xcfc, &value, 4));
		assert_int_equal(value, ~0U);
	}
}

/* The first thing that Linux does on a bus (pci_check_type1), and the reset register amidst it. */
static void test_address_port_takes_four_bytes_only(void **state)
{
	struct machine m;
	struct ports p = PORTS_INIT;
	uint32_t value = 0x80000e00;

	(void)state;
	machine_init(&m);
	p.pci = &m.pci;
	ports_write(&p, 0xcfb, "\1", 1);
	ports_write(&p, 0xcf8, &value, 4);
	assert_int_equal(p.end, END_NOT);
	ports_read(&p, 0xcf8, &value, 4);
	assert_int_equal(value, 0x80000e00);
	ports_write(&p, 0xcf9, "\6", 1);
	assert_int_equal(p.end, END_RESET);
	/* What reaches behind the last byte is nobody's. */
	assert_false(pci_port_read(&m.pci, 0xcfe, &value, 4));
	assert_false(pci_port_write(&m.pci, 0xcff, &value, 2));
	assert_false(pci_port_read(&m.pci, 0xcf8, &value, 2));
}

static void test_only_what_may_be_written_is(void **state)
{
	struct machine m;

	(void)state;
	machine_init(&m);
	for (unsigned int offset = 0; offset < PCI_CONFIG_BYTES; offset += 4)
		put(&m, 1, offset, 4, ~0U);
	assert_int_equal(get(&m, 1, PCI_VENDOR_ID, 4), 0x10441af4);
	assert_int_equal(get(&m, 1, PCI_COMMAND, 4), 0x00000406);
	assert_int_equal(get(&m, 1, PCI_CLASS_REVISION, 4), 0x0c0ffe01);
	assert_int_equal(get(&m, 1, PCI_HEADER_TYPE, 1), 0);
	assert_int_equal(get(&m, 1, PCI_BASE_ADDRESS_1, 4), 0);
	assert_int_equal(get(&m, 1, PCI_ROM_ADDRESS, 4), 0);
	assert_int_equal(get(&m, 1, PCI_INTERRUPT_LINE, 4), 0xff);
	assert_int_equal(m.cards[0].placed, 0);
}

static void test_size_of_a_bar_is_told_and_it_moves(void **state)
{
	struct machine m;
	struct card *c = &m.cards[0];
	uint32_t value = 0x11223344;

	(void)state;
	machine_init(&m);
	put(&m, 1, PCI_BASE_ADDRESS_0, 4, ~0U);
	assert_int_equal(get(&m, 1, PCI_BASE_ADDRESS_0, 4), 0xfffff000);
	put(&m, 1, PCI_BASE_ADDRESS_0, 4, 0xc0001000);
	assert_int_equal(c->placed, 0);
	put(&m, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(c->placed, 0xc0001000);
	pci_memory_write(&m.pci, 0xc0001ffc, &value, 4);
	assert_memory_equal(c->memory + 0xffc, &value, 4);
	/* By halves: where it is meanwhile is a place like another. */
	put(&m, 1, PCI_BASE_ADDRESS_0 + 2, 2, 0xd000);
	assert_int_equal(c->placed, 0xd0001000);
	pci_memory_read(&m.pci, 0xd0001ffe, &value, 2);
	assert_int_equal(value, 0x11221122);
	pci_memory_read(&m.pci, 0xc0001ffc, &value, 4);
	assert_int_equal(value, ~0U);
	put(&m, 1, PCI_COMMAND, 2, 0);
	assert_int_equal(c->placed, 0);
	/* Nowhere in between, each time. */
	assert_int_equal(c->places, 4);
}

static void test_bar_outside_of_the_window_or_over_another_answers_nowhere(void **state)
{
	static const struct {
		uint32_t first, second, first_at, second_at;
	} cases[] = {
		{ 0xc0000000, 0xc0001000, 0xc0000000, 0xc0001000 },
		{ 0xc0000000, 0xc0000000, 0xc0000000, 0 },
		{ 0xfebff000, 0xfec00000, 0xfebff000, 0 },
		{ 0xbffff000, 0xfee00000, 0, 0 },
		{ 0x00000000, 0xfffff000, 0, 0 },
		{ 0xc0000000, 0xc0000800, 0xc0000000, 0 }, /* the low bits don't stick */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct machine m;

		machine_init(&m);
		for (unsigned int slot = 1; slot <= 2; slot++) {
			put(&m, slot, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
			put(&m, slot, PCI_BASE_ADDRESS_0, 4,
			    slot == 1 ? cases[i].first : cases[i].second);
		}
		assert_int_equal(m.cards[0].placed, cases[i].first_at);
		assert_int_equal(m.cards[1].placed, cases[i].second_at);
	}
}

static void test_bar_that_was_covered_comes_back(void **state)
{
	struct machine m;

	(void)state;
	machine_init(&m);
	for (unsigned int slot = 2; slot >= 1; slot--) {
		put(&m, slot, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		put(&m, slot, PCI_BASE_ADDRESS_0, 4, 0xc0000000);
	}
	assert_int_equal(m.cards[0].placed, 0xc0000000);
	assert_int_equal(m.cards[1].placed, 0);
	put(&m, 1, PCI_BASE_ADDRESS_0, 4, ~0U);
	assert_int_equal(m.cards[0].placed, 0);
	assert_int_equal(m.cards[1].placed, 0xc0000000);
}

static void test_accesses_over_the_end_of_a_bar_reach_nothing(void **state)
{
	struct machine m;
	uint64_t value = 0;

	(void)state;
	machine_init(&m);
	put(&m, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	put(&m, 1, PCI_BASE_ADDRESS_0, 4, 0xc0000000);
	pci_memory_write(&m.pci, 0xc0000ffc, &value, 8);
	pci_memory_read(&m.pci, 0xc0000ffc, &value, 8);
	assert_true(value == UINT64_MAX);
	pci_memory_read(&m.pci, 0xbffffffc, &value, 8);
	assert_true(value == UINT64_MAX);
	pci_memory_read(&m.pci, UINT64_MAX - 3, &value, 8);
	assert_true(value == UINT64_MAX);
}

static void test_capabilities_are_a_list(void **state)
{
	struct pci_function f;

	(void)state;
	pci_function_init(&f, &card_id, &card_ops, NULL);
	assert_int_equal(pci_get(&f, PCI_STATUS, 2), 0);
	assert_int_equal(pci_add_capability(&f, 9, "abc", 3), 0x40);
	assert_int_equal(pci_add_capability(&f, 17, "defg", 4), 0x48);
	assert_int_equal(pci_get(&f, PCI_STATUS, 2), PCI_STATUS_CAP_LIST);
	assert_int_equal(pci_get(&f, PCI_CAPABILITY_LIST, 1), 0x40);
	assert_memory_equal(f.config + 0x40, "\11\110abc", 5);
	assert_memory_equal(f.config + 0x48, "\21\0defg", 6);
}

static void test_a_full_bus_is_told(void **state)
{
	static struct card cards[PCI_SLOTS];
	struct pci pci;
	struct err err = { 0 };

	(void)state;
	pci_init(&pci);
	for (size_t i = 0; i < PCI_SLOTS - 1; i++) {
		pci_function_init(&cards[i].function, &card_id, &card_ops, &cards[i]);
		assert_int_equal(pci_plug(&pci, &cards[i].function, &err), 0);
	}
	assert_int_equal(pci_plug(&pci, &cards[PCI_SLOTS - 1].function, &err), -ENOSPC);
	assert_string_equal(err.text, "a machine has at most 31 devices");
}

static void test_the_window_is_what_acpi_says(void **state)
{
	const uint32_t window[] = { PCI_WINDOW_GPA, PCI_WINDOW_END_GPA - 1, 0,
				    PCI_WINDOW_END_GPA - PCI_WINDOW_GPA };

	(void)state;
	assert_non_null(memmem(dsdt, sizeof(dsdt), window, sizeof(window)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configuration_is_read_in_all_sizes),
		cmocka_unit_test(test_other_buses_and_functions_are_not_there),
		cmocka_unit_test(test_address_port_takes_four_bytes_only),
		cmocka_unit_test(test_only_what_may_be_written_is),
		cmocka_unit_test(test_size_of_a_bar_is_told_and_it_moves),
		cmocka_unit_test(test_bar_outside_of_the_window_or_over_another_answers_nowhere),
		cmocka_unit_test(test_bar_that_was_covered_comes_back),
		cmocka_unit_test(test_accesses_over_the_end_of_a_bar_reach_nothing),
		cmocka_unit_test(test_capabilities_are_a_list),
		cmocka_unit_test(test_a_full_bus_is_told),
		cmocka_unit_test(test_the_window_is_what_acpi_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
