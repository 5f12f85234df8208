/* The thread between a guest and who reads its console. */
#include "microvm/console_writer.h"

#include "base/cleanup.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG_MS 20000

struct machine {
	struct console console;
	struct console_writer writer;
	int from; /* the reader's end */
	int room, lost;
};

static void tell(int fd)
{
	const uint64_t one = 1;

	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
}

static void room(void *arg)
{
	tell(((struct machine *)arg)->room);
}

static void lost(void *arg)
{
	tell(((struct machine *)arg)->lost);
}

static bool was_told(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t count;

	return poll(&p, 1, ms) == 1 && read(fd, &count, sizeof(count)) == sizeof(count);
}

static void machine_init(struct machine *m)
{
	struct err err = { 0 };
	int ends[2];

	memset(m, 0, sizeof(*m));
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	m->from = ends[0];
	m->console.fd = ends[1];
	m->room = eventfd(0, EFD_CLOEXEC);
	m->lost = eventfd(0, EFD_CLOEXEC);
	m->writer = (struct console_writer){
		.console = &m->console, .room = room, .lost = lost, .arg = m
	};
	assert_int_equal(console_writer_start(&m->writer, &err), 0);
}

static void machine_free(struct machine *m)
{
	console_writer_stop(&m->writer);
	clean_fd(&m->console.fd);
	clean_fd(&m->room);
	clean_fd(&m->lost);
	if (m->from >= 0)
		close(m->from);
}

/* Byte i of what is said. */
static char said(size_t i)
{
	return (char)('a' + i % 23);
}

/* As much as is taken. */
static size_t say(struct machine *m, size_t from)
{
	char bytes[1000];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = said(from + i);
	return console_writer_take(&m->writer, bytes, sizeof(bytes));
}

/*
 * Till there is something to read, or room: what is read may be all that was taken, and be counted as written only
 * after that.
 */
static void await_either(struct machine *m)
{
	struct pollfd either[] = {
		{ .fd = m->from, .events = POLLIN },
		{ .fd = m->room, .events = POLLIN },
	};

	assert_in_range(poll(either, 2, LONG_MS), 1, 2);
	if (either[1].revents)
		assert_true(was_told(m->room, 0));
}

static void test_all_comes_through_a_slow_reader(void **state)
{
	struct machine m;
	size_t told = 0, got = 0;
	char bytes[777];

	(void)state;
	machine_init(&m);
	assert_int_equal(fcntl(m.from, F_SETFL, O_NONBLOCK), 0);
	while (got < 500000) {
		ssize_t n;

		while (told < 500000) {
			size_t taken = say(&m, told);

			told += taken;
			if (taken < 1000)
				break;
		}
		await_either(&m);
		n = read(m.from, bytes, sizeof(bytes));
		if (n < 0 && errno == EAGAIN)
			continue;
		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(bytes[i], said(got + (size_t)i));
		got += (size_t)n;
	}
	machine_free(&m);
}

static void test_a_reader_that_stalls_is_waited_for_by_the_thread_alone(void **state)
{
	struct machine m;
	size_t told = 0, taken;
	char bytes[65536];

	(void)state;
	machine_init(&m);
	/* A pipe's 64 KiB at most and what is kept; the thread takes its time. */
	do {
		taken = say(&m, told);
		told += taken;
	} while (taken || was_told(m.room, 200));
	assert_in_range(told, 2 * CONSOLE_KEPT_BYTES, 65536 + CONSOLE_KEPT_BYTES);
	assert_false(was_told(m.room, 0));
	assert_true(read(m.from, bytes, sizeof(bytes)) > 0);
	assert_true(was_told(m.room, LONG_MS));
	assert_true(say(&m, told) > 0);
	/* And it ends wherever it is: it stands in a write() again. */
	do {
		taken = say(&m, told);
		told += taken;
	} while (taken || was_told(m.room, 200));
	console_writer_stop(&m.writer);
	assert_true(m.console.written < m.console.total);
	machine_free(&m);
}

static void test_what_is_not_written_yet_is_kept(void **state)
{
	struct machine m;
	CLEAN(fd) int drain = -1;
	size_t told = 0, got = 0, taken;
	static char bytes[100000];
	ssize_t n;

	(void)state;
	machine_init(&m);
	do {
		taken = say(&m, told);
		told += taken;
	} while (taken || was_told(m.room, 200));
	console_writer_stop(&m.writer);
	assert_int_equal(m.console.total, told);
	/* The rest is its owner's to write. */
	assert_true(fcntl(m.from, F_SETPIPE_SZ, 1 << 18) > 0);
	console_flush(&m.console);
	close(take_fd(&m.console.fd));
	while ((n = read(m.from, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(bytes[i], said(got + (size_t)i));
		got += (size_t)n;
	}
	assert_int_equal(got, told);
	machine_free(&m);
}

static void test_a_reader_that_has_gone_is_told_of_and_the_rest_dropped(void **state)
{
	struct machine m;

	(void)state;
	machine_init(&m);
	close(take_fd(&m.from));
	assert_int_equal(say(&m, 0), 1000);
	assert_true(was_told(m.lost, LONG_MS));
	assert_int_equal(m.console.error, EPIPE);
	for (int i = 0; i < 100; i++)
		assert_int_equal(say(&m, 0), 1000);
	assert_false(was_told(m.lost, 50));
	machine_free(&m);
}

static void test_one_that_was_not_started_ends(void **state)
{
	struct console_writer w = { 0 };

	(void)state;
	console_writer_stop(&w);
	assert_false(w.running);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_comes_through_a_slow_reader),
		cmocka_unit_test(test_a_reader_that_stalls_is_waited_for_by_the_thread_alone),
		cmocka_unit_test(test_what_is_not_written_yet_is_kept),
		cmocka_unit_test(test_a_reader_that_has_gone_is_told_of_and_the_rest_dropped),
		cmocka_unit_test(test_one_that_was_not_started_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
