#include "base/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static int parse(const char *text, size_t len, struct err *err)
{
	CLEAN(json) struct json_object *o = NULL;
	int r;

	*err = (struct err){ 0 };
	r = json_parse(text, len, "config.json", &o, err);
	assert_true(r == 0 ? o != NULL : o == NULL);
	return r;
}

static const struct {
	const char *text;
	int code;
	const char *words; /* all of the message */
} bad[] = {
	{ "", EINVAL, "config.json: the text ends in the middle (line 1, column 1)" },
	{ "{\"process\": {\"args\": [\"a\", \"b", EINVAL,
	  "config.json: process.args[1]: the text ends in the middle (line 1, column 30)" },
	{ "{\n \"a\": 1,\n}", EINVAL, "config.json: unexpected character (line 3, column 1)" },
	{ "{\"a\": [1, 2,]}", EINVAL,
	  "config.json: a[2]: unexpected character (line 1, column 13)" },
	{ "null", EINVAL, "config.json: the document is null" },
	{ "{} x", EINVAL, "config.json: unexpected character (line 1, column 4)" },
	{ "/* c */ {}", EINVAL, "config.json: unexpected character (line 1, column 1)" },
	{ "{'a': 1}", EINVAL, "config.json: unexpected character (line 1, column 2)" },
	{ "{\"a\": NaN}", EINVAL, "config.json: a: unexpected character (line 1, column 7)" },
	{ "{\"a\": -Infinity}", EINVAL, "config.json: a: unexpected character (line 1, column 8)" },
	{ "{\"a\": 1,\n // c\n}", EINVAL, "config.json: unexpected character (line 2, column 2)" },
	{ "{\"a\": True}", EINVAL, "config.json: a: unexpected character (line 1, column 7)" },
	{ "{\"a\": 018}", EINVAL, "config.json: a: number expected (line 1, column 10)" },
	{ "{\"a\": \"x\ny\"}", EINVAL,
	  "config.json: a: a control character in a string; write it as \\uXXXX "
	  "(line 1, column 7)" },
	{ "{\"a\": \"x\\u0000y\"}", EINVAL,
	  "config.json: a: a NUL character (\\u0000) in a string (line 1, column 7)" },
	{ "{\"a\": \"\xff\"}", EINVAL, "config.json: a: invalid utf-8 string (line 1, column 8)" },
	/* Numbers that json-c would saturate. */
	{ "{\"rlimits\": [{\"soft\": 18446744073709551616}]}", ERANGE,
	  "config.json: rlimits[0].soft: a number below -2^63 or over 2^64-1 "
	  "(line 1, column 23)" },
	{ "{\"a\": -9223372036854775809}", ERANGE,
	  "config.json: a: a number below -2^63 or over 2^64-1 (line 1, column 7)" },
	/* Keys that are there twice. */
	{ "{\"a\": {\"b\": 1, \"c\": 2,\n\"b\": 3}}", EINVAL,
	  "config.json: a.b: the key is there twice in one object (line 2, column 1)" },
	{ "{\"a\": {\"limit\": 1}, \"\\u0061\": 2}", EINVAL,
	  "config.json: a: the key is there twice in one object (line 1, column 21)" },
	{ "{\"a\": [1, {\"x.y\": null, \"x.y\": null}]}", EINVAL,
	  "config.json: a[1][\"x.y\"]: the key is there twice in one object "
	  "(line 1, column 25)" },
};

/* A path or an argument is bytes, and what we kept of it has to be read again. */
static void test_texts_of_our_own_documents_may_be_any_bytes(void **state)
{
	static const char text[] = "{\"a\": \"x\xff\xc3y\", \"b\": 1}",
			  twice[] = "{\"b\": 1, \"b\": 2}";
	CLEAN(json) struct json_object *o = NULL, *none = NULL;
	CLEAN(free) char *a = NULL;
	struct json_at root = { 0 }, at;
	struct err err;

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), "state.json", &none, &err), -EINVAL);
	assert_int_equal(json_parse_own(text, strlen(text), "state.json", &o, &err), 0);
	root.value = o;
	at = json_get(&root, "a");
	assert_int_equal(json_read_string(&at, &a, &err), 1);
	assert_string_equal(a, "x\xff\xc3y");
	assert_int_equal(json_parse_own(twice, strlen(twice), "state.json", &none, &err), -EINVAL);
}

