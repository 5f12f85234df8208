#include "criu/criu.h"
#include "criu/message.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_bytes(const struct str *m, const char *want, size_t len)
{
	assert_int_equal(m->len, len);
	assert_memory_equal(m->text, want, len);
}

/* The examples of the protocol's own documentation: 150 in field 1, "testing" in field 2. */
static void test_fields_are_as_documented(void **state)
{
	CLEAN(str) struct str m = { 0 };

	(void)state;
	message_put_number(&m, 1, 150);
	message_put_text(&m, 2, "testing");
	assert_bytes(&m, "\x08\x96\x01\x12\x07testing", 12);
}

static void test_negative_number_is_ten_bytes(void **state)
{
	CLEAN(str) struct str m = { 0 };

	(void)state;
	message_put_number(&m, 1, -2);
	assert_bytes(&m, "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
}

static void test_what_is_put_is_read(void **state)
{
	CLEAN(str) struct str m = { 0 }, inner = { 0 };
	const unsigned char *at, *end;
	struct message_field f;

	(void)state;
	message_put_message(&m, 3, &inner);
	message_put_number(&m, 70, -1);
	message_put_text(&m, 4, "x");
	at = (const unsigned char *)m.text;
	end = at + m.len;
	assert_int_equal(message_next(&at, end, &f), 1);
	assert_true(f.number == 3 && f.bytes && f.len == 0);
	assert_int_equal(message_next(&at, end, &f), 1);
	assert_true(f.number == 70 && !f.bytes && f.value == UINT64_MAX);
	assert_int_equal(message_next(&at, end, &f), 1);
	assert_true(f.number == 4 && f.len == 1 && *f.bytes == 'x');
	assert_int_equal(message_next(&at, end, &f), 0);
}

static void test_every_cut_is_seen(void **state)
{
	static const unsigned char whole[] = "\x08\x96\x01\x12\x07testing";

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		/* A copy of that length: a look behind it is the sanitizer's to see. */
		unsigned char *part = malloc(len + !len);
		const unsigned char *at = part;
		struct message_field f;
		int rc;

		memcpy(part, whole, len);
		while ((rc = message_next(&at, part + len, &f)) > 0)
			continue;
		assert_int_equal(rc, len == 0 || len == 3 ? 0 : -EBADMSG);
		free(part);
	}
}

static void test_endless_number_and_unknown_kind_are_refused(void **state)
{
	static const unsigned char endless[] = "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
	static const unsigned char group[] = "\x0b\x01";
	const unsigned char *at = endless;
	struct message_field f;

	(void)state;
	assert_int_equal(message_next(&at, endless + sizeof(endless) - 1, &f), -EBADMSG);
	at = group;
	assert_int_equal(message_next(&at, group + 2, &f), -EBADMSG);
}

static void test_options_go_by_criu_numbers(void **state)
{
	CLEAN(criu_options) struct criu_options o = CRIU_OPTIONS_INIT;
	CLEAN(str) struct str m = { 0 };
	/* type=1; opts: images_dir_fd(1)=4 pid(2)=7 log_file(10)="l" cgroups(34)=0 empty_ns(38),
	 * inherit_fd(27) {"k", 6}, external(37)="e" in the order of the code */
	static const char want[] = "\x08\x01\x12\x1d"
				   "\x08\x04"
				   "\x10\x07"
				   "\x52\x01l"
				   "\x90\x02\x00"
				   "\xb0\x02\x80\x80\x80\x80\x04"
				   "\xaa\x02\x01"
				   "e"
				   "\xda\x01\x05\x0a\x01k\x10\x06";

	(void)state;
	o.images_path = "/images";
	o.pid = 7;
	o.log_file = "l";
	o.cgroups = CRIU_CGROUPS_IGNORE;
	o.empty_ns = CLONE_NEWNET;
	strv_add(&o.external, "e");
	criu_inherit_add(&o, "k", 0);
	criu_request_put(CRIU_DUMP, &o, &m);
	assert_bytes(&m, want, sizeof(want) - 1);
}

static void test_reply_tells_step_and_pid(void **state)
{
	CLEAN(str) struct str m = { 0 }, notify = { 0 };
	struct criu_reply r;

	(void)state;
	message_put_text(&notify, 1, "post-restore");
	message_put_number(&notify, 2, 4711);
	message_put_number(&m, 1, CRIU_NOTIFY);
	message_put_number(&m, 2, 1);
	message_put_message(&m, 5, &notify);
	message_put_text(&m, 99, "of a later version");
	assert_int_equal(criu_reply_read(m.text, m.len, &r), 0);
	assert_int_equal(r.job, CRIU_NOTIFY);
	assert_true(r.success);
	assert_string_equal(r.step, "post-restore");
	assert_int_equal(r.pid, 4711);
}

static void test_version_is_one_number(void **state)
{
	CLEAN(str) struct str m = { 0 }, version = { 0 };
	struct criu_reply r;

	(void)state;
	message_put_number(&version, 1, 3);
	message_put_number(&version, 2, 17);
	message_put_text(&version, 3, "v3.17.1");
	message_put_number(&version, 4, 1);
	message_put_number(&m, 1, CRIU_VERSION);
	message_put_number(&m, 2, 1);
	message_put_message(&m, 10, &version);
	assert_int_equal(criu_reply_read(m.text, m.len, &r), 0);
	assert_int_equal(r.answer.version, 31701);
}

static void test_long_texts_are_cut(void **state)
{
	CLEAN(str) struct str m = { 0 }, notify = { 0 };
	char text[5000];
	struct criu_reply r;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	message_put_text(&notify, 1, text);
	message_put_message(&m, 5, &notify);
	message_put_text(&m, 9, text);
	assert_int_equal(criu_reply_read(m.text, m.len, &r), 0);
	assert_int_equal(strlen(r.step), sizeof(r.step) - 1);
	assert_int_equal(strlen(r.message), sizeof(r.message) - 1);
}

static void test_log_gives_its_first_errors(void **state)
{
	static const char log[] = "(00.001) Version: 3.17.1\n"
				  "(00.002)      5: Error (criu/a.c:1): the reason\n"
				  "(00.003) Warn  (criu/b.c:2): no error\n"
				  "(00.004) Error (criu/b.c:3): what came of it\n"
				  "(00.005) Error (criu/c.c:4): and of that";
	char folder[] = "/tmp/criu-log-XXXXXX";
	CLEAN(str) struct str text = { 0 };
	int dir, fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_false(criu_log_errors(dir, "dump.log", &text));
	fd = openat(dir, "dump.log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, log, sizeof(log) - 1), sizeof(log) - 1);
	close(fd);
	assert_true(criu_log_errors(dir, "dump.log", &text));
	assert_string_equal(text.text, "Error (criu/a.c:1): the reason; "
				       "Error (criu/b.c:3): what came of it");
	unlinkat(dir, "dump.log", 0);
	close(dir);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_are_as_documented),
		cmocka_unit_test(test_negative_number_is_ten_bytes),
		cmocka_unit_test(test_what_is_put_is_read),
		cmocka_unit_test(test_every_cut_is_seen),
		cmocka_unit_test(test_endless_number_and_unknown_kind_are_refused),
		cmocka_unit_test(test_options_go_by_criu_numbers),
		cmocka_unit_test(test_reply_tells_step_and_pid),
		cmocka_unit_test(test_version_is_one_number),
		cmocka_unit_test(test_long_texts_are_cut),
		cmocka_unit_test(test_log_gives_its_first_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
