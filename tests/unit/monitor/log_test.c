#include "monitor/log.h"

#include "base/fd.h"
#include "base/file.h"
#include "monitor/log_format.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define FILES 900

static char folder[] = "/tmp/ctr-log-XXXXXX";

static int setup(void **state)
{
	(void)state;
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	struct err err = { 0 };

	(void)state;
	return file_remove_tree(AT_FDCWD, folder, &err);
}

static char *in_folder(const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

/* All that is logged, the oldest file first. */
static void all_logged(const char *path, struct str *out)
{
	struct err err = { 0 };

	str_add(out, "");
	for (int i = FILES; i >= 0; i--) {
		CLEAN(free) char *name = i ? xasprintf("%s.%d", path, i) : xstrdup(path);
		CLEAN(free) char *text = NULL;
		size_t len;

		if (access(name, F_OK) < 0)
			continue;
		assert_int_equal(file_read(AT_FDCWD, name, SIZE_MAX / 2, &text, &len, &err), 0);
		str_add_bytes(out, text, len);
	}
}

/* ---- killed ---------------------------------------------------------------------------- */

#define CHUNKS 150

struct shared {
	struct log_mark mark;
	_Atomic(uint64_t) done;
};

/* The same for a number each time: lines, and one that goes on. */
static void chunk(uint64_t seq, struct str *out)
{
	size_t len = 1000 + seq * 7919 % 24000;

	out->len = 0;
	for (unsigned int i = 0; out->len < len; i++)
		str_printf(out, "chunk %llu line %u%.*s", (unsigned long long)seq, i, i % 3 ? 1 : 0,
			   "\n");
}

static int write_on(const struct log_choice *choice, struct shared *s)
{
	CLEAN(log) struct log *l = NULL;
	CLEAN(str) struct str text = { 0 };
	struct err err = { 0 };

	if (log_open(choice, &s->mark, &l, &err) < 0)
		return 1;
	while (s->done < CHUNKS) {
		uint64_t seq = s->done + 1;

		chunk(seq, &text);
		if (log_write(l, seq, seq & 1, text.text, text.len, seq * 1000000007, &err) < 0)
			return 1;
		s->done = seq;
	}
	return 0;
}

static unsigned int killed_until_done(const struct log_choice *choice, struct shared *s)
{
	unsigned int kills = 0, seed = (unsigned int)getpid();

	while (s->done < CHUNKS) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid)
			_exit(write_on(choice, s));
		usleep((useconds_t)(300 + rand_r(&seed) % 2500));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFSIGNALED(status))
			kills++;
		else
			assert_int_equal(status, 0);
	}
	return kills;
}

static void killed(uint64_t max_size_bytes, log_format_fn format, const char *driver)
{
	CLEAN(free) char *path = in_folder("log");
	CLEAN(str) struct str want = { 0 }, got = { 0 }, text = { 0 };
	struct log_choice choice = { .driver = driver,
				     .path = path,
				     .max_size_bytes = max_size_bytes,
				     .max_files = max_size_bytes ? FILES : 1 };
	struct shared *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(s != MAP_FAILED);
	assert_in_range(killed_until_done(&choice, s), 5, UINT32_MAX);
	for (uint64_t seq = 1; seq <= CHUNKS; seq++) {
		chunk(seq, &text);
		format(&want, seq & 1, text.text, text.len, seq * 1000000007);
	}
	all_logged(path, &got);
	assert_int_equal(got.len, want.len);
	assert_true(memcmp(got.text, want.text, want.len) == 0);
	munmap(s, sizeof(*s));
}

static void test_killed_at_any_moment_each_byte_is_there_once(void **state)
{
	(void)state;
	killed(0, log_format_k8s, "k8s-file");
}

static void test_killed_while_it_rotates_each_byte_is_there_once(void **state)
{
	(void)state;
	killed(300000, log_format_json, "json-file");
}

/* ---- one writer ------------------------------------------------------------------------ */

static struct log *opened(const struct log_choice *choice, struct log_mark *mark)
{
	struct err err = { 0 };
	struct log *l = NULL;

	if (log_open(choice, mark, &l, &err) < 0)
		fail_msg("%s", err.text);
	return l;
}

static int put(struct log *l, uint64_t seq, const char *text, struct err *err)
{
	return log_write(l, seq, LOG_STDOUT, text, strlen(text), 0, err);
}

#define ZERO "1970-01-01T00:00:00.000000000Z stdout F "

static void holds(const char *path, const char *want)
{
	CLEAN(free) char *text = NULL;
	struct err err = { 0 };

	assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, &text, NULL, &err), 0);
	assert_string_equal(text, want);
}

