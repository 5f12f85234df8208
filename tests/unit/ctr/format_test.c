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

static void test_what_is_printed_depends(void **state)
{
	(void)state;
	is("{{if .State.Running}}up{{else}}down{{end}}", "up");
	is("{{if .State.At}}a{{else if .List}}b{{else}}c{{end}}", "b");
	is("{{if not .State.Running}}a{{else}}b{{end}}", "b");
	is("{{if eq .Name \"c1\"}}a{{end}}{{if ne .Name \"c1\"}}b{{end}}", "a");
	is("{{if and .Name (eq .State.Pid 7) (gt .State.Pid 6.5)}}yes{{end}}", "yes");
	is("{{if or .State.At (lt \"a\" \"b\")}}yes{{end}}", "yes");
	is("{{with .State}}{{.Pid}}{{end}}{{with .State.At}}x{{else}}none{{end}}", "7none");
	/* What is not printed is not looked at. */
	is("{{if .State.At}}{{.Nosuch}}{{range .Nosuch}}{{end}}{{end}}", "");
	is("{{eq .Name \"a\" \"c1\"}} {{le 1 1}} {{ge 1 2}}", "true true false");
}

static void test_lists_and_objects_are_gone_through(void **state)
{
	(void)state;
	is("{{range .List}}[{{.}}]{{end}}", "[a][b]");
	is("{{range $i, $e := .List}}{{$i}}={{$e}},{{$.Name}} {{end}}", "0=a,c1 1=b,c1 ");
	is("{{range $e := .List}}{{$e}}{{end}}", "ab");
	is("{{range $k, $v := .State}}{{$k}}:{{$v}} {{end}}", "At:<no value> Pid:7 Running:true ");
	is("{{range .State.At}}x{{else}}empty{{end}}", "empty");
	is("{{range .List}}{{if eq . \"b\"}}!{{end}}{{.}}{{else}}no{{end}}.", "a!b.");
	is("{{range .List}}{{range $.List}}{{.}}{{end}};{{end}}", "ab;ab;");
}

static void test_variables_space_and_comments(void **state)
{
	(void)state;
	is("{{$p := .State.Pid}}{{$p}}{{$p}}", "77");
	is("{{$p := 1}}{{if .Name}}{{$p := 2}}{{$p}}{{end}}{{$p}}", "21");
	is("a {{- .Name -}} b", "ac1b");
	is("a {{/* nothing }} in it */}} b", "a  in it */}} b");
	is("a{{/* nothing */}}b", "ab");
	is("{{range .List -}} {{.}} {{- end}}", "ab");
	is("{{\"a}}b\"}}{{`c\\n`}}", "a}}bc\\n");
	is("{{-1}} {{true}} {{nil}} {{1.5}}", "-1 true <no value> 1.5");
}

static void test_functions_of_docker_and_podman(void **state)
{
	(void)state;
	is("{{join .List \", \"}} {{index (split \"a:b\" \":\") 1}}", "a, b b");
	is("{{upper .Name}}{{.Name | upper | lower}} {{title \"ab cd\"}}", "C1c1 Ab Cd");
	is("{{truncate \"abcdef\" 3}} {{slice \"abcdef\" 1 3}} {{truncate \"\xc3\xa9\" 1}}|",
	   "abc bc |");
	is("[{{pad .Name 1 2}}] {{println .Name 2}}", "[ c1  ] c1 2\n");
	is("{{printf \"%s %5d|%-4s|%q %v %05.1f %x%%\" .Name 7 \"a\" \"q\" .State.Running 2.25 255}}",
	   "c1     7|a   |\"q\" true   2.2 ff%");
	is("{{.List | len | printf \"%03d\"}}", "002");
	is("{{json (index .List 0)}} {{len (slice .List 1)}}", "\"a\" 1");
	is("{{(index .List 0)}}{{print 1 2}}", "a12");
}

static void test_a_table_has_headings_of_its_fields(void **state)
{
	CLEAN(json)
	struct json_object *list = json_tokener_parse(
		"[{\"Name\":\"c1\",\"State\":{\"Pid\":7}},{\"Name\":\"long\",\"State\":{\"Pid\":12}}]");
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(format_list("table {{.Name}}\\t{{json .State.Pid}}\tx", list, &out, &err),
			 0);
	assert_string_equal(out.text, "NAME   PID   x\nc1     7     x\nlong   12    x\n");
}

static void test_templates_that_would_never_end(void **state)
{
	CLEAN(str) struct str deep = { 0 };
	CLEAN(str) struct str wide = { 0 };

	(void)state;
	for (int i = 0; i < 40; i++)
		str_add(&deep, "{{if .Name}}");
	fails(deep.text, "within each other");
	for (int i = 0; i < 25; i++)
		str_add(&wide, "{{range $.List}}");
	str_add(&wide, "x");
	for (int i = 0; i < 25; i++)
		str_add(&wide, "{{end}}");
	fails(wide.text, "it never ends");
	str_free(&wide);
	str_add(&wide, "{{$a := printf \"%999s\" 1}}");
	for (int i = 0; i < 20; i++)
		str_add(&wide, "{{$a := print $a $a}}");
	fails(wide.text, "a text of more than");
}

/* Found by the fuzzer: what is looked for behind a name was read behind an empty text. */
static void test_an_empty_action_is_refused(void **state)
{
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_true(format_render("{{}}", NULL, &out, &err) < 0);
}

static void test_what_is_wrong_is_said(void **state)
{
	(void)state;
	fails("{{.Nane}}", "no field .Nane; there are .Name .State");
	fails("{{.Name.X}}", "no field .X; there are none");
	fails("{{.Name", "{{ without }}");
	fails("{{Name}}", "fields are written .Name");
	fails("{{frob .Name}}", "no function \"frob\"");
	fails("{{range .List}}", "{{range}} without {{end}}");
	fails("{{if .Name}}a{{else}}b", "{{if}} without {{end}}");
	fails("a{{end}}", "{{end}} without");
	fails("{{else}}", "{{else}} without");
	fails("{{if .Name}}{{else}}{{else}}{{end}}", "a second {{else}}");
	fails("{{range .Name}}{{end}}", "range is for lists and objects");
	fails("{{$x}}", "no variable $x");
	fails("{{.Name .Path}}", "is not understood");
	fails("{{(.Name}}", "is not understood");
	fails("{{.Name | .Path}}", "is not understood");
	fails("{{\"open}}", "{{ without }}");
	fails("{{printf \"%d\" .Name}}", "numbers where it has %d");
	fails("{{printf \"%s\"}}", "too few values");
	fails("{{printf \"%y\" 1}}", "no %y");
	fails("{{len}}", "len takes 1 values, not 0");
	fails("{{len .Name .Path}}", "takes 1 values, not 2");
	fails("{{slice .Name 1 5}}", "out of what there is");
	fails("{{index .List 2}}", "no element 2");
	fails("{{a b c d}}", "is not understood");
	fails("{{len .State.Pid}}", "len is for lists");
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
		cmocka_unit_test(test_what_is_printed_depends),
		cmocka_unit_test(test_lists_and_objects_are_gone_through),
		cmocka_unit_test(test_variables_space_and_comments),
		cmocka_unit_test(test_functions_of_docker_and_podman),
		cmocka_unit_test(test_a_table_has_headings_of_its_fields),
		cmocka_unit_test(test_templates_that_would_never_end),
		cmocka_unit_test(test_an_empty_action_is_refused),
		cmocka_unit_test(test_what_is_wrong_is_said),
		cmocka_unit_test(test_table_columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(test_durations_are_rounded_down),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
