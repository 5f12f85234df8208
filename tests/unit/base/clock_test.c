#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void test_utc_text_is_what_gmtime_says(void **state)
{
	char ours[32], theirs[64];

	(void)state;
	/* Each day until 2110, and some of those until 9999, at another time of the day. */
	for (uint64_t secs = 0; secs < 253402300800u;
	     secs += secs < 4417977600u ? 86399 : 7999993) {
		time_t t = (time_t)secs;
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		assert_true(strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%S.007Z", &tm));
		clock_utc_text(secs * 1000 + 7, ours);
		assert_string_equal(ours, theirs);
	}
}

static void test_utc_text_of_leap_days(void **state)
{
	char text[32];

	(void)state;
	clock_utc_text(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	clock_utc_text(951782400000, text);
	assert_string_equal(text, "2000-02-29T00:00:00.000Z");
	clock_utc_text(4107542400000 - 1, text);
	assert_string_equal(text, "2100-02-28T23:59:59.999Z");
	clock_utc_text(UINT64_MAX, text);
	assert_int_equal(strlen(text), 24);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utc_text_is_what_gmtime_says),
		cmocka_unit_test(test_utc_text_of_leap_days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
