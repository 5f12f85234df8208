#include "monitor/log_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define WHEN UINT64_C(1769903999123456789)
#define AT "2026-01-31T23:59:59.123456789Z"

static void check(log_format_fn format, enum log_stream stream, const char *bytes, size_t len,
		  const char *want)
{
	CLEAN(str) struct str out = { 0 };

	str_add(&out, "");
	format(&out, stream, bytes, len, WHEN);
	assert_string_equal(out.text, want);
	assert_int_equal(out.len, strlen(want));
}

#define K8S(stream, text, want) check(log_format_k8s, stream, text, sizeof(text) - 1, want)
#define JSON(text, want)                                           \
	check(log_format_json, LOG_STDOUT, text, sizeof(text) - 1, \
	      "{\"log\":\"" want "\",\"stream\":\"stdout\",\"time\":\"" AT "\"}\n")

static void test_k8s_lines_are_whole_and_the_rest_is_a_part(void **state)
{
	(void)state;
	K8S(LOG_STDOUT, "one\n", AT " stdout F one\n");
	K8S(LOG_STDERR, "one\n\ntwo", AT " stderr F one\n" AT " stderr F \n" AT " stderr P two\n");
	K8S(LOG_STDOUT, "\n", AT " stdout F \n");
	K8S(LOG_STDOUT, "", "");
}

static void test_k8s_bytes_stay_as_they_are(void **state)
{
	CLEAN(str) struct str out = { 0 };

	(void)state;
	log_format_k8s(&out, LOG_STDOUT, "a\0\xff\n", 4, WHEN);
	assert_int_equal(out.len, sizeof(AT " stdout F a\0\xff\n") - 1);
	assert_memory_equal(out.text, AT " stdout F a\0\xff\n", out.len);
}

static void test_json_part_has_no_newline(void **state)
{
	(void)state;
	JSON("one\n", "one\\n");
	JSON("one", "one");
	JSON("\n", "\\n");
	check(log_format_json, LOG_STDERR, "a\nb", 3,
	      "{\"log\":\"a\\n\",\"stream\":\"stderr\",\"time\":\"" AT "\"}\n"
	      "{\"log\":\"b\",\"stream\":\"stderr\",\"time\":\"" AT "\"}\n");
}

static void test_json_escapes_as_docker_does(void **state)
{
	(void)state;
	JSON("\"\\\r", "\\\"\\\\\\r");
	JSON("\t\033\x7f", "\\u0009\\u001b\x7f");
	JSON("a\0b", "a\\u0000b");
	JSON("<b>&", "\\u003cb\\u003e\\u0026");
	JSON("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", "\\u2028\\u2029\xe2\x80\xaa");
}

static void test_json_replaces_what_is_no_utf8(void **state)
{
	(void)state;
	JSON("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	JSON("\xff", "\\ufffd");
	JSON("\xc3", "\\ufffd");
	JSON("\xc0\xaf", "\\ufffd\\ufffd");                         /* too long a form */
	JSON("\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd");              /* a surrogate */
	JSON("\xf4\x90\x80\x80x", "\\ufffd\\ufffd\\ufffd\\ufffdx"); /* beyond U+10FFFF */
	JSON("\xe2\x82z", "\\ufffd\\ufffdz");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_k8s_lines_are_whole_and_the_rest_is_a_part),
		cmocka_unit_test(test_k8s_bytes_stay_as_they_are),
		cmocka_unit_test(test_json_part_has_no_newline),
		cmocka_unit_test(test_json_escapes_as_docker_does),
		cmocka_unit_test(test_json_replaces_what_is_no_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
