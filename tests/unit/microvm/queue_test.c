#include "base/str.h"
#include "microvm/driver.h"
#include "microvm/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WRITE VRING_DESC_F_WRITE
#define AT DRIVER_BUFFER_GPA
#define END MEMORY_MIN_BYTES

static void test_where_a_queue_may_be(void **state)
{
	static const struct {
		uint64_t table, avail, used;
		uint16_t size;
		const char *offence;
	} cases[] = {
		{ 0x1000, 0x2000, 0x3000, 8, NULL },
		{ 0x1000, 0x2002, 0x3004, 1, NULL },
		{ END - 128, END - 22, END - 72, 8,
		  NULL }, /* over each other: the driver's own fault */
		{ 0x1000, 0x2000, 0x3000, 0,
		  "a queue's size is a power of two up to the device's" },
		{ 0x1000, 0x2000, 0x3000, 6,
		  "a queue's size is a power of two up to the device's" },
		{ 0x1000, 0x2000, 0x3000, 16,
		  "a queue's size is a power of two up to the device's" },
		{ 0x1000, 0x2000, 0x3000, 0x8000,
		  "a queue's size is a power of two up to the device's" },
		{ 0x1008, 0x2000, 0x3000, 8, "a queue lies in memory, aligned" },
		{ 0x1000, 0x2001, 0x3000, 8, "a queue lies in memory, aligned" },
		{ 0x1000, 0x2000, 0x3002, 8, "a queue lies in memory, aligned" },
		{ END - 112, 0x2000, 0x3000, 8, "a queue lies in memory, aligned" },
		{ 0x1000, END - 20, 0x3000, 8, "a queue lies in memory, aligned" },
		{ 0x1000, 0x2000, END - 68, 8, "a queue lies in memory, aligned" },
		{ UINT64_MAX - 15, 0x2000, 0x3000, 8, "a queue lies in memory, aligned" },
		{ 0x1000, UINT64_MAX - 1, 0x3000, 8, "a queue lies in memory, aligned" },
		{ 0x1000, 0x2000, 0xc0000000, 8, "a queue lies in memory, aligned" },
	};
	CLEAN(driver) struct driver d;

	(void)state;
	driver_init(&d);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct queue q;
		int rc;

		queue_reset(&q, DRIVER_SIZE);
		q.table_gpa = cases[i].table;
		q.avail_gpa = cases[i].avail;
		q.used_gpa = cases[i].used;
		q.size = cases[i].size;
		rc = queue_enable(&q, &d.memory, true, true);
		assert_int_equal(rc, cases[i].offence ? -EPROTO : 0);
		assert_int_equal(q.enabled, !cases[i].offence);
		if (cases[i].offence)
			assert_string_equal(q.offence, cases[i].offence);
	}
}