static void test_number_in_the_mark_is_written_again_another_is_not_cut(void **state)
{
	CLEAN(free) char *path = in_folder("new/log");
	struct log_choice choice = { .driver = "k8s-file", .path = path, .max_files = 1 };
	struct log_mark mark = { 0 };
	struct err err = { 0 };
	struct log *l = opened(&choice, &mark);
	struct stat st;

	(void)state;
	assert_int_equal(put(l, 1, "a\n", &err), 0);
	assert_int_equal(put(l, 2, "b\n", &err), 0);
	log_close(&l);
	l = opened(&choice, &mark);
	assert_int_equal(put(l, 2, "b\n", &err), 0);
	assert_int_equal(put(l, 3, "c\n", &err), 0);
	log_close(&l);
	holds(path, ZERO "a\n" ZERO "b\n" ZERO "c\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_rotation_keeps_as_many_files_as_were_asked_for(void **state)
{
	CLEAN(free)
	char *path = in_folder("log"), *one = in_folder("log.1"), *two = in_folder("log.2");
	struct log_choice choice = {
		.driver = "k8s-file", .path = path, .max_files = 2, .max_size_bytes = 60
	};
	struct log_mark mark = { 0 };
	struct err err = { 0 };
	CLEAN(log) struct log *l = opened(&choice, &mark);

	(void)state;
	assert_int_equal(put(l, 1, "a\n", &err), 0);
	assert_int_equal(put(l, 2, "b\n", &err), 0);
	assert_int_equal(put(l, 3, "c\n", &err), 0);
	holds(path, ZERO "c\n");
	holds(one, ZERO "b\n");
	assert_int_equal(access(two, F_OK), -1);
}

static void test_link_is_not_followed(void **state)
{
	CLEAN(free) char *path = in_folder("log"), *other = in_folder("other");
	struct log_choice choice = { .driver = "k8s-file", .path = path, .max_files = 1 };
	struct log_mark mark = { 0 };
	struct err err = { 0 };
	struct log *l = NULL;

	(void)state;
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(log_open(&choice, &mark, &l, &err), -ELOOP);
	assert_non_null(strstr(err.text, path));
	assert_null(l);
	assert_int_equal(access(other, F_OK), -1);
}

/* ---- no space -------------------------------------------------------------------------- */

/* In a filesystem of 16 pages: 0, or the line where it went wrong. */
static int full(bool drop)
{
	CLEAN(free) char *path = in_folder("log"), *filler = in_folder("filler");
	struct log_choice choice = {
		.driver = "k8s-file", .path = path, .max_files = 1, .drop = drop
	};
	struct log_mark mark = { 0 };
	struct err err = { 0 };
	struct log *l = NULL;
	struct stat before, after;
	char big[20000], page[4096] = { 0 };
	int fd;

	memset(big, 'x', sizeof(big));
	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return __LINE__;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", folder, "tmpfs", 0, "size=65536") < 0)
		return __LINE__;
	if (log_open(&choice, &mark, &l, &err) < 0 || put(l, 1, "a\n", &err) < 0)
		return __LINE__;
	fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	/* Room for a part of the next chunk is left. */
	for (int i = 0; i < 13; i++)
		if (write(fd, page, sizeof(page)) != sizeof(page))
			return __LINE__;
	if (stat(path, &before) < 0)
		return __LINE__;
	if (log_write(l, 2, LOG_STDOUT, big, sizeof(big), 0, &err) != (drop ? 0 : -ENOSPC))
		return __LINE__;
	if (stat(path, &after) < 0 || after.st_size != before.st_size)
		return __LINE__;
	if (mark.dropped != (drop ? sizeof(big) : 0) || ftruncate(fd, 0) < 0)
		return __LINE__;
	if (log_write(l, drop ? 3 : 2, LOG_STDOUT, big, sizeof(big), 0, &err) < 0)
		return __LINE__;
	if (stat(path, &after) < 0 || (size_t)after.st_size < sizeof(big))
		return __LINE__;
	log_close(&l);
	return 0;
}

static void full_in_child(bool drop)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		int line = full(drop);

		if (line)
			dprintf(2, "%s:%d: %s\n", __FILE__, line, strerror(errno));
		_exit(line != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_full_disk_waits_and_leaves_no_part_of_a_line(void **state)
{
	(void)state;
	full_in_child(false);
}

static void test_full_disk_drops_and_counts_where_that_was_asked_for(void **state)
{
	(void)state;
	full_in_child(true);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_killed_at_any_moment_each_byte_is_there_once),
		TEST(test_killed_while_it_rotates_each_byte_is_there_once),
		TEST(test_number_in_the_mark_is_written_again_another_is_not_cut),
		TEST(test_rotation_keeps_as_many_files_as_were_asked_for),
		TEST(test_link_is_not_followed),
		TEST(test_full_disk_waits_and_leaves_no_part_of_a_line),
		TEST(test_full_disk_drops_and_counts_where_that_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
