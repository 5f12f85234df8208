#include "base/str.h"
#include "microvm/console.h"
#include "microvm/layout.h"
#include "microvm/ports.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Both ends of the serial port. */
struct seen {
	char sent[16];
	size_t count;
	int ups, downs, rooms;
};

static void send(void *arg, uint8_t byte)
{
	struct seen *s = arg;

	s->sent[s->count++] = (char)byte;
}

static void irq(void *arg, bool up)
{
	struct seen *s = arg;

	up ? s->ups++ : s->downs++;
}

static void room(void *arg)
{
	struct seen *s = arg;

	s->rooms++;
}

static struct ports machine(struct seen *seen)
{
	static struct pci pci;
	struct ports p = PORTS_INIT;

	pci_init(&pci);
	p.pci = &pci;
	p.serial = (struct serial){ .send = send, .irq = irq, .room = room, .arg = seen };
	return p;
}

static uint8_t in(struct ports *p, uint16_t port)
{
	uint8_t byte = 0x5a;

	ports_read(p, port, &byte, 1);
	return byte;
}

static void out(struct ports *p, uint16_t port, uint8_t byte)
{
	ports_write(p, port, &byte, 1);
}

static void test_serial_sends_and_interrupts_when_asked(void **state)
{
	struct seen seen = { 0 };
	struct ports p = machine(&seen);

	(void)state;
	out(&p, 0x3f8, 'a');
	assert_int_equal(seen.ups, 0);
	out(&p, 0x3f9, 2);
	assert_int_equal(seen.ups, 1);
	assert_int_equal(in(&p, 0x3fa), 0x02);
	assert_int_equal(seen.downs, 1);
	assert_int_equal(in(&p, 0x3fa), 0x01);
	out(&p, 0x3f8, 'b');
	out(&p, 0x3f8, 'c');
	assert_int_equal(seen.ups, 3);
	assert_int_equal(in(&p, 0x3fd), 0x60);
	assert_string_equal(seen.sent, "abc");
	out(&p, 0x3f9, 0);
	assert_int_equal(seen.downs, 3);
}

static void test_serial_divisor_is_not_data(void **state)
{
	struct seen seen = { 0 };
	struct ports p = machine(&seen);

	(void)state;
	out(&p, 0x3fb, 0x80);
	out(&p, 0x3f8, 12);
	out(&p, 0x3f9, 2);
	assert_int_equal(in(&p, 0x3f8), 12);
	assert_int_equal(in(&p, 0x3f9), 2);
	out(&p, 0x3fb, 0x03);
	assert_int_equal(in(&p, 0x3f9), 0);
	assert_int_equal(seen.count + (size_t)seen.ups, 0);
}

static void test_serial_looks_like_a_16550_to_linux(void **state)
{
	struct seen seen = { 0 };
	struct ports p = machine(&seen);

	(void)state;
	/* 8250_port.c, autoconfig(): IER's bits, the loop, the FIFO, the scratch register. */
	out(&p, 0x3f9, 0xff);
	assert_int_equal(in(&p, 0x3f9), 0x0f);
	out(&p, 0x3f9, 0);
	out(&p, 0x3fc, 0x1a);
	assert_int_equal(in(&p, 0x3fe) & 0xf0, 0x90);
	out(&p, 0x3f8, 'x');
	assert_int_equal(seen.count, 0);
	out(&p, 0x3fc, 0);
	out(&p, 0x3fa, 1);
	assert_int_equal(in(&p, 0x3fa) >> 6, 3);
	out(&p, 0x3ff, 0xa5);
	assert_int_equal(in(&p, 0x3ff), 0xa5);
}

static void test_serial_receives_when_somebody_listens(void **state)
{
	struct seen seen = { 0 };
	struct ports p = machine(&seen);

	(void)state;
	assert_false(serial_put(&p.serial, 'a'));
	assert_int_equal(in(&p, 0x3fd), 0x60);
	out(&p, 0x3fa, 1);
	out(&p, 0x3f9, 1);
	assert_int_equal(seen.rooms, 1);
	assert_true(serial_put(&p.serial, 'a'));
	assert_int_equal(seen.ups, 1);
	assert_int_equal(in(&p, 0x3fd), 0x61);
	assert_int_equal(in(&p, 0x3fa), 0xc4);
	assert_int_equal(in(&p, 0x3f8), 'a');
	assert_int_equal(seen.downs, 1);
	assert_int_equal(in(&p, 0x3fa), 0xc1);
	assert_int_equal(in(&p, 0x3f8), 0);
}

