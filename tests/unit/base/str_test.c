#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_numbers_take_digits_and_nothing_else(void **state)
{
	static const char *const bad[] = { "", " 1", "+1", "-1", "1 ", "0x10", "1e3", "one" };
	uint64_t n = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(str_to_u64(bad[i], 0, UINT64_MAX, &n), -EINVAL);
	assert_int_equal(n, 7);
	assert_int_equal(str_to_u64("18446744073709551615", 0, UINT64_MAX, &n), 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(str_to_u64("18446744073709551616", 0, UINT64_MAX, &n), -ERANGE);
	assert_int_equal(str_to_u64("11", 0, 10, &n), -ERANGE);
}

static void test_signed_numbers_know_their_ends(void **state)
{
	int64_t n = 0;

	(void)state;
	assert_int_equal(str_to_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &n), 0);
	assert_true(n == INT64_MIN);
	assert_int_equal(str_to_i64("-9223372036854775809", INT64_MIN, INT64_MAX, &n), -ERANGE);
	assert_int_equal(str_to_i64("-", INT64_MIN, INT64_MAX, &n), -EINVAL);
}

static void test_bytes_are_read_as_docker_does(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "10b", 10 },
		{ "1k", 1024 },
		{ "10kb", 10240 },
		{ "512M", 512ull << 20 },
		{ "1.5g", 3ull << 29 },
		{ "2GiB", 2ull << 30 },
		{ "1t", 1ull << 40 },
	};
	static const char *const bad[] = { "", "k", "1x", "1kk", "-1k", "1.5.5k", "1 k" };
	uint64_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(str_to_bytes(good[i].text, &n), 0);
		assert_true(n == good[i].bytes);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(str_to_bytes(bad[i], &n), -EINVAL);
	assert_int_equal(str_to_bytes("99999999999999999999k", &n), -ERANGE);
	assert_int_equal(str_to_bytes("18014398509481984k", &n), -ERANGE);
}

static void test_environment_replaces_in_place(void **state)
{
	CLEAN(strv) struct strv env = { 0 };

	(void)state;
	strv_env_put(&env, "A=1");
	strv_env_put(&env, "AB=2");
	strv_env_put(&env, "A=3");
	assert_int_equal(env.count, 2);
	assert_string_equal(strv_env_get(&env, "A"), "3");
	assert_string_equal(strv_env_get(&env, "AB"), "2");
	assert_null(strv_env_get(&env, "B"));
	assert_null(env.items[2]);
}

static void test_split_keeps_empty_parts(void **state)
{
	CLEAN(strv) struct strv v = { 0 };

	(void)state;
	strv_split(&v, "a,,b,", ',');
	assert_int_equal(v.count, 4);
	assert_string_equal(v.items[1], "");
	assert_string_equal(v.items[3], "");
}

static void test_what_is_shown_has_no_control_characters(void **state)
{
	CLEAN(str) struct str s = { 0 };

	(void)state;
	str_add(&s, "\t");
	str_add_shown(&s, "a\x1b[2J\n\x7f\xc3\xa4", true);
	assert_string_equal(s.text, "\ta?[2J\n?\xc3\xa4");
	str_add_shown(&s, "b\nc", false);
	assert_string_equal(s.text, "\ta?[2J\n?\xc3\xa4"
				    "b?c");
}

static void test_errors_keep_code_and_cut_text(void **state)
{
	struct err err = { 0 };
	char *big = xcalloc(1, 4 * ERR_TEXT_MAX + 1);

	(void)state;
	memset(big, 'x', (size_t)4 * ERR_TEXT_MAX);
	errno = ENOTDIR;
	assert_int_equal(err_sys(&err, "open %s", "/x"), -ENOTDIR);
	assert_string_equal(err.text, "open /x: Not a directory");
	assert_int_equal(err_wrap(&err, "mounts[3]: "), -ENOTDIR);
	assert_string_equal(err.text, "mounts[3]: open /x: Not a directory");
	assert_int_equal(err_set(&err, EINVAL, "%s", big), -EINVAL);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
	assert_int_equal(errno, ENOTDIR);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_take_digits_and_nothing_else),
		cmocka_unit_test(test_signed_numbers_know_their_ends),
		cmocka_unit_test(test_bytes_are_read_as_docker_does),
		cmocka_unit_test(test_environment_replaces_in_place),
		cmocka_unit_test(test_split_keeps_empty_parts),
		cmocka_unit_test(test_what_is_shown_has_no_control_characters),
		cmocka_unit_test(test_errors_keep_code_and_cut_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
