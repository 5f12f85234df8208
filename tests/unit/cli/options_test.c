#include "cli/options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct dest {
	bool flag, other, off;
	const char *text;
	struct strv list;
	struct opt_i64 bytes, number;
	int choice;
};

static const struct opt_row rows[] = {
	{ .kind = OPT_HEADING, .help = "A title" },
	{ "interactive", .kind = OPT_FLAG, .letter = 'i', OPT_TO(struct dest, flag) },
	{ "tty", .kind = OPT_FLAG, .letter = 't', OPT_TO(struct dest, other) },
	{ "sig-proxy", .kind = OPT_OFF, OPT_TO(struct dest, off) },
	{ "name", "NAME", .kind = OPT_STRING, .letter = 'n', OPT_TO(struct dest, text) },
	{ "env", "NAME", .kind = OPT_LIST, .letter = 'e', OPT_TO(struct dest, list) },
	{ "memory", "SIZE", .kind = OPT_BYTES, .letter = 'm', .min = -1,
	  OPT_TO(struct dest, bytes) },
	{ "pids-limit", "N", .kind = OPT_INT, .min = -1, .max = 100, OPT_TO(struct dest, number) },
	{ "init", .kind = OPT_CHOICE, .words = "small systemd", OPT_TO(struct dest, choice) },
	{ "only-run", .kind = OPT_FLAG, .only = 'r', OPT_TO(struct dest, flag) },
	{ 0 },
};

static const struct opt_set set = { rows, 'c' };

/* The words of a command line, cut at spaces. */
static char **words(const char *line)
{
	static char text[256], *word[32];
	size_t n = 0;

	snprintf(text, sizeof(text), "%s", line);
	for (char *w = strtok(text, " "); w; w = strtok(NULL, " "))
		word[n++] = w;
	word[n] = NULL;
	return word;
}

static void dest_free(struct dest *d)
{
	opt_free(&set, d);
}
CLEAN_DEFINE(dest, struct dest, dest_free)

static void refused(const char *line, const char *part)
{
	CLEAN(dest) struct dest d = { 0 };
	struct err err = { 0 };

	assert_true(opt_parse(&set, words(line), false, &d, &err) < 0);
	if (!strstr(err.text, part))
		fail_msg("\"%s\" has no \"%s\"", err.text, part);
}

static void test_values_in_every_way_of_writing(void **state)
{
	CLEAN(dest) struct dest d = { 0 };
	struct err err = { 0 };
	char **w =
		words("--name=a one -e X=1 -eY=2 -e=Z=3 --env W --memory 1.5k --pids-limit=-1 two");

	(void)state;
	assert_int_equal(opt_parse(&set, w, false, &d, &err), 0);
	assert_string_equal(d.text, "a");
	assert_int_equal(d.list.count, 4);
	assert_string_equal(d.list.items[0], "X=1");
	assert_string_equal(d.list.items[1], "Y=2");
	assert_string_equal(d.list.items[2], "Z=3");
	assert_int_equal(d.bytes.value, 1536);
	assert_int_equal(d.number.value, -1);
	assert_string_equal(w[0], "one");
	assert_string_equal(w[1], "two");
	assert_null(w[2]);
}

static void test_letters_bundle_and_the_last_takes_a_value(void **state)
{
	CLEAN(dest) struct dest d = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(opt_parse(&set, words("-itn box"), false, &d, &err), 0);
	assert_true(d.flag && d.other);
	assert_string_equal(d.text, "box");
}

static void test_payload_keeps_its_flags(void **state)
{
	CLEAN(dest) struct dest d = { 0 };
	struct err err = { 0 };
	char **w = words("-i host ls --name x -t");

	(void)state;
	assert_int_equal(opt_parse(&set, w, true, &d, &err), 0);
	assert_true(d.flag && !d.other && !d.text);
	assert_string_equal(w[0], "host");
	assert_string_equal(w[2], "--name");
	assert_string_equal(w[4], "-t");
	assert_null(w[5]);
}

