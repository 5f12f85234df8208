/* A watchdog, and a driver of its that keeps to the rules or not. Its thread is the test: step(). */
#include "base/str.h"
#include "microvm/watchdog.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define BAR 0xc0000000U
#define TIMER_1 0x0
#define TIMER_2 0x4
#define RELOAD 0xc
#define CONFIG 0x60
#define CONTROL 0x68
#define LOCK 1
#define ENABLE 2
#define AGAIN 4
#define LONG 0xfffff

struct machine {
	struct io io;
	struct pci pci;
	struct watchdog watchdog;
	int wake;
};

static void machine_free(struct machine *m)
{
	io_free(&m->io);
	watchdog_free(&m->watchdog);
	close(m->wake);
}
CLEAN_DEFINE(machine, struct machine, machine_free)

static void address(struct machine *m, unsigned int offset)
{
	uint32_t value = 0x80000800U | (offset & 0xfc);

	assert_true(pci_port_write(&m->pci, 0xcf8, &value, 4));
}

static uint32_t config_get(struct machine *m, unsigned int offset, size_t len)
{
	uint32_t value = 0;

	address(m, offset);
	assert_true(pci_port_read(&m->pci, (uint16_t)(0xcfc + (offset & 3)), &value, len));
	return value;
}

static void config_put(struct machine *m, unsigned int offset, size_t len, uint32_t value)
{
	address(m, offset);
	assert_true(pci_port_write(&m->pci, (uint16_t)(0xcfc + (offset & 3)), &value, len));
}

static void machine_init(struct machine *m)
{
	struct err err = { 0 };

	m->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	m->io = (struct io)IO_NONE;
	assert_int_equal(io_make(&m->io, &err), 0);
	assert_int_equal(watchdog_init(&m->watchdog, m->wake, &m->io, &err), 0);
	pci_init(&m->pci);
	assert_int_equal(pci_plug(&m->pci, &m->watchdog.function, &err), 0);
	config_put(m, PCI_BASE_ADDRESS_0, 4, BAR);
	config_put(m, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

static uint32_t get(struct machine *m, uint32_t offset)
{
	uint32_t value = 0;

	pci_memory_read(&m->pci, BAR + offset, &value, 4);
	return value;
}

static void put(struct machine *m, uint32_t offset, size_t len, uint32_t value)
{
	pci_memory_write(&m->pci, BAR + offset, &value, len);
}

/* Behind both keys, as Linux' driver does it. */
static void put_open(struct machine *m, uint32_t offset, size_t len, uint32_t value)
{
	put(m, RELOAD, 2, 0x80);
	put(m, RELOAD, 2, 0x86);
	put(m, offset, len, value);
}

static void begin(struct machine *m, uint32_t first, uint32_t second, uint8_t control)
{
	put_open(m, TIMER_1, 4, first);
	put_open(m, TIMER_2, 4, second);
	config_put(m, CONTROL, 1, control);
}

/* Wait until this stage's time has passed, and do what the thread does then. */
static void step(struct machine *m)
{
	struct pollfd p = { .fd = m->watchdog.timer, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 10000), 1);
	m->watchdog.source.ready(m->watchdog.source.arg, POLLIN);
}

/* Has it woken its owner, who asks? */
static bool bitten(struct machine *m)
{
	uint64_t count;
	bool woken = read(m->wake, &count, sizeof(count)) == sizeof(count);

	assert_int_equal(watchdog_has_bitten(&m->watchdog), woken);
	assert_false(watchdog_has_bitten(&m->watchdog));
	return woken;
}

static bool waits(const struct machine *m)
{
	struct itimerspec t = { 0 };

	assert_int_equal(timerfd_gettime(m->watchdog.timer, &t), 0);
	return t.it_value.tv_sec || t.it_value.tv_nsec;
}

static void test_what_a_kernel_finds(void **state)
{
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m);
	assert_int_equal(config_get(&m, PCI_VENDOR_ID, 4), 0x25ab8086);
	assert_int_equal(config_get(&m, PCI_CLASS_REVISION, 4) >> 8, 0x088000);
	config_put(&m, PCI_BASE_ADDRESS_0, 4, 0xffffffff);
	assert_int_equal(config_get(&m, PCI_BASE_ADDRESS_0, 4), 0xfffffff0);
	config_put(&m, CONFIG, 2, 0xffff);
	assert_int_equal(config_get(&m, CONFIG, 2), 0x27);
	config_put(&m, CONTROL, 1, 0xf8);
	assert_int_equal(config_get(&m, CONTROL, 4), 0);
}

