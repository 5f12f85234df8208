/* The store of volumes, with containers that are there when a test says so. */
#include "volume/volume.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const char *there; /* the id of the one container that is */

static bool is_there(const char *root, const char *id, char **name)
{
	assert_string_equal(root, "/state");
	assert_string_equal(*name, "c1");
	return str_eq(id, there);
}

struct world {
	char folder[32];
	struct volume_store s;
	struct err err;
};

static int begin(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	strcpy(w->folder, "/tmp/ctr-volume-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	assert_int_equal(volume_store_open(w->folder, &w->s, &w->err), 0);
	w->s.alive = is_there;
	w->s.remove_tree = file_remove_tree;
	there = NULL;
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	volume_store_close(&w->s);
	assert_int_equal(file_remove_tree(AT_FDCWD, w->folder, &w->err), 0);
	free(w);
	return 0;
}

static struct volume_use use_by(struct world *w, const char *volume, const char *id, bool anonymous)
{
	const struct volume v = { .name = (char *)volume, .anonymous = anonymous };
	const struct volume_user user = { .root = "/state", .name = "c1", .id = id };
	struct volume_use use;

	assert_int_equal(volume_use(&w->s, &v, &user, &use, &w->err), 0);
	volume_use_ready(&use, true);
	return use;
}

static size_t count(struct world *w)
{
	CLEAN(strv) struct strv names = { 0 };

	assert_int_equal(volume_list(&w->s, &names, &w->err), 0);
	return names.count;
}

static void test_names_are_checked_before_they_are_paths(void **state)
{
	static const char *const wrong[] = { "",   ".",      "..",  "a/b", "-a",
					     "_a", ".new-a", "a b", "a\n" };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct volume v = { .name = (char *)wrong[i] }, read;

		assert_int_equal(volume_create(&w->s, &v, &w->err), -EINVAL);
		assert_int_equal(volume_read(&w->s, wrong[i], &read, &w->err), -EINVAL);
		assert_int_equal(volume_remove(&w->s, wrong[i], &w->err), -EINVAL);
	}
	assert_int_equal(volume_name_check("a.B_9-", &w->err), 0);
}

static void test_a_volume_is_read_as_it_was_made(void **state)
{
	CLEAN(volume) struct volume read = { 0 };
	struct volume v = { .name = (char *)"v1", .created_unix_ms = 5 };
	struct world *w = *state;

	strv_add(&v.labels, "a=b=c");
	assert_int_equal(volume_create(&w->s, &v, &w->err), 0);
	assert_int_equal(volume_create(&w->s, &v, &w->err), -EEXIST);
	strv_free(&v.labels);
	assert_int_equal(volume_read(&w->s, "v1", &read, &w->err), 0);
	assert_int_equal(read.created_unix_ms, 5);
	assert_false(read.anonymous);
	assert_string_equal(read.labels.items[0], "a=b=c");
	assert_int_equal(volume_remove(&w->s, "v1", &w->err), 0);
	assert_int_equal(volume_remove(&w->s, "v1", &w->err), -ENOENT);
	assert_string_equal(w->err.text, "no such volume: v1");
}

static void test_a_use_counts_while_its_container_is_made_and_while_it_is_there(void **state)
{
	struct world *w = *state;
	struct volume_use use = use_by(w, "v1", "id1", false);

	assert_true(use.first);
	assert_int_equal(volume_remove(&w->s, "v1", &w->err), -EBUSY);
	assert_non_null(strstr(w->err.text, "is being used by the following container(s): c1;"));
	there = "id1";
	volume_use_close(&use);
	assert_int_equal(volume_remove(&w->s, "v1", &w->err), -EBUSY);
	/* Gone without a word: killed, or its state with the machine's /run. */
	there = NULL;
	assert_int_equal(volume_remove(&w->s, "v1", &w->err), 0);
}

static void test_only_an_empty_volume_of_nobody_is_filled(void **state)
{
	struct world *w = *state;
	struct volume_use one = use_by(w, "v1", "id1", false), two = use_by(w, "v1", "id2", false);

	assert_true(one.first);
	assert_false(two.first);
	assert_int_equal(file_write_new(one.dir, "_data/f", "x", &w->err), 0);
	volume_use_close(&one);
	volume_use_close(&two);
	one = use_by(w, "v1", "id3", false);
	assert_false(one.first);
	volume_use_close(&one);
}

static void test_a_container_lets_go_of_its_own_anonymous_volumes_alone(void **state)
{
	struct world *w = *state;
	struct volume_use mine = use_by(w, "aaa", "id1", true),
			  named = use_by(w, "v1", "id1", false),
			  shared = use_by(w, "bbb", "id1", true),
			  theirs = use_by(w, "bbb", "id2", true);

	there = "id2";
	volume_use_close(&mine);
	volume_use_close(&named);
	volume_use_close(&shared);
	volume_use_close(&theirs);
	assert_int_equal(volume_release(&w->s, "id1", true, &w->err), 0);
	assert_int_equal(count(w), 2);
	assert_int_equal(volume_release(&w->s, "id2", false, &w->err), 0);
	assert_int_equal(count(w), 2);
	assert_int_equal(volume_remove(&w->s, "bbb", &w->err), 0);
	assert_int_equal(volume_remove(&w->s, "v1", &w->err), 0);
}

static void test_what_a_kill_left_is_removed_by_the_next(void **state)
{
	struct volume v = { .name = (char *)"v1" };
	struct world *w = *state;
	struct stat st;

	assert_int_equal(mkdirat(w->s.fd, ".new-v1", 0700), 0);
	assert_int_equal(mkdirat(w->s.fd, ".gone-0-v1", 0700), 0);
	assert_int_equal(file_write_new(w->s.fd, ".gone-0-v1/f", "x", &w->err), 0);
	assert_int_equal(count(w), 0);
	assert_int_equal(volume_create(&w->s, &v, &w->err), 0);
	assert_int_equal(volume_remove(&w->s, "v1", &w->err), 0);
	assert_int_equal(fstatat(w->s.fd, ".new-v1", &st, 0), -1);
	assert_int_equal(fstatat(w->s.fd, ".gone-0-v1", &st, 0), -1);
	assert_int_equal(fstatat(w->s.fd, ".gone-1-v1", &st, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names_are_checked_before_they_are_paths, begin,
						end),
		cmocka_unit_test_setup_teardown(test_a_volume_is_read_as_it_was_made, begin, end),
		cmocka_unit_test_setup_teardown(
			test_a_use_counts_while_its_container_is_made_and_while_it_is_there, begin,
			end),
		cmocka_unit_test_setup_teardown(test_only_an_empty_volume_of_nobody_is_filled,
						begin, end),
		cmocka_unit_test_setup_teardown(
			test_a_container_lets_go_of_its_own_anonymous_volumes_alone, begin, end),
		cmocka_unit_test_setup_teardown(test_what_a_kill_left_is_removed_by_the_next, begin,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