static void test_bad_text_names_place_and_problem(void **state)
{
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (parse(bad[i].text, strlen(bad[i].text), &err) != -bad[i].code)
			fail_msg("%s: code %d (%s)", bad[i].text, err.code, err.text);
		assert_string_equal(err.text, bad[i].words);
	}
}

static void test_good_text_is_taken(void **state)
{
	static const char *const good[] = {
		"{}",
		"[]",
		" \n\t{}\n",
		"1",
		"\"x\"",
		"{\"a\": 1, \"A\": 2, \"b\": {\"a\": 1}, \"c\": [{\"a\": 1}, {\"a\": 2}]}",
		"{\"a:b\": \":\", \"\\\":\": \"a\\\\\"}",
		"{\"s\": \"\\u00e9 \\\\u0000 Infinity NaN 99999999999999999999\"}",
		"[18446744073709551615, -9223372036854775808, -0, 1.5, 1e3]",
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(parse(good[i], strlen(good[i]), &err), 0);
		assert_string_equal(err.text, "");
	}
}

static void test_nul_bytes_in_the_text_are_refused(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(parse("{}\0{}", 5, &err), -EINVAL);
	assert_non_null(strstr(err.text, "config.json: unexpected character"));
	assert_int_equal(parse("{\"a\": \"b\0c\"}", 12, &err), -EINVAL);
	assert_non_null(strstr(err.text, "a: a control character"));
}

static void test_every_prefix_of_a_document_is_refused(void **state)
{
	static const char text[] =
		"{\"a\": [true, {\"b\\n\": \"\\u00e9\"}, -12.5e3, null], \"c\": {\"d\": {}}}";
	struct err err;

	(void)state;
	assert_int_equal(parse(text, strlen(text), &err), 0);
	for (size_t len = 0; len < strlen(text); len++) {
		/* A copy of that length: reading behind its end is seen by the sanitizer. */
		CLEAN(free) char *copy = xcalloc(len, 1);

		memcpy(copy, text, len);
		assert_int_equal(parse(copy, len, &err), -EINVAL);
	}
}

static void repeat(struct str *s, const char *text, size_t count)
{
	while (count--)
		str_add(s, text);
}