static void test_registers_open_for_one_write_by_two_keys(void **state)
{
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m);
	put(&m, TIMER_1, 4, 7);
	assert_int_equal(get(&m, TIMER_1), LONG);
	put(&m, RELOAD, 2, 0x86);
	put(&m, RELOAD, 2, 0x80);
	put(&m, TIMER_1, 4, 7);
	assert_int_equal(get(&m, TIMER_1), LONG);
	put(&m, RELOAD, 2, 0x80);
	put(&m, TIMER_2, 4, 7);
	put(&m, RELOAD, 2, 0x86);
	put(&m, TIMER_2, 4, 7);
	assert_int_equal(get(&m, TIMER_2), LONG);
	put_open(&m, TIMER_1, 4, 0xfff00007);
	put(&m, TIMER_2, 4, 8);
	assert_int_equal(get(&m, TIMER_1), 7);
	assert_int_equal(get(&m, TIMER_2), LONG);
	put_open(&m, TIMER_2, 4, 8);
	assert_int_equal(get(&m, TIMER_2), 8);
	assert_int_equal(get(&m, 8), 0);
}

static void test_it_bites_after_both_stages_and_remembers(void **state)
{
	CLEAN(machine) struct machine m;
	struct timespec before, after;

	(void)state;
	machine_init(&m);
	clock_gettime(CLOCK_MONOTONIC, &before);
	begin(&m, 20, 30, ENABLE);
	step(&m);
	assert_false(bitten(&m));
	step(&m);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(bitten(&m));
	/* 50 ticks of 1/1024 s. */
	assert_true((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >=
		    48800000);
	assert_false(waits(&m));
	assert_int_equal(get(&m, RELOAD), 0x200);
	put(&m, RELOAD, 2, 0x200);
	assert_int_equal(get(&m, RELOAD), 0x200);
	put_open(&m, RELOAD, 2, 0x200);
	assert_int_equal(get(&m, RELOAD), 0);
}

static void test_who_feeds_it_begins_anew(void **state)
{
	CLEAN(machine) struct machine m;
	struct pollfd p;

	(void)state;
	machine_init(&m);
	begin(&m, 1, LONG, ENABLE);
	step(&m);
	put_open(&m, TIMER_1, 4, LONG);
	put_open(&m, RELOAD, 2, 0x100);
	assert_int_equal(m.watchdog.stage, 1);
	assert_true(waits(&m));
	/* Fed when its time had passed, before its thread was there. */
	put_open(&m, TIMER_1, 4, 0);
	put_open(&m, RELOAD, 2, 0x100);
	p = (struct pollfd){ .fd = m.watchdog.timer, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 10000), 1);
	put_open(&m, TIMER_1, 4, LONG);
	put_open(&m, RELOAD, 2, 0x100);
	m.watchdog.source.ready(m.watchdog.source.arg, POLLIN);
	assert_int_equal(m.watchdog.stage, 1);
	/* Without its keys that is no food. */
	put_open(&m, TIMER_1, 4, 0);
	put(&m, RELOAD, 2, 0x100);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_false(bitten(&m));
}

static void test_it_rests_until_enabled_and_when_disabled(void **state)
{
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m);
	put_open(&m, TIMER_1, 4, 0);
	put_open(&m, RELOAD, 2, 0x100);
	assert_false(waits(&m));
	config_put(&m, CONFIG, 2, 0);
	assert_false(waits(&m));
	begin(&m, LONG, LONG, ENABLE);
	assert_true(waits(&m));
	config_put(&m, CONTROL, 1, 0);
	assert_false(waits(&m));
	/* A word that covers it counts as it does; one beside it doesn't. */
	config_put(&m, CONTROL, 4, ENABLE);
	assert_true(waits(&m));
	config_put(&m, CONTROL + 1, 1, 0);
	assert_true(waits(&m));
}