static void test_ring_that_claims_too_much(void **state)
{
	static const struct {
		uint16_t idx, head;
		const char *offence;
	} cases[] = {
		{ DRIVER_SIZE + 1, 0, "no more requests than the queue has places" },
		{ 0xffff, 0, "no more requests than the queue has places" },
		{ 1, DRIVER_SIZE, "a descriptor is in its table" },
		{ 1, 0xffff, "a descriptor is in its table" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(driver) struct driver d;
		struct queue q;
		struct chain c;

		driver_init(&d);
		q = driver_queue(&d, true, true);
		d.avail->ring[0] = cases[i].head;
		d.avail->idx = cases[i].idx;
		assert_int_equal(queue_pop(&q, &c), -EPROTO);
		assert_string_equal(q.offence, cases[i].offence);
	}
}

static void test_numbers_wrap_and_places_are_used_again(void **state)
{
	CLEAN(driver) struct driver d;
	struct queue q;
	struct chain c;

	(void)state;
	driver_init(&d);
	q = driver_queue(&d, false, true);
	for (unsigned int i = 0; i < 0x10010; i++) {
		uint16_t head = (uint16_t)(i % DRIVER_SIZE);

		driver_put(&d.table[head], AT, 1 + i % 100, WRITE, 0);
		driver_offer(&d, head);
		assert_int_equal(queue_pop(&q, &c), 1);
		assert_int_equal(c.head, head);
		assert_int_equal(c.writable_bytes, 1 + i % 100);
		queue_push(&q, c.head, i);
		assert_int_equal(d.used->idx, (uint16_t)(i + 1));
		assert_int_equal(d.used->ring[i % DRIVER_SIZE].id, head);
		assert_int_equal(d.used->ring[i % DRIVER_SIZE].len, i);
	}
}

static void test_interrupts_are_sent_when_they_are_wanted(void **state)
{
	CLEAN(driver) struct driver d;
	struct queue q;

	(void)state;
	driver_init(&d);
	q = driver_queue(&d, false, false);
	assert_false(queue_must_interrupt(&q));
	queue_push(&q, 0, 0);
	assert_true(queue_must_interrupt(&q));
	assert_false(queue_must_interrupt(&q));
	d.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	queue_push(&q, 0, 0);
	assert_false(queue_must_interrupt(&q));
	/* With event indices the flag says nothing; "when the fourth is used". */
	d.used->idx = 0;
	q = driver_queue(&d, false, true);
	q.next_used = q.told_used = 0;
	d.avail->ring[DRIVER_SIZE] = 3;
	for (int i = 0; i < 8; i++) {
		queue_push(&q, 0, 0);
		assert_int_equal(queue_must_interrupt(&q), i == 3);
	}
	/* Passed between two looks. */
	d.avail->ring[DRIVER_SIZE] = 9;
	for (int i = 0; i < 5; i++)
		queue_push(&q, 0, 0);
	assert_true(queue_must_interrupt(&q));
}

static void test_what_comes_before_the_driver_must_ring_is_seen(void **state)
{
	(void)state;
	for (int event_idx = 0; event_idx < 2; event_idx++) {
		CLEAN(driver) struct driver d;
		struct queue q;
		struct chain c;

		driver_init(&d);
		q = driver_queue(&d, false, event_idx);
		driver_put(&d.table[0], AT, 1, 0, 0);
		queue_disarm(&q);
		assert_int_equal(d.used->flags, event_idx ? 0 : VRING_USED_F_NO_NOTIFY);
		assert_false(queue_arm(&q));
		assert_int_equal(d.used->flags, 0);
		driver_offer(&d, 0);
		assert_int_equal(queue_pop(&q, &c), 1);
		driver_offer(&d, 0);
		assert_true(queue_arm(&q));
		assert_int_equal(queue_pop(&q, &c), 1);
		assert_false(queue_arm(&q));
		if (event_idx)
			assert_memory_equal(&d.used->ring[DRIVER_SIZE], "\2\0", 2);
	}
}

static void test_request_goes_back_where_it_came_from(void **state)
{
	CLEAN(driver) struct driver d;
	struct queue q;
	struct chain c;

	(void)state;
	driver_init(&d);
	q = driver_queue(&d, false, false);
	driver_put(&d.table[3], AT, 1, 0, 0);
	driver_offer(&d, 3);
	assert_int_equal(queue_pop(&q, &c), 1);
	queue_unpop(&q);
	assert_int_equal(queue_pop(&q, &c), 1);
	assert_int_equal(c.head, 3);
	assert_int_equal(queue_pop(&q, &c), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_a_queue_may_be),
		cmocka_unit_test(test_ring_that_claims_too_much),
		cmocka_unit_test(test_numbers_wrap_and_places_are_used_again),
		cmocka_unit_test(test_interrupts_are_sent_when_they_are_wanted),
		cmocka_unit_test(test_what_comes_before_the_driver_must_ring_is_seen),
		cmocka_unit_test(test_request_goes_back_where_it_came_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
