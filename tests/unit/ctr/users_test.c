#include "runtime/account.h"

#include "base/file.h"
#include "base/str.h"
#include "ctr/made.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "# a comment\n"
			     "broken\n"
			     "ann:x:1000:1001:Ann,,,:/home/ann:/bin/sh\n"
			     "42:x:2000:2000::/:/bin/sh\n"
			     "bob:x:1002:1002";

static const char groups[] = "root:x:0:\n"
			     "wheel:x:10:root,ann\n"
			     "ann:x:1001:\n"
			     "disk:x:6:annabel\n"
			     "audio:x:29:bob,ann\n";

struct tree {
	char path[32];
	int fd;
};

static int setup(void **state)
{
	struct tree *t = xcalloc(1, sizeof(*t));
	struct err err;

	strcpy(t->path, "/tmp/ctr-users-XXXXXX");
	if (!mkdtemp(t->path))
		return -1;
	t->fd = open(t->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(t->fd, "etc", 0755) < 0 ||
	    file_write_atomic(t->fd, "etc/passwd", 0644, passwd, sizeof(passwd) - 1, &err) < 0 ||
	    file_write_atomic(t->fd, "etc/group", 0644, groups, sizeof(groups) - 1, &err) < 0)
		return -1;
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct tree *t = *state;
	struct err err;
	int r = file_remove_tree(AT_FDCWD, t->path, &err);

	close(t->fd);
	free(t);
	return r;
}

static void found(const struct tree *t, const char *user, uint32_t uid, uint32_t gid,
		  const char *home, size_t groups_count)
{
	CLEAN(account) struct account a = { 0 };
	struct err err = { 0 };

	if (account_find(t->fd, user, &a, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(a.uid, uid);
	assert_int_equal(a.gid, gid);
	if (home)
		assert_string_equal(a.home, home);
	else
		assert_null(a.home);
	assert_int_equal(a.gids.count, groups_count);
}

static void test_name_brings_group_home_and_memberships(void **state)
{
	found(*state, "ann", 1000, 1001, "/home/ann", 2);
	found(*state, "1000", 1000, 1001, "/home/ann", 2);
}

static void test_nobody_named_is_root(void **state)
{
	found(*state, NULL, 0, 0, "/root", 1);
	found(*state, "", 0, 0, "/root", 1);
	found(*state, ":wheel", 0, 10, "/root", 0);
}

static void test_number_needs_no_account(void **state)
{
	found(*state, "77", 77, 0, NULL, 0);
	found(*state, "77:88", 77, 88, NULL, 0);
}

static void test_group_given_is_the_only_one(void **state)
{
	found(*state, "ann:audio", 1000, 29, "/home/ann", 0);
	found(*state, "ann:29", 1000, 29, "/home/ann", 0);
}

static void test_last_line_without_newline_counts(void **state)
{
	found(*state, "bob", 1002, 1002, NULL, 1);
}

static void fails(const struct tree *t, const char *user, const char *part)
{
	CLEAN(account) struct account a = { 0 };
	struct err err = { 0 };

	assert_int_equal(account_find(t->fd, user, &a, &err), -ENOENT);
	if (!strstr(err.text, part))
		fail_msg("\"%s\" has no \"%s\"", err.text, part);
}

static void test_unknown_names_are_refused(void **state)
{
	fails(*state, "eve", "no user \"eve\" in the container's /etc/passwd");
	fails(*state, "ann:eve", "no group \"eve\" in the container's /etc/group");
	/* 2^32-1 is no id. */
	fails(*state, "4294967295", "no user");
}

static void test_without_a_tree_numbers_alone_are_known(void **state)
{
	const struct tree none = { .fd = -1 };
	static const char *const names[] = { "ann", "1000:audio" };

	(void)state;
	found(&none, NULL, 0, 0, NULL, 0);
	found(&none, "1000", 1000, 0, NULL, 0);
	found(&none, "1000:29", 1000, 29, NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEAN(account) struct account a = { 0 };
		struct err err = { 0 };

		assert_int_equal(account_find(-1, names[i], &a, &err), -EINVAL);
		assert_non_null(strstr(err.text, "is a name"));
	}
}

static void test_fifo_for_a_file_does_not_hang(void **state)
{
	const struct tree *t = *state;
	CLEAN(account) struct account a = { 0 };
	struct err err = { 0 };

	assert_int_equal(unlinkat(t->fd, "etc/passwd", 0), 0);
	assert_int_equal(mkfifoat(t->fd, "etc/passwd", 0644), 0);
	assert_true(account_find(t->fd, "ann", &a, &err) < 0);
	assert_non_null(strstr(err.text, "not a regular file"));
}

static void test_link_out_of_the_tree_stays_inside(void **state)
{
	const struct tree *t = *state;
	CLEAN(account) struct account a = { 0 };
	struct err err = { 0 };

	assert_int_equal(unlinkat(t->fd, "etc/passwd", 0), 0);
	assert_int_equal(symlinkat("/etc/group", t->fd, "etc/passwd"), 0);
	assert_int_equal(account_find(t->fd, "audio", &a, &err), -ENOENT);
}

static void test_flags_fill_the_process(void **state)
{
	const struct tree *t = *state;
	CLEAN(free) char *line = xasprintf("--rootfs %s -h h -u ann --group-add disk", t->path);
	CLEAN(free) char *other = xasprintf("--rootfs %s -h h -e HOME=/x", t->path);

	made_is(line, "{{json .spec.process.user}}{{index .spec.process.env 1}}",
		"{\"uid\":1000,\"gid\":1001,\"umask\":18,\"additionalGids\":[1001,10,29,6]}HOME=/home/ann");
	made_is(other, "{{json .spec.process.user}}{{index .spec.process.env 1}}",
		"{\"uid\":0,\"gid\":0,\"umask\":18,\"additionalGids\":[0,10]}HOME=/x");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_name_brings_group_home_and_memberships),
		TEST(test_nobody_named_is_root),
		TEST(test_number_needs_no_account),
		TEST(test_group_given_is_the_only_one),
		TEST(test_last_line_without_newline_counts),
		TEST(test_unknown_names_are_refused),
		TEST(test_without_a_tree_numbers_alone_are_known),
		TEST(test_fifo_for_a_file_does_not_hang),
		TEST(test_link_out_of_the_tree_stays_inside),
		TEST(test_flags_fill_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
