#include "monitor/modes.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

/* After this output: what brings another terminal there, and what brings it back. */
static void check(const char *output, const char *want_do, const char *want_undo)
{
	CLEAN(str) struct str go = { 0 };
	CLEAN(str) struct str back = { 0 };
	struct modes whole = { 0 }, cut = { 0 };

	modes_follow(&whole, output, strlen(output));
	/* The same wherever it is cut. */
	for (size_t i = 0; i < strlen(output); i++)
		modes_follow(&cut, output + i, 1);
	assert_memory_equal(&whole, &cut, sizeof(cut));
	str_add(&go, "");
	str_add(&back, "");
	modes_do(&whole, &go);
	modes_undo(&whole, &back);
	assert_string_equal(go.text, want_do);
	assert_string_equal(back.text, want_undo);
}

#define PLAIN "\x1b[m\x1b(B"

static void test_plain_text_changes_nothing(void **state)
{
	(void)state;
	check("hello\r\n?1049h[?1049h", "", "");
	check("\x1b[31mred\x1b[0m\x1b[2J\x1b[10;20H", "", PLAIN);
}

static void test_the_other_screen_is_entered_first_and_left_last(void **state)
{
	(void)state;
	check("\x1b[?1h\x1b=\x1b[?25l\x1b[?1049h",
	      "\x1b[?1049h\x1b[?1h\x1b[?25l\x1b=", PLAIN "\x1b[r\x1b>\x1b[?25h\x1b[?1l\x1b[?1049l");
	check("\x1b[?1049h\x1b[?1049l", "", PLAIN);
}

static void test_several_in_one_sequence(void **state)
{
	(void)state;
	check("\x1b[?1000;1006;12h", "\x1b[?1000h\x1b[?1006h",
	      PLAIN "\x1b[r\x1b[?1006l\x1b[?1000l");
	check("\x1b[?1000;1006h\x1b[?1006;1000l", "", PLAIN);
}

static void test_what_looks_like_it_is_none(void **state)
{
	(void)state;
	check("\x1b[1049h\x1b[>1049h\x1b[?1049$h\x1b[?1049r\x1b[?1049s", "", PLAIN);
	check("\x1b[?66585h\x1b[?10490h\x1b[?99999999999999999999h", "", PLAIN);
	check("\x1b[?10\x18"
	      "49h\x1b[?10\x1b[49h",
	      "", PLAIN);
}

static void test_a_reset_is_one(void **state)
{
	(void)state;
	check("\x1b[?1049h\x1b[?25l\x1b=\x1b"
	      "c",
	      "", PLAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_text_changes_nothing),
		cmocka_unit_test(test_the_other_screen_is_entered_first_and_left_last),
		cmocka_unit_test(test_several_in_one_sequence),
		cmocka_unit_test(test_what_looks_like_it_is_none),
		cmocka_unit_test(test_a_reset_is_one),
	};

	return cmocka_run_group_tests_name("modes", tests, NULL, NULL);
}
