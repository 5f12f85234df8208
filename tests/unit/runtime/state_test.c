#include "runtime/state.h"

#include "base/file.h"
#include "base/json.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/ctr-state-XXXXXX";
static int root = -1;

static int set_up(void **state)
{
	struct err err;

	(void)state;
	if (!mkdtemp(path))
		return -1;
	root = state_root_open(path, &err);
	return root < 0;
}

static int tear_down(void **state)
{
	struct err err;

	(void)state;
	close(root);
	return file_remove_tree(AT_FDCWD, path, &err);
}

static void refresh(int dir, struct state *s)
{
	struct err err;
	int pidfd = state_refresh_open(dir, s, &err);

	if (pidfd >= 0)
		close(pidfd);
	else
		assert_int_equal(pidfd, -ESRCH);
}

static void test_names_that_could_be_paths_are_refused(void **state)
{
	static const char *const bad[] = { "",   ".",   "..",  "a/b",     "-a",
					   ".a", "a b", "a\n", "\xc3\xa4" };
	char longest[STATE_NAME_MAX + 2];
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(state_name_check(bad[i], &err), -EINVAL);
	memset(longest, 'a', sizeof(longest));
	longest[STATE_NAME_MAX + 1] = '\0';
	assert_int_equal(state_name_check(longest, &err), -EINVAL);
	longest[STATE_NAME_MAX] = '\0';
	assert_int_equal(state_name_check(longest, &err), 0);
	assert_int_equal(state_name_check("a_B.1+c-2", &err), 0);
}

static void test_a_name_is_reserved_once(void **state)
{
	CLEAN(strv) struct strv names = { 0 };
	struct err err;
	int dir = state_reserve(root, "one", &err);

	(void)state;
	assert_true(dir >= 0);
	assert_int_equal(state_reserve(root, "one", &err), -EEXIST);
	assert_non_null(strstr(err.text, "\"one\" already exists"));
	assert_int_equal(state_list(root, &names, &err), 0);
	assert_int_equal(names.count, 1);
	close(dir);
	assert_int_equal(state_remove(root, "one", &err), 0);
	dir = state_reserve(root, "one", &err);
	assert_true(dir >= 0);
	close(dir);
	assert_int_equal(state_remove(root, "one", &err), 0);
}

/* What a killed `ctr` leaves: a folder, perhaps with a document, that nobody holds. */
static void test_a_container_whose_maker_died_has_stopped(void **state)
{
	CLEAN(state) struct state s = { 0 };
	CLEAN(free) char *name = NULL;
	struct err err;
	int dir = state_reserve(root, "two", &err), other;

	(void)state;
	other = state_open(root, "two", &name, &err);
	assert_true(other >= 0);
	assert_int_equal(state_read(other, name, &s, &err), 0);
	refresh(other, &s);
	assert_int_equal(s.status, STATUS_CREATING);
	close(dir);
	refresh(other, &s);
	assert_int_equal(s.status, STATUS_STOPPED);
	close(other);
	assert_int_equal(state_remove(root, "two", &err), 0);
}