static void test_deep_nesting_is_refused(void **state)
{
	struct err err;

	(void)state;
	for (size_t depth = JSON_DEPTH_MAX; depth <= 10000; depth += 10000 - JSON_DEPTH_MAX) {
		CLEAN(str) struct str s = { 0 };

		repeat(&s, "[", depth);
		repeat(&s, "]", depth);
		if (depth == JSON_DEPTH_MAX) {
			assert_int_equal(parse(s.text, s.len, &err), 0);
			continue;
		}
		assert_int_equal(parse(s.text, s.len, &err), -ELOOP);
		assert_string_equal(err.text,
				    "config.json: nested deeper than 64 levels (at byte 64)");
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_huge_texts_are_refused_or_read_in_linear_time(void **state)
{
	double start = seconds();
	struct err err;

	(void)state;
	{
		CLEAN(str) struct str s = { 0 };

		repeat(&s, " ", JSON_SIZE_MAX + 1);
		assert_int_equal(parse(s.text, s.len, &err), -E2BIG);
	}
	{
		CLEAN(str) struct str s = { 0 };

		str_add(&s, "{\"a\": [");
		repeat(&s, "[],", 1000000);
		assert_int_equal(parse(s.text, s.len, &err), -E2BIG);
		assert_non_null(strstr(err.text, "config.json: a["));
		assert_non_null(strstr(err.text, "more values than"));
	}
	{
		/* As many keys in one object as may be, the last one twice. */
		CLEAN(str) struct str s = { 0 };

		str_add(&s, "{");
		for (int i = 0; i < 200000; i++)
			str_printf(&s, "\"k%d\":0,", i);
		str_add(&s, "\"k199999\":0}");
		assert_int_equal(parse(s.text, s.len, &err), -EINVAL);
		assert_non_null(strstr(err.text, "k199999: the key is there twice"));
	}
	{
		CLEAN(str) struct str s = { 0 };

		str_add(&s, "{\"a\": \"");
		repeat(&s, "x", 8 << 20);
		str_add(&s, "\"}");
		assert_int_equal(parse(s.text, s.len, &err), 0);
	}
	/* Generous: sanitizers and a loaded machine. Quadratic would be minutes. */
	assert_true(seconds() - start < 20);
}

static struct json_object *document(const char *text)
{
	struct json_object *o = NULL;
	struct err err;

	assert_int_equal(json_parse(text, strlen(text), "doc", &o, &err), 0);
	return o;
}

static void test_reads_give_values_and_say_whether_present(void **state)
{
	CLEAN(json)
	struct json_object *o =
		document("{\"s\": \"x\", \"b\": true, \"n\": -5, \"u\": 18446744073709551615,"
			 "\"v\": [\"a\", \"b\"], \"none\": null}");
	struct json_at root = { .value = o }, at;
	CLEAN(free) char *s = xstrdup("old");
	CLEAN(strv) struct strv v = { 0 };
	struct err err = { 0 };
	bool b = false;
	int64_t n = 0;
	uint64_t u = 0;

	(void)state;
	strv_add(&v, "old");
	at = json_get(&root, "s");
	assert_int_equal(json_read_string(&at, &s, &err), 1);
	assert_string_equal(s, "x");
	at = json_get(&root, "b");
	assert_int_equal(json_read_bool(&at, &b, &err), 1);
	assert_true(b);
	at = json_get(&root, "n");
	assert_int_equal(json_read_i64(&at, -5, 0, &n, &err), 1);
	assert_int_equal(n, -5);
	at = json_get(&root, "u");
	assert_int_equal(json_read_u64(&at, 0, UINT64_MAX, &u, &err), 1);
	assert_true(u == UINT64_MAX);
	at = json_get(&root, "v");
	assert_int_equal(json_read_strv(&at, &v, &err), 1);
	assert_int_equal(v.count, 2);
	assert_string_equal(v.items[1], "b");
	assert_null(v.items[2]);

	for (int i = 0; i < 2; i++) {
		at = json_get(&root, i ? "none" : "missing");
		assert_int_equal(json_read_string(&at, &s, &err), 0);
		assert_string_equal(s, "x");
		assert_int_equal(json_want_object(&at, &err), 0);
		assert_int_equal(json_count(&at), 0);
	}
}

static void test_wrong_types_and_ranges_name_the_path(void **state)
{
	CLEAN(json)
	struct json_object *o =
		document("{\"p\": {\"l\": [{\"n\": 18446744073709551615}, {\"n\": -1}, 7, null]}}");
	struct json_at root = { .value = o }, p = json_get(&root, "p"), l = json_get(&p, "l");
	struct json_at first = json_item(&l, 0), second = json_item(&l, 1), n;
	CLEAN(strv) struct strv v = { 0 };
	CLEAN(free) char *s = NULL;
	struct err err;
	uint64_t u = 3;
	int64_t i = 3;

	(void)state;
	n = json_get(&first, "n");
	assert_int_equal(json_read_i64(&n, -1, INT64_MAX, &i, &err), -ERANGE);
	assert_string_equal(err.text, "p.l[0].n: 18446744073709551615 is out of range "
				      "(-1 to 9223372036854775807)");
	n = json_get(&second, "n");
	assert_int_equal(json_read_u64(&n, 0, 100, &u, &err), -ERANGE);
	assert_string_equal(err.text, "p.l[1].n: -1 is out of range (0 to 100)");
	assert_int_equal(i, 3);
	assert_int_equal(u, 3);
	assert_int_equal(json_read_string(&n, &s, &err), -EINVAL);
	assert_string_equal(err.text, "p.l[1].n: expected a string, found an integer");
	assert_int_equal(json_read_strv(&l, &v, &err), -EINVAL);
	assert_string_equal(err.text, "p.l[0]: expected a string, found an object");
	assert_int_equal(v.count, 0);
	assert_int_equal(json_want_object(&l, &err), -EINVAL);
	assert_string_equal(err.text, "p.l: expected an object, found an array");
	assert_int_equal(json_want_array(&root, &err), -EINVAL);
	assert_string_equal(err.text, "expected an array, found an object");
}

static void test_paths_are_cut_and_show_no_control_characters(void **state)
{
	struct json_at root = { 0 }, a = { .up = &root, .key = "a\x1b[2J" };
	struct json_at b = { .up = &a, .index = 12 }, c = { .up = &b, .key = "c" };
	char buf[64], small[8];

	(void)state;
	json_path(&c, buf, sizeof(buf));
	assert_string_equal(buf, "[\"a?[2J\"][12].c");
	json_path(&c, small, sizeof(small));
	assert_string_equal(small, "[\"a?[2J");
	json_path(&root, buf, sizeof(buf));
	assert_string_equal(buf, "");
	assert_string_equal(json_show("0123456789", small, sizeof(small)), "0123...");
}

static void test_building_leaves_out_what_is_absent(void **state)
{
	CLEAN(json) struct json_object *o = json_object_new_object();
	CLEAN(strv) struct strv v = { 0 };

	(void)state;
	json_put_string(o, "none", NULL);
	json_put_strv(o, "empty", &v);
	strv_add(&v, "x");
	json_put_strv(o, "v", &v);
	json_put_string(o, "s", "t");
	json_put_u64(o, "u", UINT64_MAX);
	json_put_i64(o, "i", INT64_MIN);
	json_put_bool(o, "b", false);
	assert_string_equal(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN),
			    "{\"v\":[\"x\"],\"s\":\"t\",\"u\":18446744073709551615,"
			    "\"i\":-9223372036854775808,\"b\":false}");
}

static void test_a_map_keeps_equals_signs_in_keys_and_values(void **state)
{
	CLEAN(json) struct json_object *o = NULL;
	CLEAN(strv) struct strv map = { 0 };

	(void)state;
	json_map_add(&map, "a=b", "c=d");
	json_map_add(&map, "a", "");
	assert_string_equal(strv_env_get(&map, "a"), "");
	o = json_from_map(&map);
	assert_string_equal(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN),
			    "{\"a=b\":\"c=d\",\"a\":\"\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_text_names_place_and_problem),
		cmocka_unit_test(test_texts_of_our_own_documents_may_be_any_bytes),
		cmocka_unit_test(test_good_text_is_taken),
		cmocka_unit_test(test_nul_bytes_in_the_text_are_refused),
		cmocka_unit_test(test_every_prefix_of_a_document_is_refused),
		cmocka_unit_test(test_deep_nesting_is_refused),
		cmocka_unit_test(test_huge_texts_are_refused_or_read_in_linear_time),
		cmocka_unit_test(test_reads_give_values_and_say_whether_present),
		cmocka_unit_test(test_wrong_types_and_ranges_name_the_path),
		cmocka_unit_test(test_paths_are_cut_and_show_no_control_characters),
		cmocka_unit_test(test_building_leaves_out_what_is_absent),
		cmocka_unit_test(test_a_map_keeps_equals_signs_in_keys_and_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
