#include "cli/when.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW UINT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

static void span_is(const char *text, uint64_t expected)
{
	struct err err = { 0 };
	uint64_t ms = 0;

	if (when_span("interval", text, &ms, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	assert_int_equal(ms, expected);
}

static void moment_is(const char *text, uint64_t expected)
{
	struct err err = { 0 };
	uint64_t ms = 0;

	if (when_moment("since", text, NOW, &ms, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	if (ms != expected)
		fail_msg("%s: %llu, not %llu", text, (unsigned long long)ms,
			 (unsigned long long)expected);
}

static void test_spans_in_the_words_of_go(void **state)
{
	(void)state;
	span_is("5", 5000);
	span_is("0.5", 500);
	span_is("500ms", 500);
	span_is("5s", 5000);
	span_is("1h30m", 5400000);
	span_is("1m0.5s", 60500);
	span_is("2d", 172800000);
}

static void test_what_is_no_span_is_refused_by_its_flag(void **state)
{
	static const char *const wrong[] = {
		"",    "s", "-5s", "5x", "0", "1e3", "0x10", "inf", "1..5", " 5", "99999999999999h",
		"5s ", "."
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct err err = { 0 };
		uint64_t ms;

		if (when_span("interval", wrong[i], &ms, &err) != -EINVAL)
			fail_msg("\"%s\" was taken", wrong[i]);
		assert_non_null(strstr(err.text, "--interval"));
	}
}

static void test_moments(void **state)
{
	(void)state;
	moment_is("10m", NOW - 600000);
	moment_is("-10m", NOW + 600000);
	moment_is("1767225600", NOW);
	moment_is("1767225600.25", NOW + 250);
	moment_is("2026-01-01", NOW);
	moment_is("2026-01-01T00:01", NOW + 60000);
	moment_is("2026-01-01T00:00:01.5Z", NOW + 1500);
	moment_is("2026-01-01T01:00:00+01:00", NOW);
	moment_is("2025-12-31T23:30:00-00:30", NOW);
	moment_is("99999h", NOW - UINT64_C(359996400000));
}

static void test_what_is_no_moment_is_refused_by_its_flag(void **state)
{
	static const char *const wrong[] = {
		"",      "yesterday", "2026-13-01", "2026-01-01T00:00:00+1", "2026-01-01x",
		"--10m", "1h1"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct err err = { 0 };
		uint64_t ms;

		if (when_moment("since", wrong[i], NOW, &ms, &err) != -EINVAL)
			fail_msg("\"%s\" was taken", wrong[i]);
		assert_non_null(strstr(err.text, "--since"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spans_in_the_words_of_go),
		cmocka_unit_test(test_what_is_no_span_is_refused_by_its_flag),
		cmocka_unit_test(test_moments),
		cmocka_unit_test(test_what_is_no_moment_is_refused_by_its_flag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
