#include "runtime/mountinfo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_numbers_of_a_line(void **state)
{
	static const char tcp[] =
		"   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 "
		"00000000     0        0 4711 1";
	uint64_t n;

	(void)state;
	assert_true(line_number(tcp, 3, 16, &n));
	assert_int_equal(n, 10);
	assert_true(line_number(tcp, 9, 10, &n));
	assert_int_equal(n, 4711);
	/* No number as a whole, no such word, a sign. */
	assert_false(line_number(tcp, 1, 16, &n));
	assert_false(line_number(tcp, 40, 10, &n));
	assert_false(line_number("-1", 0, 10, &n));
	assert_false(line_number("", 0, 10, &n));
	assert_true(line_number("mnt_id:\t28\nino:\t4", 1, 10, &n));
	assert_int_equal(n, 28);
}

static void test_below_means_parts_and_not_letters(void **state)
{
	const char *rest;

	(void)state;
	assert_true(path_below("/a/b", "/a", &rest));
	assert_string_equal(rest, "/b");
	assert_true(path_below("/a", "/a", &rest));
	assert_string_equal(rest, "");
	assert_false(path_below("/ab", "/a", NULL));
	assert_false(path_below("/", "/a", NULL));
	assert_true(path_below("/a", "/", &rest));
	assert_string_equal(rest, "/a");
}

static void test_our_own_mounts_are_read(void **state)
{
	CLEAN(mount_table) struct mount_table t = { 0 };
	struct err err;
	const struct mount_line *proc = NULL;

	(void)state;
	assert_int_equal(mount_table_read("self", &t, &err), 0);
	for (size_t i = 0; i < t.count; i++)
		if (strcmp(t.lines[i].point, "/proc") == 0)
			proc = &t.lines[i];
	assert_non_null(proc);
	assert_string_equal(proc->type, "proc");
	assert_string_equal(proc->root, "/");
	assert_non_null(strchr(proc->dev, ':'));
	assert_true(proc->id > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_of_a_line),
		cmocka_unit_test(test_below_means_parts_and_not_letters),
		cmocka_unit_test(test_our_own_mounts_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
