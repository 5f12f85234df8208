#include "base/str.h"
#include "microvm/calls.h"
#include "microvm/msix.h"

#include <linux/pci_regs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS 3
#define ENABLE 0x8000
#define MASKALL 0x4000
#define MESSAGE 0xfee01000

/* A function on a bus, with three interrupts, of KVM's that is written down. */
struct card {
	struct calls calls;
	struct pci pci;
	struct pci_function function;
	struct msix msix;
};

static void config_written(void *arg, unsigned int offset, size_t len)
{
	struct card *c = arg;

	(void)offset;
	(void)len;
	msix_config_written(&c->msix, &c->function);
}

static void card_free(struct card *c)
{
	msix_free(&c->msix);
}
CLEAN_DEFINE(card, struct card, card_free)

static void card_init(struct card *c)
{
	static const struct pci_ops ops = { .config_written = config_written };
	static const struct pci_id id = { .vendor = 0x1af4 };
	struct err err = { 0 };

	calls_init(&c->calls);
	pci_init(&c->pci);
	pci_function_init(&c->function, &id, &ops, c);
	assert_int_equal(msix_init(&c->msix, VECTORS, &c->calls.wires, &c->function, 1, 0x4000,
				   0x5000, &err),
			 0);
	assert_int_equal(pci_plug(&c->pci, &c->function, &err), 0);
}

static void control(struct card *c, uint16_t value)
{
	uint32_t address = 0x80000800U | c->msix.capability;

	assert_true(pci_port_write(&c->pci, 0xcf8, &address, 4));
	assert_true(pci_port_write(&c->pci, 0xcfe, &value, 2));
}

static void put(struct card *c, unsigned int vector, unsigned int word, uint32_t value)
{
	msix_table_write(&c->msix, vector * 16 + word * 4, &value, 4);
}

static uint32_t get(struct card *c, unsigned int vector, unsigned int word)
{
	uint32_t value;

	msix_table_read(&c->msix, vector * 16 + word * 4, &value, 4);
	return value;
}

static uint64_t pending(struct card *c)
{
	uint64_t value;

	msix_pending_read(&c->msix, 0, &value, 8);
	return value;
}

static void set(struct card *c, unsigned int vector, uint32_t data, bool masked)
{
	put(c, vector, 0, MESSAGE);
	put(c, vector, 2, data);
	put(c, vector, 3, masked);
}

static void test_capability_says_where_the_table_is(void **state)
{
	CLEAN(card) struct card c = { 0 };

	(void)state;
	card_init(&c);
	assert_int_equal(pci_get(&c.function, c.msix.capability, 1), PCI_CAP_ID_MSIX);
	assert_int_equal(pci_get(&c.function, c.msix.capability + 2, 2), VECTORS - 1);
	assert_int_equal(pci_get(&c.function, c.msix.capability + 4, 4), 0x4001);
	assert_int_equal(pci_get(&c.function, c.msix.capability + 8, 4), 0x5001);
	assert_int_equal(c.calls.interrupts, VECTORS);
	control(&c, 0xffff);
	assert_int_equal(pci_get(&c.function, c.msix.capability + 2, 2), 0xc002);
}

static void test_table_begins_masked_and_keeps_what_is_written(void **state)
{
	CLEAN(card) struct card c = { 0 };
	uint64_t both = 0x1111222233334444;

	(void)state;
	card_init(&c);
	for (unsigned int i = 0; i < VECTORS; i++)
		assert_int_equal(get(&c, i, 3), 1);
	put(&c, 1, 3, ~0U);
	assert_int_equal(get(&c, 1, 3), 1);
	msix_table_write(&c.msix, 16, &both, 8);
	assert_int_equal(get(&c, 1, 0), 0x33334444);
	assert_int_equal(get(&c, 1, 1), 0x11112222);
	/* Neither parts of a word, nor across two, nor behind the end. */
	msix_table_write(&c.msix, 16, "\1", 1);
	msix_table_write(&c.msix, 17, &both, 4);
	msix_table_write(&c.msix, 16 * VECTORS, &both, 8);
	msix_table_write(&c.msix, 0xffffff0, &both, 8);
	assert_int_equal(get(&c, 1, 0), 0x33334444);
	assert_int_equal(get(&c, VECTORS, 0), 0);
}

