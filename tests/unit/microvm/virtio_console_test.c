/* A console, with a driver on one side and who takes and gives bytes on the other. */
#include "base/str.h"
#include "microvm/guest.h"
#include "microvm/virtio_console.h"

#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RX VIRTIO_CONSOLE_RX
#define TX VIRTIO_CONSOLE_TX

struct machine {
	struct guest guest;
	struct virtio_console console;
	/* The other end. */
	char heard[200000];
	size_t count, room;
	int rooms;
};

static size_t take(void *arg, const void *bytes, size_t len)
{
	struct machine *m = arg;

	if (len > m->room)
		len = m->room;
	memcpy(m->heard + m->count, bytes, len);
	m->count += len;
	m->room -= len;
	return len;
}

static void room(void *arg)
{
	struct machine *m = arg;

	m->rooms++;
}

static void machine_free(struct machine *m)
{
	guest_free(&m->guest);
	free(m);
}

static struct machine *machine_make(uint16_t queue, size_t taken)
{
	struct machine *m = xcalloc(1, sizeof(*m));
	const struct virtio_console_end end = { .take = take, .room = room, .arg = m };
	struct err err = { 0 };

	m->room = taken;
	guest_init(&m->guest);
	assert_int_equal(virtio_console_init(&m->console, &end, &m->guest.driver.memory, &err), 0);
	guest_plug(&m->guest, &m->console.virtio);
	begin(&m->guest, 1ULL << VIRTIO_CONSOLE_F_SIZE, queue);
	return m;
}

static char *buffer(struct machine *m)
{
	return m->guest.driver.memory.base + DRIVER_BUFFER_GPA;
}

/* One buffer, which the driver rings for. */
static void offer(struct machine *m, unsigned int queue, uint16_t head, uint32_t offset,
		  uint32_t len, uint16_t flags)
{
	struct driver *d = &m->guest.driver;

	driver_put(&d->table[head], DRIVER_BUFFER_GPA + offset, len, flags, 0);
	driver_offer(d, head);
	put(&m->guest, VIRTIO_BAR_NOTIFY + queue * VIRTIO_BELL_BYTES, 2, queue);
}

static void assert_heard(const struct machine *m, const char *text)
{
	assert_int_equal(m->count, strlen(text));
	assert_memory_equal(m->heard, text, m->count);
}

static void test_what_is_said_is_heard(void **state)
{
	struct machine *m = machine_make(TX, 100);

	(void)state;
	memcpy(buffer(m), "hello, all", 10);
	driver_put(&m->guest.driver.table[1], DRIVER_BUFFER_GPA + 5, 5, 0, 0);
	driver_put(&m->guest.driver.table[0], DRIVER_BUFFER_GPA, 5, VRING_DESC_F_NEXT, 1);
	driver_offer(&m->guest.driver, 0);
	put(&m->guest, VIRTIO_BAR_NOTIFY + TX * VIRTIO_BELL_BYTES, 2, TX);
	offer(m, TX, 2, 0, 1, 0);
	assert_true(serve(&m->guest, TX));
	assert_heard(m, "hello, allh");
	assert_int_equal(m->guest.driver.used->idx, 2);
	assert_int_equal(m->guest.driver.used->ring[0].len, 0);
	assert_null(m->console.virtio.offence);
	machine_free(m);
}

/* So a guest waits for its console's reader, and can't make us keep more than there is room for. */
static void test_who_says_more_than_is_taken_waits(void **state)
{
	struct machine *m = machine_make(TX, 6);

	(void)state;
	memcpy(buffer(m), "abcdefgh", 8);
	offer(m, TX, 0, 0, 4, 0);
	offer(m, TX, 1, 4, 4, 0);
	assert_true(serve(&m->guest, TX));
	assert_heard(m, "abcdef");
	assert_int_equal(m->guest.driver.used->idx, 1);
	/* Nothing is said twice, whoever rings. */
	virtio_console_go_on(&m->console);
	assert_true(serve(&m->guest, TX));
	assert_int_equal(m->count, 6);
	m->room = 100;
	virtio_console_go_on(&m->console);
	assert_true(serve(&m->guest, TX));
	assert_heard(m, "abcdefgh");
	assert_int_equal(m->guest.driver.used->idx, 2);
	machine_free(m);
}

