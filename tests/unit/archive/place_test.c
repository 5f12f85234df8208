/* Where entries of an archive go, and which requests are ones. */
#include "archive/archive.h"

#include "base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void goes(const char *path, const char *top, const char *expected)
{
	CLEAN(free) char *place = NULL;

	assert_int_equal(archive_entry_place(path, top, &place), 0);
	assert_string_equal(place, expected);
}

static void test_a_place_has_no_empty_parts_and_begins_nowhere_else(void **state)
{
	(void)state;
	goes("a/b", NULL, "a/b");
	goes("/a//b/", NULL, "a/b");
	goes("./a/./b", NULL, "a/b");
	goes(".", NULL, "");
	goes("", NULL, "");
	goes("...", NULL, "...");
	goes("a..b/..c", NULL, "a..b/..c");
}

static void test_the_first_part_is_replaced_or_left_out(void **state)
{
	(void)state;
	goes("a/b/a", "x", "x/b/a");
	goes("./b", "x", "x/b");
	goes("./", "x", "x");
	goes("a", "x", "x");
	goes("a/b/c", "", "b/c");
	goes("a/", "", "");
	goes("./b", "", "b");
}

static void test_what_leads_out_is_refused(void **state)
{
	static const char *const out[] = { "..", "../a", "a/..", "a/../b", "/..", "./../a" };
	static const char *const tops[] = { NULL, "", "x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(out); i++)
		for (size_t j = 0; j < ARRAY_LEN(tops); j++) {
			CLEAN(free) char *place = NULL;

			assert_int_equal(archive_entry_place(out[i], tops[j], &place), -EINVAL);
			assert_null(place);
		}
}

static void test_a_request_has_its_fds_and_ends_its_texts(void **state)
{
	static struct archive_request r;

	(void)state;
	r = (struct archive_request){ .magic = ARCHIVE_MAGIC,
				      .version = ARCHIVE_VERSION,
				      .kind = ARCHIVE_PACK };
	assert_true(archive_request_ok(&r, 2));
	assert_false(archive_request_ok(&r, 1));
	assert_false(archive_request_ok(&r, 3));
	r.has_userns = 1;
	assert_true(archive_request_ok(&r, 3));
	r.kind = ARCHIVE_DIFF;
	assert_true(archive_request_ok(&r, 4));
	assert_false(archive_request_ok(&r, 3));
	r.kind = ARCHIVE_DIFF + 1;
	assert_false(archive_request_ok(&r, 4));
	r.kind = 0;
	assert_false(archive_request_ok(&r, 3));
	r.kind = ARCHIVE_UNPACK;
	memset(r.path, 'x', sizeof(r.path));
	assert_false(archive_request_ok(&r, 3));
	r.path[sizeof(r.path) - 1] = '\0';
	assert_true(archive_request_ok(&r, 3));
	memset(r.name, 'x', sizeof(r.name));
	assert_false(archive_request_ok(&r, 3));
	r.name[0] = '\0';
	r.version++;
	assert_false(archive_request_ok(&r, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_place_has_no_empty_parts_and_begins_nowhere_else),
		cmocka_unit_test(test_the_first_part_is_replaced_or_left_out),
		cmocka_unit_test(test_what_leads_out_is_refused),
		cmocka_unit_test(test_a_request_has_its_fds_and_ends_its_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
