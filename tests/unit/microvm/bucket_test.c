/* Rates, by a clock that is an argument. */
#include "base/str.h"
#include "microvm/bucket.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define S 1000000000ULL
#define MS 1000000ULL
#define START (1000 * S) /* of the clock */

/* As fast as it may, requests of this size from START to the end: their tokens. */
static uint64_t pass(struct bucket *b, uint32_t tokens, uint64_t end)
{
	uint64_t now = START, sum = 0;

	for (;;) {
		uint64_t ready = bucket_ready_ns(b);

		if (ready > now)
			now = ready;
		if (now >= end)
			return sum;
		bucket_take(b, now, tokens);
		sum += tokens;
	}
}

static void test_rate_over_time_is_what_was_asked(void **state)
{
	static const struct {
		uint64_t rate;
		uint32_t tokens, burst_ms;
	} cases[] = {
		{ 1, 1, 1 },         { 10, 1, 100 },         { 1000, 1, 100 },
		{ 1000000, 512, 0 }, { 10 << 20, 65536, 0 }, { 3333333, 4096, 1000 },
		{ 7, 1, 60000 },     { 100, 1, 1 },          { 1ULL << 30, 65536, 10 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t burst_ms = cases[i].burst_ms ? cases[i].burst_ms : BUCKET_BURST_MS;
		uint64_t most, least, got;
		struct bucket b;

		bucket_init(&b, cases[i].rate, cases[i].burst_ms);
		got = pass(&b, cases[i].tokens, START + 20 * S);
		least = cases[i].rate * 20 - cases[i].rate / 1000;
		/* Beside the rate what was in it, and the one that the last drop lets pass. */
		most = cases[i].rate * 20 + cases[i].rate * burst_ms / 1000 +
		       2ULL * cases[i].tokens;
		if (got < least || got > most)
			fail_msg("case %zu: %llu, not from %llu to %llu", i,
				 (unsigned long long)got, (unsigned long long)least,
				 (unsigned long long)most);
	}
}

static void test_next_one_passes_at_the_very_moment(void **state)
{
	struct bucket b;

	(void)state;
	bucket_init(&b, 1000, 100); /* 100 fit */
	assert_true(bucket_ready_ns(&b) <= START);
	bucket_take(&b, START, 100);
	assert_int_equal(bucket_ready_ns(&b), START);
	bucket_take(&b, START, 250);
	assert_int_equal(bucket_ready_ns(&b), START + 250 * MS);
	bucket_take(&b, START + 250 * MS, 1);
	assert_int_equal(bucket_ready_ns(&b), START + 251 * MS);
	/* Not used, it fills, and no further than it's large. */
	bucket_take(&b, START + 60 * S, 100);
	assert_int_equal(bucket_ready_ns(&b), START + 60 * S);
}

static void test_small_rates_are_not_lost(void **state)
{
	struct bucket b;

	(void)state;
	bucket_init(&b, 3, 1);
	for (int i = 0; i < 3; i++)
		bucket_take(&b, START, 1);
	assert_in_range(bucket_ready_ns(&b), START + S - 2 * MS, START + S);
	/* A token that is worth less than a nanosecond counts as one. */
	bucket_init(&b, 1ULL << 40, 1);
	for (int i = 0; i < 10000000; i++)
		bucket_take(&b, START, 1);
	assert_true(bucket_ready_ns(&b) > START);
}

static void test_largest_request_at_the_smallest_rate(void **state)
{
	struct bucket b;

	(void)state;
	bucket_init(&b, 1, 1);
	bucket_take(&b, START, UINT32_MAX);
	assert_int_equal(bucket_ready_ns(&b), START + UINT32_MAX * S - MS);
}

static void test_no_limit_is_none(void **state)
{
	struct bucket b;

	(void)state;
	bucket_init(&b, 0, 0);
	for (int i = 0; i < 1000; i++)
		bucket_take(&b, START, UINT32_MAX);
	assert_true(bucket_ready_ns(&b) <= START);
}

static void test_words(void **state)
{
	static const struct {
		const char *word, *prefix;
		int rc;
		uint64_t bytes, operations;
	} cases[] = {
		{ "bps=10m", "", 1, 10 << 20, 0 },  { "bps=1", "", 1, 1, 0 },
		{ "rx-bps=2k", "rx-", 1, 2048, 0 }, { "iops=500", "", 1, 0, 500 },
		{ "tx-iops=1", "tx-", 1, 0, 1 },    { "rx-bps=2k", "tx-", 0, 0, 0 },
		{ "rx-bps=2k", "", 0, 0, 0 },       { "bps", "", 0, 0, 0 },
		{ "bpsx=1", "", 0, 0, 0 },          { "bps=", "", -EINVAL, 0, 0 },
		{ "bps=0", "", -EINVAL, 0, 0 },     { "bps=x", "", -EINVAL, 0, 0 },
		{ "iops=0", "", -EINVAL, 0, 0 },    { "iops=1.5", "", -EINVAL, 0, 0 },
		{ "iops=-1", "", -EINVAL, 0, 0 },   { "iops=4294967296", "", -EINVAL, 0, 0 },
	};
	uint32_t ms = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bucket_rates r = { 0 };

		assert_int_equal(bucket_parse(cases[i].word, cases[i].prefix, &r), cases[i].rc);
		if (cases[i].rc == 1) {
			assert_int_equal(r.bytes, cases[i].bytes);
			assert_int_equal(r.operations, cases[i].operations);
		}
	}
	assert_int_equal(bucket_parse_burst("burst=", &ms), -EINVAL);
	assert_int_equal(bucket_parse_burst("burst=0", &ms), -EINVAL);
	assert_int_equal(bucket_parse_burst("burst=60001", &ms), -EINVAL);
	assert_int_equal(bucket_parse_burst("bps=1", &ms), 0);
	assert_int_equal(ms, 7);
	assert_int_equal(bucket_parse_burst("burst=1000", &ms), 1);
	assert_int_equal(ms, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate_over_time_is_what_was_asked),
		cmocka_unit_test(test_next_one_passes_at_the_very_moment),
		cmocka_unit_test(test_small_rates_are_not_lost),
		cmocka_unit_test(test_largest_request_at_the_smallest_rate),
		cmocka_unit_test(test_no_limit_is_none),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
