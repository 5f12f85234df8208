/* Where cgroup2 is, in words; and which paths are ones for a group. */
#include "util.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void test_tree_is_found_and_described(void **state)
{
	CLEAN(free) char *words = cgroup_host_words(&util_host), *expected = NULL;

	(void)state;
	expected = xasprintf("the cgroup2 tree at %s has ", util_host.mount);
	assert_int_equal(strncmp(words, cgroup_layout_name(util_host.layout),
				 strlen(cgroup_layout_name(util_host.layout))),
			 0);
	assert_non_null(strstr(words, expected));
	if (util_host.layout == CGROUP_HYBRID)
		assert_non_null(strstr(words, " are on cgroup v1; "));
}

static void test_layouts_without_cgroup2_say_what_to_do(void **state)
{
	struct cgroup_host none = CGROUP_HOST_INIT, v1 = CGROUP_HOST_INIT;
	CLEAN(free) char *none_words = cgroup_host_words(&none), *v1_words = NULL;

	(void)state;
	v1.layout = CGROUP_V1_ONLY;
	v1_words = cgroup_host_words(&v1);
	assert_non_null(
		strstr(none_words, "none: no cgroup filesystem is mounted; mount -t cgroup2"));
	assert_non_null(strstr(v1_words, "v1: no cgroup2 tree is mounted; mount one"));
}

static void test_tree_elsewhere_can_be_named(void **state)
{
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;
	struct err err = { 0 };

	(void)state;
	assert_works(cgroup_host_at(util_host.mount, &host, &err), &err);
	assert_string_equal(host.mount, util_host.mount);
	cgroup_host_free(&host);
	assert_fails(cgroup_host_at("/proc", &host, &err), &err, ENODEV,
		     "/proc is not a cgroup2 tree");
	assert_fails(cgroup_host_at("/nowhere", &host, &err), &err, ENOENT,
		     "/nowhere: No such file");
}

static void test_own_group_exists(void **state)
{
	CLEAN(free) char *own = NULL, *at = NULL;
	CLEAN(strv) struct strv controllers = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_works(cgroup_host_own(&util_host, &own, &err), &err);
	assert_int_equal(own[0], '/');
	assert_works(cgroup_controllers(&util_host, own, &controllers, &err), &err);
	assert_fails(cgroup_controllers(&util_host, "/no-such-group", &controllers, &err), &err,
		     ENOENT, "/no-such-group/cgroup.controllers: No such file");
}

static void test_words_of_a_list(void **state)
{
	(void)state;
	assert_true(cgroup_words_have("cpuset cpu io", "cpu"));
	assert_true(cgroup_words_have("cpuset cpu", "cpu"));
	assert_true(cgroup_words_have("cpu", "cpu"));
	assert_false(cgroup_words_have("cpuset", "cpu"));
	assert_false(cgroup_words_have("xcpu cpuset", "cpu"));
	assert_false(cgroup_words_have("", "cpu"));
}

static void test_paths_for_groups(void **state)
{
	static const char *const good[] = { "/ctr/a", "/a", "/a b/c.d", "/memory.max", "/..a/b" };
	static const char *const bad[] = { "",
					   "/",
					   "a",
					   "/a/",
					   "/a//b",
					   "/../a",
					   "/a/..",
					   "/a/./b",
					   "/cgroup.procs",
					   "/a/cgroup.x/b",
					   "slice:prefix:name",
					   "/a\nb" };
	CLEAN(free) char *part = xcalloc(1, 300), *whole = xcalloc(1, 5000);
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(good); i++)
		assert_works(cgroup_path_check(good[i], &err), &err);
	for (i = 0; i < ARRAY_LEN(bad); i++)
		assert_fails(cgroup_path_check(bad[i], &err), &err, EINVAL, "cgroup path");
	memset(part, 'a', 257);
	part[0] = '/';
	assert_fails(cgroup_path_check(part, &err), &err, ENAMETOOLONG,
		     "a part is longer than 255");
	part[256] = '\0';
	assert_works(cgroup_path_check(part, &err), &err);
	for (i = 0; i < 4500; i += 2)
		memcpy(whole + i, "/a", 2);
	assert_fails(cgroup_path_check(whole, &err), &err, ENAMETOOLONG, "longer than");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree_is_found_and_described),
		cmocka_unit_test(test_layouts_without_cgroup2_say_what_to_do),
		cmocka_unit_test(test_tree_elsewhere_can_be_named),
		cmocka_unit_test(test_own_group_exists),
		cmocka_unit_test(test_words_of_a_list),
		cmocka_unit_test(test_paths_for_groups),
	};

	return cmocka_run_group_tests(tests, util_setup, util_teardown);
}
