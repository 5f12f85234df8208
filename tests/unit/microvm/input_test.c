#include "microvm/input.h"

#include "base/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* An input whose other end is *ret_to; `typed`: as if it were a terminal. */
static struct input input(bool typed, int *ret_to)
{
	struct input in;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	input_open(&in, ends[0]);
	assert_int_equal(in.terminal, -1);
	if (typed)
		in.terminal = ends[0];
	*ret_to = ends[1];
	return in;
}

/* What has come, as a text. */
static const char *taken(struct input *in)
{
	static char text[INPUT_BYTES + 1];
	size_t len = 0;
	uint8_t byte;

	while (input_peek(in, &byte)) {
		text[len++] = (char)byte;
		input_drop(in);
	}
	text[len] = '\0';
	return text;
}

static void test_keys(void **state)
{
	static const struct {
		const char *typed, *comes;
		bool ends;
	} rows[] = {
		{ "ls\n", "ls\n", false },     { "\1x", "", true },         { "a\1xb", "a", true },
		{ "\1\1x", "\1x", false },     { "\1\1\1x", "\1", true },   { "\1b", "\1b", false },
		{ "\1\1\1\1", "\1\1", false }, { "\3\4\1", "\3\4", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CLEAN(fd) int to = -1, from = -1;
		struct input in = input(true, &to);

		from = in.fd;
		assert_int_equal(fd_write_all(to, rows[i].typed, strlen(rows[i].typed)), 0);
		assert_int_equal(input_read(&in), rows[i].ends);
		assert_string_equal(taken(&in), rows[i].comes);
	}
}

static void test_keys_that_come_one_by_one(void **state)
{
	CLEAN(fd) int to = -1, from = -1;
	struct input in = input(true, &to);

	(void)state;
	from = in.fd;
	assert_int_equal(fd_write_all(to, "\1", 1), 0);
	assert_false(input_read(&in));
	assert_string_equal(taken(&in), "");
	assert_int_equal(fd_write_all(to, "x", 1), 0);
	assert_true(input_read(&in));
}

static void test_what_is_no_terminal_has_no_keys(void **state)
{
	CLEAN(fd) int to = -1, from = -1;
	struct input in = input(false, &to);

	(void)state;
	from = in.fd;
	assert_int_equal(fd_write_all(to, "\1x\1\1", 4), 0);
	assert_false(input_read(&in));
	assert_string_equal(taken(&in), "\1x\1\1");
	close(take_fd(&to));
	assert_true(input_wanted(&in));
	assert_false(input_read(&in));
	assert_false(input_wanted(&in));
}

static void test_input_is_not_read_further_than_there_is_room(void **state)
{
	CLEAN(fd) int to = -1, from = -1;
	struct input in = input(true, &to);
	size_t got = 0;
	char bytes[2 * INPUT_BYTES];

	(void)state;
	from = in.fd;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)('a' + i % 23);
	assert_int_equal(fd_write_all(to, bytes, sizeof(bytes)), 0);
	close(take_fd(&to));
	while (in.fd >= 0) {
		const char *text;

		while (input_wanted(&in))
			assert_false(input_read(&in));
		assert_in_range(in.count, 0, INPUT_BYTES);
		text = taken(&in);
		assert_memory_equal(text, bytes + got, strlen(text));
		got += strlen(text);
	}
	assert_int_equal(got, sizeof(bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_keys_that_come_one_by_one),
		cmocka_unit_test(test_what_is_no_terminal_has_no_keys),
		cmocka_unit_test(test_input_is_not_read_further_than_there_is_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