static void test_what_is_written_is_read_again(void **state)
{
	CLEAN(state) struct state s = { 0 }, back = { 0 };
	struct err err;
	int dir = state_reserve(root, "three", &err);

	(void)state;
	s.name = xstrdup("three");
	s.id = xstrdup("abcdef0123456789");
	s.cgroup = xstrdup("/ctr/three");
	s.bundle = xstrdup("/caf\xe9"); /* a path is bytes */
	s.status = STATUS_CREATED;
	s.pid = getpid();
	s.exit_code = 137;
	s.exit_known = true;
	s.created_unix_ms = 1700000000123;
	strv_add(&s.annotations, "a.b=c=d");
	s.stages[s.stage_count++] = (struct stage_time){ xstrdup("reserve the name"), 42 };
	assert_int_equal(process_start_time(getpid(), &s.pid_start), 0);
	assert_int_equal(state_write(dir, &s, &err), 0);
	assert_int_equal(state_read(dir, "three", &back, &err), 0);
	assert_string_equal(back.cgroup, "/ctr/three");
	assert_string_equal(back.bundle, "/caf\xe9");
	assert_string_equal(back.annotations.items[0], "a.b=c=d");
	assert_int_equal(back.exit_code, 137);
	assert_true(back.exit_known);
	assert_true(back.created_unix_ms == 1700000000123);
	assert_true(back.pid_start == s.pid_start);
	assert_int_equal(back.stage_count, 1);
	assert_true(back.stages[0].ns == 42);

	/* Its process lives and nobody can be asked to start it: it runs. */
	refresh(dir, &back);
	assert_int_equal(back.status, STATUS_RUNNING);
	/* The same pid, but another process: it is gone. */
	back.status = STATUS_CREATED;
	back.pid_start++;
	refresh(dir, &back);
	assert_int_equal(back.status, STATUS_STOPPED);
	close(dir);
}

static void test_an_id_is_found_by_its_beginning(void **state)
{
	CLEAN(free) char *name = NULL;
	struct err err;
	int dir = state_open(root, "abcdef", &name, &err);

	(void)state;
	assert_true(dir >= 0);
	assert_string_equal(name, "three");
	close(dir);
	assert_int_equal(state_open(root, "abcdff", &name, &err), -ENOENT);
	assert_non_null(strstr(err.text, "\"abcdff\" does not exist"));
	assert_int_equal(state_open(root, "../three", &name, &err), -EINVAL);
}

static void test_a_broken_document_is_an_error_not_a_crash(void **state)
{
	static const char *const broken[] = {
		"",
		"{",
		"[]",
		"{\"version\":1,\"status\":\"flying\"}",
		"{\"version\":1,\"status\":\"running\",\"pid\":\"x\"}",
		"{\"version\":1,\"status\":\"running\",\"stages\":{}}",
		"{\"status\":\"running\"}",
	};
	CLEAN(free) char *name = NULL;
	struct state s = { 0 };
	struct err err;
	int dir = state_open(root, "three", &name, &err);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		assert_int_equal(file_write_atomic(dir, "state.json", 0600, broken[i],
						   strlen(broken[i]), &err),
				 0);
		assert_true(state_read(dir, "three", &s, &err) < 0);
		assert_non_null(strstr(err.text, "state of container \"three\""));
	}
	close(dir);
}

static void test_log_named_after_the_id_goes_with_its_older_files_another_stays(void **state)
{
	static const char *const gone[] = { "abc.log", "abc.log.1", "abc.log.7" };
	static const char *const kept[] = { "abc.log.x", "abc.logs", "abcd.log", "mine" };
	CLEAN(free) char *ours = xasprintf("%s/abc.log", path), *mine = xasprintf("%s/mine", path);
	struct state s = { .id = (char[]){ "abc" }, .log_path = mine };
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		assert_int_equal(file_write_new(root, gone[i], "", &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		assert_int_equal(file_write_new(root, kept[i], "", &err), 0);
	assert_int_equal(state_log_remove(&s, &err), 0);
	assert_int_equal(faccessat(root, "mine", F_OK, 0), 0);
	s.log_path = ours;
	assert_int_equal(state_log_remove(&s, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		assert_int_equal(faccessat(root, gone[i], F_OK, 0), -1);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		assert_int_equal(unlinkat(root, kept[i], 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_that_could_be_paths_are_refused),
		cmocka_unit_test(
			test_log_named_after_the_id_goes_with_its_older_files_another_stays),
		cmocka_unit_test(test_a_name_is_reserved_once),
		cmocka_unit_test(test_a_container_whose_maker_died_has_stopped),
		cmocka_unit_test(test_what_is_written_is_read_again),
		cmocka_unit_test(test_an_id_is_found_by_its_beginning),
		cmocka_unit_test(test_a_broken_document_is_an_error_not_a_crash),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
