/* The cache of prepared guests: what is found, what is shared, what goes. */
#include "microvm/prepare_cache.h"

#include "base/file.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY 86400L
#define HASH 0xabcULL

static char *root, *kernel;

static int setup(void **state)
{
	char name[] = "/tmp/ctr-cache-test-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(name));
	root = xstrdup(name);
	kernel = xasprintf("%s.kernel", root);
	close(open(kernel, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	return 0;
}

static int teardown(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(file_remove_tree(AT_FDCWD, root, &err), 0);
	unlink(kernel);
	free(root);
	free(kernel);
	return 0;
}

static struct cache_source source(uint64_t identity)
{
	struct stat st;

	assert_int_equal(stat(kernel, &st), 0);
	return (struct cache_source){ .kernel = kernel,
				      .kernel_identity = cache_identity(0, &st),
				      .identity = identity };
}

/* Two files, the second with this text: the folder's name without the cache's, or "". */
static const char *keep(uint64_t identity, uint64_t hash, const char *text)
{
	const struct cache_file files[] = { { "first", "same", 4 },
					    { "second", text, strlen(text) } };
	const struct cache_source from = source(identity);
	CLEAN(cache) struct cache c = CACHE_NONE;
	CLEAN(free) char *folder = NULL;
	static char name[64];
	struct err err = { 0 };

	assert_int_equal(cache_open(root, &c, &err), 0);
	if (cache_keep(&c, &from, hash, files, ARRAY_LEN(files), &folder, &err) < 0)
		return "";
	assert_true(str_starts(folder, root));
	snprintf(name, sizeof(name), "%s", folder + strlen(root) + 1);
	return name;
}

static bool found(uint64_t identity)
{
	CLEAN(cache) struct cache c = CACHE_NONE;
	CLEAN(free) char *folder = NULL;
	struct err err = { 0 };

	assert_int_equal(cache_open(root, &c, &err), 0);
	folder = cache_find(&c, identity);
	assert_true(!folder || access(folder, F_OK) == 0);
	return folder;
}

/* As if so long ago. */
static void age(const char *name, long seconds)
{
	CLEAN(free) char *path = xasprintf("%s/%s", root, name);
	const struct timespec times[] = { { .tv_sec = time(NULL) - seconds },
					  { .tv_sec = time(NULL) - seconds } };

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static long age_of(const char *name)
{
	CLEAN(free) char *path = xasprintf("%s/%s", root, name);
	struct stat st;

	return stat(path, &st) < 0 ? -1 : time(NULL) - st.st_mtim.tv_sec;
}

static unsigned int folders(void)
{
	CLEAN(dir) DIR *dir = opendir(root);
	unsigned int count = 0;

	for (struct dirent *e; (e = readdir(dir));)
		count += e->d_name[0] != '.' && !strstr(e->d_name, ".note");
	return count;
}

static void test_what_was_kept_is_found_by_what_it_was_made_from(void **state)
{
	CLEAN(free) char *text = NULL;
	CLEAN(free) char *path = NULL;
	struct err err;

	(void)state;
	assert_false(found(1));
	assert_string_equal(keep(1, HASH, "text"), "0000000000000abc.0");
	assert_true(found(1));
	assert_false(found(2));
	path = xasprintf("%s/0000000000000abc.0/second", root);
	assert_int_equal(file_read(AT_FDCWD, path, 100, &text, NULL, &err), 0);
	assert_string_equal(text, "text");
}

static void test_the_same_files_are_there_once(void **state)
{
	(void)state;
	keep(1, HASH, "text");
	assert_string_equal(keep(2, HASH, "text"), "0000000000000abc.0");
	assert_true(found(1) && found(2));
	assert_int_equal(folders(), 1);
}

/* A hash of 64 bits is nothing that nobody could meet on purpose. */
static void test_other_files_with_the_same_hash_are_others(void **state)
{
	static const char *const texts[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	CLEAN(free) char *spoilt = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char name[] = "0000000000000abc.?";

		name[sizeof(name) - 2] = (char)('0' + i);
		assert_string_equal(keep(i, HASH, texts[i]), name);
	}
	assert_string_equal(keep(2, HASH, "c"), "0000000000000abc.2");
	assert_string_equal(keep(9, HASH, "x"), "");
	/* One that somebody has spoilt isn't taken for what it was. */
	spoilt = xasprintf("%s/0000000000000abc.2/first", root);
	assert_int_equal(truncate(spoilt, 3), 0);
	assert_string_equal(keep(2, HASH, "c"), "");
}

static void test_what_is_not_used_for_long_goes(void **state)
{
	(void)state;
	keep(1, 0x1, "one");
	keep(2, 0x2, "two");
	age("0000000000000001.note", 31 * DAY);
	age("0000000000000001.0", 31 * DAY);
	age("0000000000000002.note", 29 * DAY);
	age("0000000000000002.0", 29 * DAY);
	/* A use is one, and brings the others to mind. */
	assert_true(found(2));
	assert_in_range(age_of("0000000000000002.note"), 0, 100);
	assert_in_range(age_of("0000000000000002.0"), 0, 100);
	assert_int_equal(age_of("0000000000000001.note"), -1);
	assert_int_equal(age_of("0000000000000001.0"), -1);
	assert_false(found(1));
}

static void test_a_use_is_not_written_down_each_time(void **state)
{
	(void)state;
	keep(1, 0x1, "one");
	age("0000000000000001.note", DAY / 2);
	assert_true(found(1));
	assert_in_range(age_of("0000000000000001.note"), DAY / 2, DAY);
}

static void test_what_one_of_two_uses_stays(void **state)
{
	(void)state;
	keep(1, HASH, "text");
	keep(2, HASH, "text");
	age("0000000000000001.note", 31 * DAY);
	age("0000000000000abc.0", 31 * DAY);
	keep(3, 0x3, "three");
	assert_int_equal(age_of("0000000000000001.note"), -1);
	assert_true(found(2));
}

/* Gone, or another by the same name: in both cases no more what it was. */
static void test_what_its_kernel_is_gone_of_goes(void **state)
{
	CLEAN(free) char *other = xasprintf("%s.other", kernel);

	(void)state;
	keep(1, 0x1, "one");
	age("0000000000000001.0", DAY);
	assert_int_equal(rename(kernel, other), 0);
	close(open(kernel, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
	keep(2, 0x2, "two");
	assert_false(found(1));
	assert_int_equal(age_of("0000000000000001.0"), -1);
	assert_true(found(2));
	unlink(other);
}

/* What nothing is said about yet may be in the making; what is not ours is none of our business. */
static void test_what_is_new_or_not_ours_stays(void **state)
{
	static const char *const names[] = { ".tmp-abcdef", "0000000000000005.0", "mine",
					     "0000000000000005x", "00000000000000005" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEAN(free) char *path = xasprintf("%s/%s", root, names[i]);

		assert_int_equal(mkdir(path, 0755), 0);
	}
	keep(1, 0x1, "one");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_true(age_of(names[i]) >= 0);
		age(names[i], 2 * DAY);
	}
	keep(2, 0x2, "two");
	assert_int_equal(age_of(".tmp-abcdef"), -1);
	assert_int_equal(age_of("0000000000000005.0"), -1);
	assert_true(age_of("mine") >= 0);
	assert_true(age_of("0000000000000005x") >= 0);
	assert_true(age_of("00000000000000005") >= 0);
}

/* Whoever has it open may be about to hand a folder on. */
static void test_nothing_goes_while_somebody_looks(void **state)
{
	CLEAN(cache) struct cache c = CACHE_NONE;
	struct err err = { 0 };

	(void)state;
	keep(1, 0x1, "one");
	age("0000000000000001.note", 31 * DAY);
	age("0000000000000001.0", 31 * DAY);
	assert_int_equal(cache_open(root, &c, &err), 0);
	keep(2, 0x2, "two");
	assert_true(age_of("0000000000000001.0") > 0);
	cache_close(&c);
	keep(3, 0x3, "three");
	assert_int_equal(age_of("0000000000000001.0"), -1);
}

static void test_notes_that_say_nonsense_say_nothing(void **state)
{
	static const char *const texts[] = { "",
					     "\n",
					     "name",
					     "../x 1 /k",
					     "a/b 1 /k",
					     ". 1 /k",
					     " 1 /k",
					     "0000000000000001.0 zz",
					     "nothere 1 /k" };
	CLEAN(free) char *path = xasprintf("%s/0000000000000007.note", root);

	(void)state;
	keep(1, 0x1, "one");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct err err = { 0 };

		assert_int_equal(file_write_atomic(AT_FDCWD, path, 0644, texts[i], strlen(texts[i]),
						   &err),
				 0);
		assert_false(found(7));
	}
	assert_true(found(1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_was_kept_is_found_by_what_it_was_made_from),
		TEST(test_the_same_files_are_there_once),
		TEST(test_other_files_with_the_same_hash_are_others),
		TEST(test_what_is_not_used_for_long_goes),
		TEST(test_a_use_is_not_written_down_each_time),
		TEST(test_what_one_of_two_uses_stays),
		TEST(test_what_its_kernel_is_gone_of_goes),
		TEST(test_what_is_new_or_not_ours_stays),
		TEST(test_nothing_goes_while_somebody_looks),
		TEST(test_notes_that_say_nonsense_say_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