static void test_a_reset_forgets_what_was_in_hand(void **state)
{
	struct machine *m = machine_make(TX, 2);

	(void)state;
	memcpy(buffer(m), "abcd", 4);
	offer(m, TX, 0, 0, 4, 0);
	assert_true(serve(&m->guest, TX));
	status(&m->guest, 0);
	m->room = 100;
	assert_false(virtio_console_finish(&m->console));
	m->guest.driver.avail->idx = m->guest.driver.used->idx = 0;
	begin(&m->guest, 0, TX);
	(void)!serve(&m->guest, TX);
	assert_heard(m, "ab");
	machine_free(m);
}

/* What the driver has put there just before the machine's end is not lost. */
static void test_the_last_words_are_heard(void **state)
{
	struct machine *m = machine_make(TX, 3);
	unsigned int rounds = 0;

	(void)state;
	memcpy(buffer(m), "end of it", 9);
	offer(m, TX, 0, 0, 4, 0);
	offer(m, TX, 1, 4, 5, 0);
	while (virtio_console_finish(&m->console)) {
		m->room = 3;
		assert_in_range(++rounds, 1, 3);
	}
	assert_heard(m, "end of it");
	assert_int_equal(m->guest.driver.used->idx, 2);
	machine_free(m);
}

static void test_what_breaks_the_rules_is_not_heard(void **state)
{
	static const struct {
		uint32_t len;
		uint16_t flags, queue;
	} cases[] = {
		{ VIRTIO_CONSOLE_REQUEST_MAX + 1, 0, TX },
		{ 4, VRING_DESC_F_WRITE, TX },
		{ 4, 0, RX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct machine *m = machine_make(cases[i].queue, sizeof(m->heard));

		offer(m, cases[i].queue, 0, 0, cases[i].len, cases[i].flags);
		assert_true(serve(&m->guest, cases[i].queue));
		(void)get(&m->guest, VIRTIO_BAR_DEVICE, 2);
		assert_int_equal(virtio_console_put(&m->console, "x", 1), 0);
		assert_non_null(m->console.virtio.offence);
		assert_int_equal(m->count, 0);
		assert_int_equal(m->guest.driver.used->idx, 0);
		assert_false(virtio_console_finish(&m->console));
		machine_free(m);
	}
}

static void test_as_much_as_may_be_is_heard(void **state)
{
	struct machine *m = machine_make(TX, sizeof(m->heard));

	(void)state;
	memset(buffer(m), 'x', VIRTIO_CONSOLE_REQUEST_MAX);
	offer(m, TX, 0, 0, VIRTIO_CONSOLE_REQUEST_MAX, 0);
	assert_true(serve(&m->guest, TX));
	assert_null(m->console.virtio.offence);
	assert_int_equal(m->count, VIRTIO_CONSOLE_REQUEST_MAX);
	assert_int_equal(m->heard[m->count - 1], 'x');
	machine_free(m);
}

static void test_what_is_typed_comes_as_far_as_there_is_room(void **state)
{
	struct machine *m = machine_make(RX, 0);
	struct driver *d = &m->guest.driver;

	(void)state;
	(void)get(&m->guest, VIRTIO_BAR_DEVICE, 2);
	offer(m, RX, 0, 0, 3, VRING_DESC_F_WRITE);
	offer(m, RX, 1, 3, 2, VRING_DESC_F_WRITE);
	assert_true(serve(&m->guest, RX));
	assert_int_equal(m->rooms, 0);
	assert_int_equal(virtio_console_put(&m->console, "abcdefg", 7), 5);
	assert_memory_equal(buffer(m), "abcde", 5);
	assert_int_equal(d->used->idx, 2);
	assert_int_equal(d->used->ring[0].len, 3);
	assert_int_equal(d->used->ring[1].len, 2);
	assert_true(calls_raised(&m->guest.calls, QUEUE_VECTOR) > 0);
	/* The rest is asked for when there is room, once. */
	offer(m, RX, 2, 5, 10, VRING_DESC_F_WRITE);
	assert_true(serve(&m->guest, RX));
	assert_int_equal(m->rooms, 1);
	assert_int_equal(virtio_console_put(&m->console, "fg", 2), 2);
	assert_memory_equal(buffer(m), "abcdefg", 7);
	assert_int_equal(d->used->ring[2].len, 2);
	offer(m, RX, 3, 0, 10, VRING_DESC_F_WRITE);
	assert_true(serve(&m->guest, RX));
	assert_int_equal(m->rooms, 1);
	machine_free(m);
}

static void test_nobody_is_there_yet(void **state)
{
	struct machine *m = machine_make(RX, 0);

	(void)state;
	status(&m->guest, 0);
	assert_int_equal(virtio_console_put(&m->console, "early", 5), 0);
	/* It has buffers, and Linux would throw away what is in them before it has looked at the size. */
	begin(&m->guest, 1ULL << VIRTIO_CONSOLE_F_SIZE, RX);
	offer(m, RX, 0, 0, 10, VRING_DESC_F_WRITE);
	assert_true(serve(&m->guest, RX));
	assert_int_equal(virtio_console_put(&m->console, "early", 5), 0);
	assert_int_equal(m->rooms, 0);
	(void)get(&m->guest, VIRTIO_BAR_DEVICE, 2);
	assert_int_equal(m->rooms, 1);
	assert_int_equal(virtio_console_put(&m->console, "early", 5), 5);
	(void)get(&m->guest, VIRTIO_BAR_DEVICE + 2, 2);
	assert_int_equal(m->rooms, 1);
	machine_free(m);
}

static void test_a_driver_that_knows_no_sizes_hears_at_once(void **state)
{
	struct machine *m = machine_make(RX, 0);

	(void)state;
	status(&m->guest, 0);
	assert_int_equal(virtio_console_put(&m->console, "early", 5), 0);
	begin(&m->guest, 0, RX);
	assert_true(serve(&m->guest, RX));
	assert_int_equal(m->rooms, 1);
	machine_free(m);
}

static void test_its_size_is_told(void **state)
{
	struct machine *m = machine_make(RX, 0);

	(void)state;
	assert_int_equal(config_get(&m->guest, PCI_DEVICE_ID, 2), 0x1040 + VIRTIO_ID_CONSOLE);
	assert_int_equal(get(&m->guest, VIRTIO_BAR_DEVICE, 4), 0);
	/* That Linux asks for it. */
	assert_int_equal(calls_raised(&m->guest.calls, CONFIG_VECTOR), 1);
	virtio_console_resize(&m->console, 91, 33);
	assert_int_equal(calls_raised(&m->guest.calls, CONFIG_VECTOR), 1);
	assert_int_equal(get(&m->guest, VIRTIO_BAR_DEVICE, 2), 91);
	assert_int_equal(get(&m->guest, VIRTIO_BAR_DEVICE + 2, 2), 33);
	/* A driver that comes anew is told at once: Linux doesn't look by itself. */
	begin(&m->guest, 1ULL << VIRTIO_CONSOLE_F_SIZE, RX);
	assert_int_equal(calls_raised(&m->guest.calls, CONFIG_VECTOR), 1);
	status(&m->guest, 0);
	virtio_console_resize(&m->console, 80, 24);
	assert_int_equal(calls_raised(&m->guest.calls, CONFIG_VECTOR), 0);
	/* It isn't the driver's to say. */
	put(&m->guest, VIRTIO_BAR_DEVICE, 4, 5);
	assert_int_equal(get(&m->guest, VIRTIO_BAR_DEVICE, 2), 80);
	machine_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_said_is_heard),
		cmocka_unit_test(test_who_says_more_than_is_taken_waits),
		cmocka_unit_test(test_a_reset_forgets_what_was_in_hand),
		cmocka_unit_test(test_the_last_words_are_heard),
		cmocka_unit_test(test_what_breaks_the_rules_is_not_heard),
		cmocka_unit_test(test_as_much_as_may_be_is_heard),
		cmocka_unit_test(test_what_is_typed_comes_as_far_as_there_is_room),
		cmocka_unit_test(test_nobody_is_there_yet),
		cmocka_unit_test(test_a_driver_that_knows_no_sizes_hears_at_once),
		cmocka_unit_test(test_its_size_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
