/* The source "busybox": made once, whole or not at all. */
#include "rootfs/source.h"

#include "base/file.h"
#include "base/process.h"
#include "rootfs/world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int setup(void **state)
{
	char *dir = xstrdup("/var/tmp/ctr-unit-XXXXXX");

	*state = dir;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	struct err err;
	int rc = file_remove_tree(AT_FDCWD, *state, &err);

	free(*state);
	return rc;
}

static size_t entries(const char *path)
{
	CLEAN(dir) DIR *dir = opendir(path);
	struct dirent *entry;
	size_t count = 0;

	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.' || str_starts(entry->d_name, ".tmp");
	return count;
}

static void test_it_is_made_on_first_use_and_found_on_the_second(void **state)
{
	CLEAN(free) char *cache = xasprintf("%s/a/b", (char *)*state);
	CLEAN(free) char *first = NULL;
	CLEAN(free) char *second = NULL;
	CLEAN(free) char *sh = NULL;
	CLEAN(free) char *tmp = NULL;
	struct stat made, found, st;
	struct err err;
	char text[64] = "";

	umask(077); /* the folder is for other ids too, whatever the caller's umask */
	assert_int_equal(source_busybox(cache, &first, &err), 0);
	umask(022);
	assert_int_equal(stat(first, &made), 0);
	assert_int_equal(made.st_mode & 0777, 0755);
	sh = xasprintf("%s/bin/sh", first);
	tmp = xasprintf("%s/tmp", first);
	assert_true(readlink(sh, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "/bin/busybox");
	assert_true(stat(tmp, &st) == 0 && (st.st_mode & 07777) == 01777);
	assert_int_equal(source_busybox(cache, &second, &err), 0);
	assert_string_equal(first, second);
	assert_true(stat(second, &found) == 0 && found.st_ino == made.st_ino);
	assert_int_equal(entries(cache), 1);
}

static void test_what_a_killed_maker_left_is_cleared_away(void **state)
{
	CLEAN(free) char *left = xasprintf("%s/.tmp/bin", (char *)*state);
	CLEAN(free) char *path = NULL;
	struct err err;

	assert_int_equal(file_mkdir_p(left, 0755, &err), 0);
	assert_int_equal(source_busybox(*state, &path, &err), 0);
	assert_int_equal(entries(*state), 1);
}

static void test_many_at_once_see_one_whole_folder(void **state)
{
	int pidfd[8];

	for (size_t i = 0; i < ARRAY_LEN(pidfd); i++) {
		pid_t pid = process_clone(0, -1, &pidfd[i]);

		assert_true(pid >= 0);
		if (pid == 0) {
			char *path = NULL, *last;
			struct err err;

			if (source_busybox(*state, &path, &err) < 0)
				_exit(1);
			/* What is made last must be there already. */
			last = xasprintf("%s/bin/zcat", path);
			_exit(faccessat(AT_FDCWD, last, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : 2);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(pidfd); i++) {
		int status;

		assert_int_equal(process_wait(pidfd[i], &status), 0);
		assert_int_equal(status, 0);
		close(pidfd[i]);
	}
	assert_int_equal(entries(*state), 1);
}

static void test_a_cache_that_cant_be_made_is_named(void **state)
{
	CLEAN(free) char *file = xasprintf("%s/file", (char *)*state);
	CLEAN(free) char *cache = xasprintf("%s/file/x", (char *)*state);
	char *path = NULL;
	struct err err;

	assert_true(close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0);
	assert_int_equal(source_busybox(cache, &path, &err), -ENOTDIR);
	assert_non_null(strstr(err.text, "busybox: make folder"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_it_is_made_on_first_use_and_found_on_the_second),
		TEST(test_what_a_killed_maker_left_is_cleared_away),
		TEST(test_many_at_once_see_one_whole_folder),
		TEST(test_a_cache_that_cant_be_made_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
