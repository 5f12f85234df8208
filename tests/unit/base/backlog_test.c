/* Bytes that wait for a reader: in their order, and no more of them than wait. */
#include "base/backlog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_bytes_come_out_as_they_went_in(void **state)
{
	struct backlog b = { 0 };

	(void)state;
	assert_int_equal(backlog_len(&b), 0);
	backlog_add(&b, "one", 3);
	backlog_take(&b, 1);
	backlog_add(&b, "two", 3);
	assert_int_equal(backlog_len(&b), 5);
	assert_memory_equal(backlog_head(&b), "netwo", 5);
	backlog_take(&b, 4);
	backlog_add(&b, "", 0);
	backlog_add(&b, "three", 5);
	assert_int_equal(backlog_len(&b), 6);
	assert_memory_equal(backlog_head(&b), "othree", 6);
	backlog_take(&b, 6);
	assert_int_equal(backlog_len(&b), 0);
	backlog_free(&b);
	assert_int_equal(backlog_len(&b), 0);
}

static void test_a_reader_that_is_never_done_costs_twice_what_waits(void **state)
{
	struct backlog b = { 0 };
	uint8_t next = 0, seen = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		for (int n = 0; n < 3; n++, next++)
			backlog_add(&b, &next, 1);
		for (int n = 0; n < (i < 100 ? 2 : 3); n++, seen++) {
			assert_int_equal((uint8_t)*backlog_head(&b), seen);
			backlog_take(&b, 1);
		}
		assert_true(b.bytes.len <= 2 * backlog_len(&b) + 3);
	}
	assert_int_equal(backlog_len(&b), 100);
	backlog_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_come_out_as_they_went_in),
		cmocka_unit_test(test_a_reader_that_is_never_done_costs_twice_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
