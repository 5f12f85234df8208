#include "ctr/format.h"

#include "base/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char text[] =
	"{\"Name\":\"c1\",\"State\":{\"Pid\":7,\"Running\":true,\"At\":null},\"List\":[\"a\",\"b\"],"
	"\"Map\":{\"a.b\":\"dotted\"},\"Path\":\"/x\"}";

static int render(const char *format, struct str *out, struct err *err)
{
	CLEAN(json) struct json_object *doc = json_tokener_parse(text);

	str_add(out, "");
	return format_render(format, doc, out, err);
}

static void is(const char *format, const char *expected)
{
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };

	if (render(format, &out, &err) < 0)
		fail_msg("%s: %s", format, err.text);
	assert_string_equal(out.text, expected);
}

static void fails(const char *format, const char *part)
{
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };

	assert_true(render(format, &out, &err) < 0);
	if (!strstr(err.text, part))
		fail_msg("\"%s\" has no \"%s\"", err.text, part);
}

static void test_fields_and_text_around_them(void **state)
{
	(void)state;
	is("{{.Name}} {{.State.Pid}}", "c1 7");
	is("{{ .Name }}", "c1");
	is("a\\tb\\n{{.State.Running}}", "a\tb\ntrue");
	is("{{.List}}", "[\"a\",\"b\"]");
	is("", "");
}

static void test_names_match_whatever_their_case(void **state)
{
	(void)state;
	is("{{.name}} {{.state.pid}}", "c1 7");
}

static void test_functions(void **state)
{
	(void)state;
	is("{{json .State}}", "{\"Pid\":7,\"Running\":true,\"At\":null}");
	is("{{.Path | json}}", "\"/x\"");
	is("{{.Path|json}}", "\"/x\"");
	is("{{len .List}} {{len .Name}}", "2 2");
	is("{{index .Map \"a.b\"}} {{index .List 1}}", "dotted b");
	is("{{index .Map \"none\"}}", "<no value>");
	is("{{.State.At}}", "<no value>");
}

static void test_what_is_wrong_is_said(void **state)
{
	(void)state;
	fails("{{.Nane}}", "no field .Nane; there are .Name .State");
	fails("{{.Name.X}}", "no field .X; there are none");
	fails("{{.Name", "{{ without }}");
	fails("{{Name}}", "fields are written .Name");
	fails("{{upper .Name}}", "no function \"upper\"");
	fails("{{range .List}}", "no function \"range\"");
	fails("{{index .List 2}}", "no element 2");
	fails("{{a b c d}}", "is not understood");
}

static void test_table_columns_are_as_wide_as_their_widest_cell(void **state)
{
	struct table t = { .columns = 2 };
	CLEAN(str) struct str out = { 0 };

	(void)state;
	strv_add(&t.cells, "NAME");
	strv_add(&t.cells, "PID");
	strv_add(&t.cells, "longer");
	strv_add(&t.cells, "1");
	table_print(&t, true, &out);
	assert_string_equal(out.text, "NAME     PID\nlonger   1\n");
	/* A command line of somebody's stays on its line, and in its column. */
	strv_add(&t.cells, "a\nb\x1b[0m");
	strv_add(&t.cells, "2");
	str_free(&out);
	table_print(&t, false, &out);
	assert_string_equal(out.text, "longer    1\na?b?[0m   2\n");
	strv_free(&t.cells);
}

static void test_durations_are_rounded_down(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *words;
	} rows[] = {
		{ 0, "less than a second" }, { 1, "1 second" },
		{ 59, "59 seconds" },        { 119, "1 minute" },
		{ 7300, "2 hours" },         { 86400, "1 day" },
		{ 15 * 86400, "2 weeks" },   { 400ull * 86400, "1 year" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEAN(str) struct str out = { 0 };

		format_duration(rows[i].seconds, &out);
		assert_string_equal(out.text, rows[i].words);
	}
}

static void test_times(void **state)
{
	char out[32];

	(void)state;
	format_time(0, out);
	assert_string_equal(out, "");
	format_time(1700000000123, out);
	assert_string_equal(out, "2023-11-14T22:13:20.123Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_and_text_around_them),
		cmocka_unit_test(test_names_match_whatever_their_case),
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_what_is_wrong_is_said),
		cmocka_unit_test(test_table_columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(test_durations_are_rounded_down),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