static void test_who_may_interrupt(void **state)
{
	static const struct {
		uint16_t control;
		bool masked;
		unsigned int raised;
		uint64_t pending;
		bool taken;
	} cases[] = {
		{ 0, false, 0, 0, false },
		{ MASKALL, false, 0, 0, false },
		{ ENABLE, false, 1, 0, true },
		{ ENABLE, true, 0, 2, true },
		{ ENABLE | MASKALL, false, 0, 2, true },
		{ ENABLE | MASKALL, true, 0, 2, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(card) struct card c = { 0 };

		card_init(&c);
		control(&c, cases[i].control);
		set(&c, 1, 0x41, cases[i].masked);
		assert_int_equal(msix_raise(&c.msix, 1), cases[i].taken);
		assert_int_equal(calls_raised(&c.calls, 1), cases[i].raised);
		assert_int_equal(pending(&c), cases[i].pending);
		assert_int_equal(calls_raised(&c.calls, 0) + calls_raised(&c.calls, 2), 0);
		/* A vector that isn't there. */
		assert_int_equal(msix_raise(&c.msix, VECTORS), cases[i].taken);
		assert_int_equal(msix_raise(&c.msix, 0xffff), cases[i].taken);
	}
}

static void test_what_was_held_back_comes_once_when_unmasked(void **state)
{
	CLEAN(card) struct card c = { 0 };

	(void)state;
	card_init(&c);
	control(&c, ENABLE);
	set(&c, 0, 0x41, true);
	assert_true(msix_raise(&c.msix, 0));
	assert_true(msix_raise(&c.msix, 0));
	put(&c, 0, 3, 0);
	assert_int_equal(calls_raised(&c.calls, 0), 1);
	assert_int_equal(pending(&c), 0);
	control(&c, ENABLE | MASKALL);
	assert_true(msix_raise(&c.msix, 0));
	assert_int_equal(calls_raised(&c.calls, 0), 0);
	control(&c, ENABLE);
	assert_int_equal(calls_raised(&c.calls, 0), 1);
}

static void test_kernel_is_told_a_message_when_it_is_needed(void **state)
{
	CLEAN(card) struct card c = { 0 };

	(void)state;
	card_init(&c);
	set(&c, 0, 0x41, false);
	assert_int_equal(c.calls.routings, 0);
	control(&c, ENABLE);
	assert_int_equal(c.calls.routings, 1);
	assert_int_equal(c.calls.messages[0].address, MESSAGE);
	assert_int_equal(c.calls.messages[0].data, 0x41);
	/* Masking is not its matter; another processor is, once the guest has said all of it. */
	put(&c, 0, 3, 1);
	put(&c, 0, 3, 0);
	put(&c, 0, 2, 0x41);
	assert_int_equal(c.calls.routings, 1);
	put(&c, 0, 3, 1);
	put(&c, 0, 0, MESSAGE + 0x1000);
	put(&c, 0, 2, 0x42);
	assert_int_equal(c.calls.routings, 1);
	put(&c, 0, 3, 0);
	assert_int_equal(c.calls.routings, 2);
	assert_int_equal(c.calls.messages[0].address, MESSAGE + 0x1000);
	assert_int_equal(c.calls.messages[0].data, 0x42);
}

static void test_message_that_is_refused_is_lost(void **state)
{
	CLEAN(card) struct card c = { 0 };

	(void)state;
	card_init(&c);
	control(&c, ENABLE);
	c.calls.refuse = EINVAL;
	set(&c, 0, 0x41, false);
	assert_true(msix_raise(&c.msix, 0));
	assert_int_equal(calls_raised(&c.calls, 0), 0);
	c.calls.refuse = 0;
	assert_true(msix_raise(&c.msix, 0));
	assert_int_equal(calls_raised(&c.calls, 0), 1);
}

static void test_interrupts_end_somewhere(void **state)
{
	struct calls c;
	struct err err = { 0 };
	unsigned int number;
	int fd;

	(void)state;
	calls_init(&c);
	c.wires.count = WIRES_MAX;
	assert_int_equal(wires_interrupt(&c.wires, &number, &fd, &err), -ENOSPC);
	c.wires.count = 0;
	c.refuse = ENOTTY;
	assert_int_equal(wires_interrupt(&c.wires, &number, &fd, &err), -ENOTTY);
	assert_non_null(strstr(err.text, "KVM_IRQFD"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capability_says_where_the_table_is),
		cmocka_unit_test(test_table_begins_masked_and_keeps_what_is_written),
		cmocka_unit_test(test_who_may_interrupt),
		cmocka_unit_test(test_what_was_held_back_comes_once_when_unmasked),
		cmocka_unit_test(test_kernel_is_told_a_message_when_it_is_needed),
		cmocka_unit_test(test_message_that_is_refused_is_lost),
		cmocka_unit_test(test_interrupts_end_somewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
