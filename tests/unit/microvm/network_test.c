#include "base/cleanup.h"
#include "base/fd.h"
#include "microvm/network.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int ends[2];
static char given[16];

static int set_up(void **state)
{
	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	snprintf(given, sizeof(given), "fd:%d", ends[0]);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(ends[0]);
	clean_fd(&ends[1]);
	return 0;
}

static size_t open_fds(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += dup2(fd, fd) == fd;
	return count;
}

static int take(struct str *text, size_t *count, struct err *err)
{
	static struct net_options nets[NETWORK_LINKS_MAX];

	*count = 0;
	return network_take(given, nets, count, text, err);
}

static void test_without_a_network_there_is_none(void **state)
{
	CLEAN(str) struct str text = { 0 };
	struct err err = { 0 };
	size_t count;

	(void)state;
	drop_fd(&ends[1]);
	assert_int_equal(take(&text, &count, &err), 0);
	assert_int_equal(count, 0);
	assert_int_equal(text.len, 0);
}

static void test_text_comes_by_a_file_also_without_interfaces(void **state)
{
	CLEAN(fd) int file = memfd_create("requests", MFD_CLOEXEC);
	CLEAN(str) struct str text = { 0 };
	struct err err = { 0 };
	size_t count, before;

	(void)state;
	assert_int_equal(fd_write_all(file, "requests", 8), 0);
	assert_int_equal(fd_send(ends[1], "", 1, &file, 1), 0);
	before = open_fds();
	assert_int_equal(take(&text, &count, &err), 0);
	assert_int_equal(open_fds(), before);
	assert_int_equal(count, 0);
	assert_int_equal(text.len, 8);
	assert_memory_equal(text.text, "requests", 8);
}

/* The number, the bytes and the fds have to agree, and an interface has to be a tap. */
static void test_another_message_is_refused_and_its_fds_are_closed(void **state)
{
	static const struct {
		const char *bytes;
		size_t len, fds;
		int code;
	} cases[] = {
		{ "\0", 1, 0, EPROTO },
		{ "\0", 1, 2, EPROTO },
		{ "\0x", 2, 1, EPROTO },
		{ "\1", 1, 2, EPROTO },
		{ "\1\2\0\0\0\0", 6, 2, EPROTO },
		{ "\1\2\0\0\0\0\1", 7, 1, EPROTO },
		{ "\377\2\0\0\0\0\1", 7, 2, EPROTO },
		{ "\1\2\0\0\0\0\1", 7, 2, EINVAL },
	};
	CLEAN(fd) int file = memfd_create("requests", MFD_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const int fds[] = { file, file };
		CLEAN(str) struct str text = { 0 };
		struct err err = { 0 };
		size_t count, before = open_fds();

		assert_int_equal(fd_send(ends[1], cases[i].bytes, cases[i].len, fds, cases[i].fds),
				 0);
		assert_int_equal(take(&text, &count, &err), -cases[i].code);
		assert_true(err.text[0]);
		/* What is in the list already is freed with that. */
		assert_int_equal(open_fds(), before + count);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_without_a_network_there_is_none, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_text_comes_by_a_file_also_without_interfaces,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_another_message_is_refused_and_its_fds_are_closed, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
