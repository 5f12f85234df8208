#include "runtime/report.h"

#include "base/fd.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define ROWS 4

static int theirs, ours;

static int set_up(void **state)
{
	int pair[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	theirs = pair[0];
	ours = pair[1];
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(theirs);
	close(ours);
	return 0;
}

static size_t open_fds(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += dup2(fd, fd) == fd;
	return count;
}

static void test_what_is_sent_is_received(void **state)
{
	struct report out = { .kind = REPORT_FAILED, .stage = 3 }, in;
	int fd;

	(void)state;
	err_set(&out.err, ENOENT, "not there");
	assert_int_equal(report_send(theirs, &out, -1), 0);
	assert_int_equal(report_receive(ours, ROWS, &in, &fd), 1);
	assert_int_equal(in.kind, REPORT_FAILED);
	assert_int_equal(in.stage, 3);
	assert_int_equal(in.err.code, ENOENT);
	assert_string_equal(in.err.text, "not there");
	assert_int_equal(fd, -1);

	out.kind = REPORT_TERMINAL;
	assert_int_equal(report_send(theirs, &out, theirs), 0);
	assert_int_equal(report_receive(ours, ROWS, &in, &fd), 1);
	assert_int_equal(in.kind, REPORT_TERMINAL);
	assert_true(fd >= 0);
	close(fd);

	/* The word to start may come with a micro-VM's network, or without; a question without a socket, its answer with
	 * one. */
	for (int i = 0; i < 4; i++) {
		out.kind = i < 2 ? REPORT_START : REPORT_NETWORK;
		assert_int_equal(report_send(theirs, &out, i % 2 ? theirs : -1), 0);
		assert_int_equal(report_receive(ours, ROWS, &in, &fd), 1);
		assert_int_equal(in.kind, out.kind);
		assert_int_equal(fd >= 0, i % 2);
		clean_fd(&fd);
	}
	close(theirs);
	assert_int_equal(report_receive(ours, ROWS, &in, &fd), 0);
	theirs = -1;
}

/* A row, a gate, a kind that there isn't; a length that its kind hasn't. */
static void test_what_nobody_of_ours_says_is_refused(void **state)
{
	const struct {
		struct report r;
		size_t len;
	} lies[] = {
		{ { .kind = REPORT_FAILED, .stage = ROWS }, sizeof(struct report) },
		{ { .kind = REPORT_FAILED, .stage = -1 }, sizeof(struct report) },
		{ { .kind = REPORT_FAILED }, offsetof(struct report, err) },
		{ { .kind = REPORT_OPENED, .gate = GATES }, offsetof(struct report, err) },
		{ { .kind = REPORT_OPENED, .gate = (enum gate)200 }, offsetof(struct report, err) },
		{ { .kind = REPORT_OPENED }, sizeof(struct report) },
		{ { .kind = REPORT_KINDS }, offsetof(struct report, err) },
		{ { .kind = (enum report_kind) - 1 }, sizeof(struct report) },
		{ { .kind = REPORT_TERMINAL }, offsetof(struct report, err) }, /* without an fd */
		{ { .kind = REPORT_START }, 4 },
		{ { .kind = REPORT_START }, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		struct report in;
		int fd = 5;

		assert_int_equal(send(theirs, &lies[i].r, lies[i].len, 0), lies[i].len);
		assert_int_equal(report_receive(ours, ROWS, &in, &fd), -EPROTO);
		assert_int_equal(fd, -1);
	}
}

static void test_a_failure_has_words_with_an_end_and_a_code(void **state)
{
	struct report out = { .kind = REPORT_FAILED }, in;
	int fd;

	(void)state;
	memset(out.err.text, 'x', sizeof(out.err.text));
	out.err.code = -7;
	assert_int_equal(report_send(theirs, &out, -1), 0);
	assert_int_equal(report_receive(ours, ROWS, &in, &fd), 1);
	assert_int_equal(strlen(in.err.text), ERR_TEXT_MAX - 1);
	assert_int_equal(in.err.code, EIO);
}

static void test_an_fd_that_nobody_wants_is_closed(void **state)
{
	struct report out = { .kind = REPORT_OPENED }, in;
	int many[] = { 0, 1, 2 }, fd;
	size_t before = open_fds();

	(void)state;
	assert_int_equal(report_send(theirs, &out, theirs), 0);
	assert_int_equal(report_receive(ours, ROWS, &in, &fd), -EPROTO);
	out.kind = REPORT_LISTENER;
	assert_int_equal(report_send(theirs, &out, theirs), 0);
	assert_int_equal(report_receive(ours, ROWS, &in, NULL), -EPROTO);
	assert_int_equal(open_fds(), before);
	/* Of several one is taken. */
	assert_int_equal(fd_send(theirs, &out, offsetof(struct report, err), many, 3), 0);
	assert_int_equal(report_receive(ours, ROWS, &in, &fd), 1);
	assert_int_equal(open_fds(), before + 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_sent_is_received, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_nobody_of_ours_says_is_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_failure_has_words_with_an_end_and_a_code,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_an_fd_that_nobody_wants_is_closed, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
