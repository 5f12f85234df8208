#include "systemd/unit.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct systemd_unit unit;
static struct err err;

static int make(const char *path, bool user)
{
	const struct systemd_wish wish = { .cgroups_path = path, .id = "c1", .user = user };

	systemd_unit_free(&unit);
	err = (struct err){ 0 };
	return systemd_unit_make(&wish, &unit, &err);
}

static void is(const char *path, const char *name, const char *slice, const char *where)
{
	assert_int_equal(make(path, false), 0);
	assert_string_equal(unit.name, name);
	assert_string_equal(unit.slice, slice);
	assert_string_equal(unit.path, where);
	assert_false(unit.is_slice);
	systemd_unit_free(&unit);
}

static void refuses(const char *path, const char *words)
{
	assert_int_not_equal(make(path, false), 0);
	assert_non_null(strstr(err.text, "linux.cgroupsPath: "));
	if (!strstr(err.text, words))
		fail_msg("%s: %s", path, err.text);
	/* Nothing half made. */
	assert_null(unit.name);
	assert_null(unit.slice);
}

static void test_a_path_of_three_parts_is_a_scope_in_a_slice(void **state)
{
	(void)state;
	is("system.slice:podman:abc", "podman-abc.scope", "system.slice",
	   "/system.slice/podman-abc.scope");
	is("machine.slice:libpod:0123", "libpod-0123.scope", "machine.slice",
	   "/machine.slice/libpod-0123.scope");
	/* All behind the second colon is the name. */
	is("a.slice:p:n:m", "p-n:m.scope", "a.slice", "/a.slice/p-n:m.scope");
}

static void test_what_is_left_out_has_a_usual_value(void **state)
{
	(void)state;
	is(":docker:abc", "docker-abc.scope", "system.slice", "/system.slice/docker-abc.scope");
	is("system.slice::abc", "abc.scope", "system.slice", "/system.slice/abc.scope");
	is(NULL, "ctr-c1.scope", "system.slice", "/system.slice/ctr-c1.scope");
	is("", "ctr-c1.scope", "system.slice", "/system.slice/ctr-c1.scope");
	assert_int_equal(make(NULL, true), 0);
	assert_string_equal(unit.path, "/user.slice/ctr-c1.scope");
	assert_int_equal(make(":docker:abc", true), 0);
	assert_string_equal(unit.slice, "user.slice");
	systemd_unit_free(&unit);
}

static void test_each_dash_of_a_slice_is_a_step_down(void **state)
{
	(void)state;
	is("a-b-c.slice:p:n", "p-n.scope", "a-b-c.slice",
	   "/a.slice/a-b.slice/a-b-c.slice/p-n.scope");
	is("-.slice:p:n", "p-n.scope", "-.slice", "/p-n.scope");
	is("-:p:n", "p-n.scope", "-.slice", "/p-n.scope");
}

static void test_a_name_that_is_a_slice_makes_one_in_its_own_place(void **state)
{
	(void)state;
	assert_int_equal(make("::pods-one.slice", false), 0);
	assert_true(unit.is_slice);
	assert_string_equal(unit.name, "pods-one.slice");
	assert_string_equal(unit.path, "/pods.slice/pods-one.slice");
	assert_null(unit.slice);
	assert_int_equal(make("system.slice:x:one.slice", false), 0);
	assert_string_equal(unit.path, "/one.slice");
	assert_string_equal(unit.slice, "system.slice");
	systemd_unit_free(&unit);
}

static void test_a_parent_is_the_slice_where_none_is_named(void **state)
{
	const struct systemd_wish own = { .parent = "web.slice", .id = "c1" };
	const struct systemd_wish named = { "b.slice:p:n", "web.slice", "c1", false };

	(void)state;
	assert_int_equal(systemd_unit_make(&own, &unit, &err), 0);
	assert_string_equal(unit.path, "/web.slice/ctr-c1.scope");
	systemd_unit_free(&unit);
	assert_int_equal(systemd_unit_make(&named, &unit, &err), 0);
	assert_string_equal(unit.path, "/b.slice/p-n.scope");
	systemd_unit_free(&unit);
}

static void test_an_id_of_ours_is_escaped(void **state)
{
	const struct systemd_wish wish = { .id = "a+b" };

	(void)state;
	assert_int_equal(systemd_unit_make(&wish, &unit, &err), 0);
	assert_string_equal(unit.name, "ctr-a\\x2bb.scope");
	systemd_unit_free(&unit);
}

static void test_bad_paths_are_refused_with_the_rule_that_they_break(void **state)
{
	char longest[300];

	(void)state;
	refuses("/machine/abc", "SLICE:PREFIX:NAME");
	refuses("abc", "SLICE:PREFIX:NAME");
	refuses("system.slice:abc", "SLICE:PREFIX:NAME");
	refuses("system.slice:p:", "SLICE:PREFIX:NAME");
	refuses("machine:p:n", "has to end in \".slice\"");
	refuses(".slice:p:n", "can't be a slice");
	refuses("a--b.slice:p:n", "can't be a slice");
	refuses("-a.slice:p:n", "can't be a slice");
	refuses("a-.slice:p:n", "can't be a slice");
	refuses("a.slice/b.slice:p:n", "can't be a slice");
	refuses("../x.slice:p:n", "can't be a slice");
	refuses("a.slice:p:n/m", "can't be the name of a unit");
	refuses("a.slice:p:n m", "can't be the name of a unit");
	refuses("a.slice:../p:n", "can't be the name of a unit");
	refuses("a.slice:p:a+b", "can't be the name of a unit");
	refuses("a.slice:p:\x01", "can't be the name of a unit");
	refuses("::a--b.slice", "can't be a slice of its own");
	refuses("::-.slice", "can't be a slice of its own");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memcpy(longest, "::", 2);
	refuses(longest, "systemd takes 255");
}

static void test_the_longest_name_is_taken(void **state)
{
	char path[2 + SYSTEMD_NAME_MAX - 6 + 1];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	memcpy(path, "::", 2);
	assert_int_equal(make(path, false), 0);
	assert_int_equal(strlen(unit.name), SYSTEMD_NAME_MAX);
	systemd_unit_free(&unit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_path_of_three_parts_is_a_scope_in_a_slice),
		cmocka_unit_test(test_what_is_left_out_has_a_usual_value),
		cmocka_unit_test(test_each_dash_of_a_slice_is_a_step_down),
		cmocka_unit_test(test_a_name_that_is_a_slice_makes_one_in_its_own_place),
		cmocka_unit_test(test_a_parent_is_the_slice_where_none_is_named),
		cmocka_unit_test(test_an_id_of_ours_is_escaped),
		cmocka_unit_test(test_bad_paths_are_refused_with_the_rule_that_they_break),
		cmocka_unit_test(test_the_longest_name_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