static void test_serial_that_is_full_says_when_it_is_not(void **state)
{
	struct seen seen = { 0 };
	struct ports p = machine(&seen);

	(void)state;
	out(&p, 0x3f9, 1);
	assert_true(serial_put(&p.serial, 'a'));
	assert_false(serial_put(&p.serial, 'b'));
	assert_int_equal(in(&p, 0x3f8), 'a');
	assert_int_equal(seen.rooms, 1);
	out(&p, 0x3fa, 1);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 16; i++)
			assert_true(serial_put(&p.serial, (uint8_t)('a' + i)));
		assert_false(serial_put(&p.serial, 'x'));
		for (int i = 0; i < 16; i++)
			assert_int_equal(in(&p, 0x3f8), 'a' + i);
		assert_int_equal(seen.rooms, 2 + round);
	}
	assert_true(serial_put(&p.serial, 'y'));
	out(&p, 0x3fa, 3);
	assert_int_equal(in(&p, 0x3fd), 0x60);
}

static void test_serial_reports_what_arrived_before_what_is_sent(void **state)
{
	struct seen seen = { 0 };
	struct ports p = machine(&seen);

	(void)state;
	out(&p, 0x3f9, 3);
	assert_true(serial_put(&p.serial, 'a'));
	assert_int_equal(in(&p, 0x3fa), 0x04);
	assert_int_equal(in(&p, 0x3f8), 'a');
	assert_int_equal(in(&p, 0x3fa), 0x02);
	assert_int_equal(in(&p, 0x3fa), 0x01);
}

static void test_serial_loop_gives_back_what_was_sent(void **state)
{
	struct seen seen = { 0 };
	struct ports p = machine(&seen);

	(void)state;
	out(&p, 0x3fc, 0x10);
	out(&p, 0x3f8, 'l');
	assert_int_equal(seen.count, 0);
	assert_int_equal(in(&p, 0x3f8), 'l');
}

static void test_ways_to_end(void **state)
{
	static const struct {
		uint16_t port;
		uint8_t value;
		enum machine_end end;
	} ways[] = {
		{ 0x64, 0xfe, END_RESET },  { 0x64, 0xd1, END_NOT },  { 0xcf9, 0x02, END_NOT },
		{ 0xcf9, 0x06, END_RESET }, { 0x600, 0x34, END_OFF }, { 0x600, 0x14, END_NOT },
		{ 0x600, 0x24, END_NOT },   { 0x601, 0x34, END_NOT }, { 0x80, 0xfe, END_NOT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct seen seen = { 0 };
		struct ports p = machine(&seen);

		out(&p, ways[i].port, ways[i].value);
		assert_int_equal(p.end, ways[i].end);
	}
}

static void test_port_without_a_device_reads_as_such(void **state)
{
	struct seen seen = { 0 };
	struct ports p = machine(&seen);
	uint32_t wide = 0;

	(void)state;
	assert_int_equal(in(&p, 0x2f8), 0xff);
	assert_int_equal(in(&p, 0x64), 0);
	assert_int_equal(in(&p, 0x71), 0);
	ports_read(&p, 0xffff, &wide, 4);
	assert_int_equal(wide, 0xffffffff);
	/* The last byte of a wide one is the serial port's first. */
	ports_write(&p, 0x3f5, "...!", 4);
	assert_string_equal(seen.sent, "!");
}

static void put(struct console *c, const char *text)
{
	for (; *text; text++)
		console_put(c, (uint8_t)*text);
}

static void test_console_keeps_its_last_lines(void **state)
{
	CLEAN(fd) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct console c = { .fd = null };
	CLEAN(str) struct str tail = { 0 };

	(void)state;
	for (int i = 0; i < 2000; i++)
		put(&c, "a line of no interest\r\n");
	assert_false(console_panicked(&c));
	put(&c, "one\r\n\033[2Jtwo\r\nKernel panic - not syncing: x\r\n\r\n");
	console_tail(&c, 3, &tail);
	assert_string_equal(tail.text, "| one\n| ?[2Jtwo\n| Kernel panic - not syncing: x\n");
	assert_true(console_panicked(&c));
}

static void test_console_that_is_full_is_remembered(void **state)
{
	CLEAN(fd) int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct console c = { .fd = full };
	CLEAN(str) struct str tail = { 0 };

	(void)state;
	put(&c, "end");
	assert_true(c.closed);
	assert_int_equal(c.error, ENOSPC);
	console_tail(&c, 9, &tail);
	assert_string_equal(tail.text, "| end\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serial_sends_and_interrupts_when_asked),
		cmocka_unit_test(test_serial_divisor_is_not_data),
		cmocka_unit_test(test_serial_looks_like_a_16550_to_linux),
		cmocka_unit_test(test_serial_receives_when_somebody_listens),
		cmocka_unit_test(test_serial_that_is_full_says_when_it_is_not),
		cmocka_unit_test(test_serial_reports_what_arrived_before_what_is_sent),
		cmocka_unit_test(test_serial_loop_gives_back_what_was_sent),
		cmocka_unit_test(test_ways_to_end),
		cmocka_unit_test(test_port_without_a_device_reads_as_such),
		cmocka_unit_test(test_console_keeps_its_last_lines),
		cmocka_unit_test(test_console_that_is_full_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
