#include "monitor/log_read.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
#define T(n) "1970-01-01T00:00:0" #n "Z stdout F "

static char folder[] = "/tmp/ctr-log-XXXXXX";
static char *path;

static int setup(void **state)
{
	(void)state;
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	path = xasprintf("%s/log", folder);
	return 0;
}

static int teardown(void **state)
{
	struct err err = { 0 };

	(void)state;
	free(path);
	return file_remove_tree(AT_FDCWD, folder, &err);
}

static void file(const char *suffix, const char *text, size_t len)
{
	CLEAN(free) char *name = xasprintf("%s%s", path, suffix);
	int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

#define FILE_IS(suffix, text) file(suffix, text, sizeof(text) - 1)

struct seen {
	struct str text;
};

static int line(void *arg, const struct log_line *l)
{
	struct seen *s = arg;

	str_add(&s->text, l->stream == LOG_STDERR ? "!" : "");
	str_add_bytes(&s->text, l->text, l->len);
	str_add(&s->text, l->whole ? "\n" : "+");
	return 0;
}

static void reads(struct log_query q, const char *want)
{
	struct seen s = { 0 };
	struct err err = { 0 };

	str_add(&s.text, "");
	q.path = path;
	q.driver = q.driver ? q.driver : "k8s-file";
	q.line = line;
	q.arg = &s;
	if (log_read(&q, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(s.text.text, want);
	str_free(&s.text);
}

#define ALL ((struct log_query){ 0 })
#define TAIL(n) ((struct log_query){ .tail_set = true, .tail = (n) })

static void test_older_files_come_first_whatever_their_numbers(void **state)
{
	(void)state;
	FILE_IS("", T(3) "c\n");
	FILE_IS(".2", T(2) "b\n");
	FILE_IS(".10", T(1) "a\n");
	FILE_IS(".x", T(1) "not one\n");
	reads(ALL, "a\nb\nc\n");
	reads(TAIL(2), "b\nc\n");
	reads(TAIL(9), "a\nb\nc\n");
	reads(TAIL(0), "");
}

static void test_tail_counts_lines_not_their_parts(void **state)
{
	(void)state;
	FILE_IS("", T(1) "a\n1970-01-01T00:00:02Z stdout P b1\n" T(2) "b2\n" T(3) "c\n");
	reads(TAIL(2), "b1+b2\nc\n");
	FILE_IS("", "1970-01-01T00:00:04Z stderr P d\n");
	reads(TAIL(1), "!d+");
	reads(TAIL(2), "c\n!d+");
}

static void test_tail_of_a_big_file_is_what_stands_at_its_end(void **state)
{
	CLEAN(str) struct str text = { 0 }, want = { 0 };

	(void)state;
	for (int i = 0; i < 40000; i++)
		str_printf(&text, T(1) "line %d %.*s\n", i, i % 50,
			   "..................................................");
	file("", text.text, text.len);
	for (int n = 1; n < 20000; n = n * 3 + 1) {
		want.len = 0;
		for (int i = 40000 - n; i < 40000; i++)
			str_printf(&want, "line %d %.*s\n", i, i % 50,
				   "..................................................");
		reads(TAIL((uint64_t)n), want.text);
	}
}

static void test_since_and_until_include_their_second(void **state)
{
	(void)state;
	FILE_IS("", T(1) "a\n" T(2) "b\n" T(3) "c\n");
	reads((struct log_query){ .since_unix_ns = 2 * SECOND }, "b\nc\n");
	reads((struct log_query){ .until_unix_ns = 2 * SECOND }, "a\nb\n");
}

static void test_broken_lines_hide_no_others(void **state)
{
	CLEAN(str) struct str huge = { 0 };

	(void)state;
	FILE_IS("", T(1) "a\n\0\0\0\n1970-01-01T00:00:02Z stdo\n\nx y z\n" T(2) "b\0\xff\n");
	for (int i = 0; i < 700000; i++)
		str_add(&huge, "h");
	file("", huge.text, huge.len);
	FILE_IS("", "\n" T(3) "c\n" T(4) "no end");
	reads((struct log_query){ .since_unix_ns = 3 * SECOND }, "c\n");
	reads(TAIL(1), "c\n");
	reads((struct log_query){ .until_unix_ns = SECOND }, "a\n");
}

#define J(text) "{\"log\":\"" text "\",\"stream\":\"stdout\",\"time\":\"1970-01-01T00:00:01Z\"}\n"

static void test_json_is_decoded(void **state)
{
	(void)state;
	FILE_IS("",
		J("a\\n") J("\\\"\\\\\\t\\u00e4\\u20ac\\ud83d\\ude00\\ud83d\\n") J(
			"part") "{\"log\":\"cut\n{\"log\":\"\\q\"}\n{}\n[]\n"
				"{\"log\":\"n\\u000\",\"stream\":\"stdout\"}\n"
				"{\"time\":\"1970-01-01T00:00:01Z\",\"stream\":\"stderr\",\"log\":\"e\\n\"}\n"
				"{\"log\":\"t\\n\",\"stream\":\"stdout\",\"time\":\"1970-01-01T00:00:01Z\","
				"\"attrs\":{\"a\":\"b\"}}\n");
	reads((struct log_query){ .driver = "json-file" },
	      "a\n\"\\\t\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd\npart+!e\nt\n");
}

static void test_link_and_missing_file_are_refused(void **state)
{
	struct log_query q = { .path = path, .driver = "k8s-file", .line = line };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(log_read(&q, &err), -ENOENT);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(symlink("/etc/passwd", path), 0);
	err = (struct err){ 0 };
	assert_int_equal(log_read(&q, &err), -ELOOP);
}

/* ---- follow ---------------------------------------------------------------------------- */

static pid_t writer;

static bool writer_ended(void *arg)
{
	(void)arg;
	return waitpid(writer, NULL, WNOHANG) != 0;
}

static void test_follow_sees_each_line_once_across_rotations(void **state)
{
	CLEAN(str) struct str want = { 0 };

	(void)state;
	FILE_IS("", T(1) "begin\n");
	writer = fork();
	assert_true(writer >= 0);
	if (!writer) {
		struct log_choice choice = {
			.driver = "k8s-file", .path = path, .max_size_bytes = 3000, .max_files = 900
		};
		struct log_mark mark = { 0 };
		struct log *l = NULL;
		struct err err = { 0 };
		int rc = log_open(&choice, &mark, &l, &err);

		for (uint64_t i = 1; i <= 3000 && rc == 0; i++) {
			CLEAN(free) char *text = xasprintf("line %llu\n", (unsigned long long)i);

			rc = log_write(l, i, LOG_STDOUT, text, strlen(text), SECOND, &err);
			if (i % 20 == 0)
				usleep(1000);
		}
		_exit(rc != 0);
	}
	str_add(&want, "begin\n");
	for (int i = 1; i <= 3000; i++)
		str_printf(&want, "line %d\n", i);
	reads((struct log_query){ .follow = true, .ended = writer_ended }, want.text);
}

/* ---- time ------------------------------------------------------------------------------ */

static void test_time_as_people_write_it(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "1970-01-02", 86400 * SECOND },
		{ "2000-02-29T12:00:00Z", UINT64_C(951825600) * SECOND },
		{ "2000-02-29T12:00:00.5+01:30", UINT64_C(951820200) * SECOND + SECOND / 2 },
		{ "2026-01-31T23:59:59.123456789Z", UINT64_C(1769903999123456789) },
		{ "1769903999.25", UINT64_C(1769903999) * SECOND + SECOND / 4 },
		{ "10m", 9400 * SECOND },
		{ "1h30m", 4600 * SECOND },
		{ "1.5h", 4600 * SECOND },
		{ "500ms", 9999 * SECOND + SECOND / 2 },
		{ "9h", 0 },
	};
	static const char *const bad[] = { "",
					   "x",
					   ".",
					   "1h30",
					   "5 m",
					   "-5m",
					   "2026-13-01",
					   "2026-01-01T",
					   "2026-01-01T00:00:00+",
					   "10mm5",
					   "99999999999999999999",
					   "1e9" };
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (log_time_parse(good[i].text, 10000 * SECOND, &ns) < 0 || ns != good[i].ns)
			fail_msg("%s is %llu", good[i].text, (unsigned long long)ns);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (log_time_parse(bad[i], 10000 * SECOND, &ns) != -EINVAL)
			fail_msg("\"%s\" is taken", bad[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_older_files_come_first_whatever_their_numbers),
		TEST(test_tail_counts_lines_not_their_parts),
		TEST(test_tail_of_a_big_file_is_what_stands_at_its_end),
		TEST(test_since_and_until_include_their_second),
		TEST(test_broken_lines_hide_no_others),
		TEST(test_json_is_decoded),
		TEST(test_link_and_missing_file_are_refused),
		TEST(test_follow_sees_each_line_once_across_rotations),
		cmocka_unit_test(test_time_as_people_write_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