static void test_two_dashes_end_the_flags(void **state)
{
	CLEAN(dest) struct dest d = { 0 };
	struct err err = { 0 };
	char **w = words("-i -- -t --name");

	(void)state;
	assert_int_equal(opt_parse(&set, w, false, &d, &err), 0);
	assert_true(d.flag && !d.other);
	assert_string_equal(w[0], "-t");
	assert_string_equal(w[1], "--name");
}

static void test_flags_take_true_and_false(void **state)
{
	CLEAN(dest) struct dest d = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(opt_parse(&set, words("-i --interactive=false --sig-proxy=false"), false,
				   &d, &err),
			 0);
	assert_true(!d.flag && d.off);
	assert_int_equal(opt_parse(&set, words("--sig-proxy"), false, &d, &err), 0);
	assert_false(d.off);
	refused("--tty=perhaps", "--tty: \"perhaps\" is neither true nor false");
}

static void test_choice_goes_without_its_word(void **state)
{
	static const struct {
		const char *line;
		int choice;
	} rows_of[] = {
		{ "--init", 1 },
		{ "--init systemd", 1 },
		{ "--init=small", 1 },
		{ "--init=true", 1 },
		{ "--init=systemd", 2 },
		{ "--init=systemd --init=false", 0 },
		{ "--init=systemd --init", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows_of); i++) {
		CLEAN(dest) struct dest d = { 0 };
		struct err err = { 0 };

		assert_int_equal(opt_parse(&set, words(rows_of[i].line), false, &d, &err), 0);
		assert_int_equal(d.choice, rows_of[i].choice);
	}
	refused("--init=sys", "--init: \"sys\" is none of small systemd");
}

static void test_unknown_flag_is_named_with_the_nearest(void **state)
{
	(void)state;
	refused("--memroy 5m", "unknown flag --memroy; did you mean --memory?");
	refused("--inter", "did you mean --interactive?");
	refused("-x", "unknown flag -x");
	refused("--only-run", "unknown flag --only-run");
}

static void test_unknown_flag_far_from_all_gets_no_guess(void **state)
{
	CLEAN(dest) struct dest d = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_true(opt_parse(&set, words("--frobnicate"), false, &d, &err) < 0);
	assert_string_equal(err.text, "unknown flag --frobnicate");
}

static void test_values_out_of_range_name_the_flag(void **state)
{
	(void)state;
	refused("--pids-limit 101", "--pids-limit: \"101\" is not a whole number from -1 to 100");
	refused("--pids-limit ten", "--pids-limit: \"ten\"");
	refused("--memory lots", "--memory: \"lots\" is no size");
	refused("--memory 18446744073709551615", "--memory");
	refused("--name", "--name needs a value: --name NAME");
	refused("-n", "-n needs a value: -n NAME");
}

static void test_minus_one_is_no_limit_where_the_row_says_so(void **state)
{
	CLEAN(dest) struct dest d = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(opt_parse(&set, words("--memory -1"), false, &d, &err), 0);
	assert_true(d.bytes.set);
	assert_int_equal(d.bytes.value, -1);
}

static void test_help_is_known_everywhere(void **state)
{
	CLEAN(dest) struct dest d = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(opt_parse(&set, words("-i --help"), false, &d, &err), OPT_HELP);
	assert_int_equal(opt_parse(&set, words("-h"), false, &d, &err), OPT_HELP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_in_every_way_of_writing),
		cmocka_unit_test(test_letters_bundle_and_the_last_takes_a_value),
		cmocka_unit_test(test_payload_keeps_its_flags),
		cmocka_unit_test(test_two_dashes_end_the_flags),
		cmocka_unit_test(test_flags_take_true_and_false),
		cmocka_unit_test(test_choice_goes_without_its_word),
		cmocka_unit_test(test_unknown_flag_is_named_with_the_nearest),
		cmocka_unit_test(test_unknown_flag_far_from_all_gets_no_guess),
		cmocka_unit_test(test_values_out_of_range_name_the_flag),
		cmocka_unit_test(test_minus_one_is_no_limit_where_the_row_says_so),
		cmocka_unit_test(test_help_is_known_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