static void test_locked_it_cant_be_disabled(void **state)
{
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m);
	begin(&m, LONG, LONG, ENABLE | LOCK);
	config_put(&m, CONTROL, 1, 0);
	assert_int_equal(config_get(&m, CONTROL, 1), ENABLE | LOCK);
	assert_true(waits(&m));
}

static void test_tame_it_doesnt_bite_and_may_go_round(void **state)
{
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m);
	config_put(&m, CONFIG, 2, 0x20);
	begin(&m, 1, 1, ENABLE);
	step(&m);
	step(&m);
	assert_false(bitten(&m));
	assert_int_equal(get(&m, RELOAD), 0);
	assert_false(waits(&m));
	config_put(&m, CONTROL, 1, 0);
	config_put(&m, CONTROL, 1, ENABLE | AGAIN);
	step(&m);
	step(&m);
	assert_false(bitten(&m));
	assert_int_equal(m.watchdog.stage, 1);
}

static void test_ticks_are_short_if_wanted(void **state)
{
	CLEAN(machine) struct machine m;
	struct itimerspec t;

	(void)state;
	machine_init(&m);
	begin(&m, LONG, LONG, ENABLE);
	assert_int_equal(timerfd_gettime(m.watchdog.timer, &t), 0);
	assert_in_range(t.it_value.tv_sec, 900, 1023);
	config_put(&m, CONTROL, 1, 0);
	config_put(&m, CONFIG, 2, 0x04);
	config_put(&m, CONTROL, 1, ENABLE);
	assert_int_equal(timerfd_gettime(m.watchdog.timer, &t), 0);
	assert_int_equal(t.it_value.tv_sec, 0);
}

static void test_held_its_time_stands_still(void **state)
{
	CLEAN(machine) struct machine m;
	struct pollfd p;

	(void)state;
	machine_init(&m);
	watchdog_hold(&m.watchdog);
	watchdog_go_on(&m.watchdog);
	assert_false(waits(&m));
	begin(&m, 512, LONG, ENABLE);
	watchdog_hold(&m.watchdog);
	watchdog_hold(&m.watchdog);
	assert_false(waits(&m));
	assert_true(m.watchdog.left.tv_nsec > 300000000 && m.watchdog.left.tv_nsec <= 500000000);
	watchdog_go_on(&m.watchdog);
	assert_true(waits(&m));
	/* Its time had passed, and its thread was not there yet. */
	begin(&m, 0, LONG, 0);
	begin(&m, 0, LONG, ENABLE);
	p = (struct pollfd){ .fd = m.watchdog.timer, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 10000), 1);
	watchdog_hold(&m.watchdog);
	m.watchdog.source.ready(m.watchdog.source.arg, POLLIN);
	assert_int_equal(m.watchdog.stage, 1);
	watchdog_go_on(&m.watchdog);
	step(&m);
	assert_int_equal(m.watchdog.stage, 2);
}

static void test_policies_have_words(void **state)
{
	enum watchdog_policy policy = WATCHDOG_ABSENT;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(watchdog_parse("pause", &policy, &err), 0);
	assert_int_equal(policy, WATCHDOG_PAUSE);
	assert_int_equal(watchdog_parse("none", &policy, &err), 0);
	assert_int_equal(policy, WATCHDOG_NONE);
	assert_int_equal(watchdog_parse("shutdown", &policy, &err), -EINVAL);
	assert_string_equal(err.text,
			    "--watchdog shutdown: reset, poweroff, pause and none are there");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_kernel_finds),
		cmocka_unit_test(test_registers_open_for_one_write_by_two_keys),
		cmocka_unit_test(test_it_bites_after_both_stages_and_remembers),
		cmocka_unit_test(test_who_feeds_it_begins_anew),
		cmocka_unit_test(test_it_rests_until_enabled_and_when_disabled),
		cmocka_unit_test(test_locked_it_cant_be_disabled),
		cmocka_unit_test(test_tame_it_doesnt_bite_and_may_go_round),
		cmocka_unit_test(test_ticks_are_short_if_wanted),
		cmocka_unit_test(test_held_its_time_stands_still),
		cmocka_unit_test(test_policies_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
