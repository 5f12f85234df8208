/* What a guest's end is told from: the last lines of its console. */
#include "base/str.h"
#include "microvm/console.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MAX 5

/* A guest says this, line by line; what its last lines are is the caller's. */
static char *tail_of(const char *const *lines)
{
	struct console c = { .fd = -1 };
	struct str out = { 0 };

	for (; *lines; lines++) {
		console_keep(&c, *lines, strlen(*lines));
		console_keep(&c, "\r\n", 2);
	}
	console_tail(&c, MAX, &out);
	return out.text;
}

static void test_the_last_lines_are_told(void **state)
{
	static const struct {
		const char *lines[12], *tail;
	} cases[] = {
		{ { "one", "two" }, "| one\n| two\n" },
		{ { "1", "2", "3", "4", "5", "6", "", "" }, "| 2\n| 3\n| 4\n| 5\n| 6\n" },
		/* The kernel's last reason comes first, however long the trace is that follows. */
		{ { "0", "Kernel panic - not syncing: x", "1", "2", "3", "4" },
		  "| Kernel panic - not syncing: x\n| 1\n| 2\n| 3\n| 4\n" },
		{ { "0", "Kernel panic - not syncing: x", "1", "2", "3", "4", "5" },
		  "| Kernel panic - not syncing: x\n| 1\n| 2\n| 3\n| 4\n| 5\n" },
		{ { "0", "Kernel panic - not syncing: x", "1", "2", "3", "4", "5", "6" },
		  "| Kernel panic - not syncing: x\n| ...\n| 2\n| 3\n| 4\n| 5\n| 6\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(free) char *tail = tail_of(cases[i].lines);

		assert_string_equal(tail, cases[i].tail);
	}
}

/* Debian's kernel says some 60 lines after that, of up to 80 bytes; on a slow host twice as many. */
static void test_a_long_trace_leaves_a_panic_a_panic(void **state)
{
	static const char line[] =
		"[   18.472784]  ? arch_exit_to_user_mode_prepare.constprop.0+0x16/0xa0\r\n";
	struct console c = { .fd = -1 };

	(void)state;
	console_keep(&c, "Kernel panic - not syncing: x\r\n", 31);
	for (int i = 0; i < 150; i++)
		console_keep(&c, line, strlen(line));
	assert_true(console_panicked(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_last_lines_are_told),
		cmocka_unit_test(test_a_long_trace_leaves_a_panic_a_panic),
	};

	return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
