/* The control socket: lines in, lines out. Its thread is the test: turn(). */
#include "base/fd.h"
#include "base/str.h"
#include "microvm/control.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

struct machine {
	struct control control;
	struct str done; /* what it was asked to do */
	char path[64];
};

static int do_pause(void *arg, struct err *err)
{
	struct machine *m = arg;

	(void)err;
	str_add(&m->done, "pause;");
	return 0;
}

static int do_resume(void *arg, struct err *err)
{
	struct machine *m = arg;

	str_add(&m->done, "resume;");
	return err_set(err, ESRCH, "the guest\nis at its end");
}

static int do_balloon(void *arg, uint64_t bytes, struct err *err)
{
	struct machine *m = arg;

	(void)err;
	str_printf(&m->done, "balloon %llu;", (unsigned long long)bytes);
	return 0;
}

/* Whether it has files, and which. */
static int do_snapshot(void *arg, const char *path, const int files[CONTROL_FILES], struct err *err)
{
	struct machine *m = arg;
	char byte = '?';

	(void)err;
	if (path)
		str_printf(&m->done, "snapshot %s;", path);
	for (size_t i = 0; !path && i < CONTROL_FILES; i++) {
		assert_int_equal(pread(files[i], &byte, 1, 0), 1);
		str_printf(&m->done, "file %c;", byte);
	}
	return 0;
}

static void do_status(void *arg, struct str *out)
{
	(void)arg;
	str_add(out, "{\"state\":\"running\"}");
}

static const struct control_ops ops = {
	.pause = do_pause,
	.resume = do_resume,
	.balloon = do_balloon,
	.snapshot = do_snapshot,
	.status = do_status,
};

static void machine_free(struct machine *m)
{
	control_free(&m->control);
	str_free(&m->done);
}
CLEAN_DEFINE(machine, struct machine, machine_free)

static void machine_init(struct machine *m, const char *folder)
{
	struct err err = { 0 };

	memset(m, 0, sizeof(*m));
	snprintf(m->path, sizeof(m->path), "%s/control", folder);
	control_init(&m->control, &ops, m);
	assert_int_equal(io_make(&m->control.io, &err), 0);
	assert_int_equal(control_open(&m->control, m->path, &err), 0);
	assert_int_equal(control_listen(&m->control, &err), 0);
}

static void turn(struct machine *m)
{
	struct epoll_event e;

	for (int i = 0; i < 100 && epoll_wait(m->control.io.epoll, &e, 1, 0) == 1; i++) {
		const struct io_source *source = e.data.ptr;

		source->ready(source->arg, e.events);
	}
}

static int call(const struct machine *m)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(at.sun_path, m->path, strlen(m->path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* All that is there for the client; "(end)" at the end. */
static void expect(int fd, const char *text)
{
	char got[8192];
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		n = 0;
	else if (n <= 0)
		n = snprintf(got, sizeof(got), "(end)");
	got[n] = '\0';
	assert_string_equal(got, text);
}

static void ask(struct machine *m, int fd, const char *text, const char *answer)
{
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	turn(m);
	expect(fd, answer);
}

static char folder[] = "/tmp/ctr-control-XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void test_each_line_is_answered(void **state)
{
	CLEAN(machine) struct machine m;
	CLEAN(fd) int fd = -1;

	(void)state;
	machine_init(&m, folder);
	fd = call(&m);
	ask(&m, fd, "pause\n", "ok\n");
	ask(&m, fd, "status\n", "ok {\"state\":\"running\"}\n");
	ask(&m, fd, "balloon 64m\n", "ok\n");
	/* Whatever the words are, they are one line. */
	ask(&m, fd, "resume\n", "error the guest?is at its end\n");
	ask(&m, fd, "pause\nballoon 0\n", "ok\nok\n");
	assert_string_equal(m.done.text, "pause;balloon 67108864;resume;pause;balloon 0;");
	/* In pieces. */
	ask(&m, fd, "pau", "");
	ask(&m, fd, "se\nst", "ok\n");
	ask(&m, fd, "atus\n", "ok {\"state\":\"running\"}\n");
}

static void test_what_is_no_request_is_an_error_and_does_nothing(void **state)
{
	static const struct {
		const char *line, *answer;
	} cases[] = {
		{ "\n", "error no such request: \"\"\n" },
		{ "paus\n", "error no such request: \"paus\"\n" },
		{ "pauses\n", "error no such request: \"pauses\"\n" },
		{ "PAUSE\n", "error no such request: \"PAUSE\"\n" },
		{ "pause now\n", "error pause: nothing follows it\n" },
		{ "balloon\n", "error balloon SIZE\n" },
		{ "balloon \n", "error balloon : not a size; 0 and 128m are\n" },
		{ "balloon -1\n", "error balloon -1: not a size; 0 and 128m are\n" },
		{ "balloon 99999999999999999999g\n",
		  "error balloon 99999999999999999999g: not a size; 0 and 128m are\n" },
	};
	CLEAN(machine) struct machine m;
	CLEAN(fd) int fd = -1;

	(void)state;
	machine_init(&m, folder);
	fd = call(&m);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ask(&m, fd, cases[i].line, cases[i].answer);
	assert_null(m.done.text);
}

static int file_with(char byte)
{
	int fd = memfd_create("a file", MFD_CLOEXEC);

	assert_int_equal(write(fd, &byte, 1), 1);
	return fd;
}

static unsigned int files_open(const struct machine *m)
{
	unsigned int count = 0;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		for (size_t f = 0; f < CONTROL_FILES; f++)
			count += m->control.clients[i].files[f] >= 0;
	return count;
}

static void test_a_snapshot_has_a_place_or_two_files(void **state)
{
	static const char two[] =
		"error snapshot PATH, or snapshot and two files with it, for state and memory\n";
	CLEAN(machine) struct machine m;
	CLEAN(fd) int fd = -1;
	int files[] = { file_with('a'), file_with('b'), file_with('c') };

	(void)state;
	machine_init(&m, folder);
	fd = call(&m);
	ask(&m, fd, "snapshot /some where\n", "ok\n");
	ask(&m, fd, "snapshot\n", two);
	assert_int_equal(fd_send(fd, "snapshot\n", 9, files, 2), 0);
	turn(&m);
	expect(fd, "ok\n");
	assert_string_equal(m.done.text, "snapshot /some where;file a;file b;");
	/* One, or both, are too much or too few; and none is kept beyond its request. */
	assert_int_equal(fd_send(fd, "snapshot\n", 9, files, 1), 0);
	turn(&m);
	expect(fd, two);
	assert_int_equal(fd_send(fd, "snapshot /x\n", 12, files, 2), 0);
	turn(&m);
	expect(fd, two);
	assert_int_equal(fd_send(fd, "pause\n", 6, files, 3), 0);
	turn(&m);
	expect(fd, "ok\n");
	assert_int_equal(files_open(&m), 0);
	/* Of who goes without a word, too. */
	assert_int_equal(fd_send(fd, "snap", 4, files, 2), 0);
	turn(&m);
	assert_int_equal(files_open(&m), 2);
	drop_fd(&fd);
	turn(&m);
	assert_int_equal(files_open(&m), 0);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		close(files[i]);
}

static void test_a_line_without_an_end_ends_the_connection(void **state)
{
	CLEAN(machine) struct machine m;
	CLEAN(fd) int fd = -1, other = -1;
	char line[CONTROL_LINE_MAX + 1];

	(void)state;
	machine_init(&m, folder);
	fd = call(&m);
	other = call(&m);
	memset(line, 'a', sizeof(line));
	line[CONTROL_LINE_MAX] = '\0';
	ask(&m, fd, line, "");
	ask(&m, fd, "a", "(end)");
	ask(&m, other, "pause\n", "ok\n");
}

static void test_so_many_clients_and_who_goes_makes_room(void **state)
{
	CLEAN(machine) struct machine m;
	int fds[CONTROL_CLIENTS_MAX + 1];

	(void)state;
	machine_init(&m, folder);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = call(&m);
		turn(&m);
	}
	expect(fds[CONTROL_CLIENTS_MAX], "(end)");
	close(fds[CONTROL_CLIENTS_MAX]);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		ask(&m, fds[i], "pause\n", "ok\n");
	close(fds[3]);
	turn(&m);
	fds[3] = call(&m);
	ask(&m, fds[3], "pause\n", "ok\n");
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(fds[i]);
}

static void test_who_reads_no_answers_is_dropped(void **state)
{
	CLEAN(machine) struct machine m;
	CLEAN(fd) int fd = -1;
	int small = 1;
	bool gone = false;

	(void)state;
	machine_init(&m, folder);
	fd = call(&m);
	turn(&m);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (m.control.clients[i].fd >= 0)
			setsockopt(m.control.clients[i].fd, SOL_SOCKET, SO_SNDBUF, &small,
				   sizeof(small));
	for (int i = 0; i < 100000 && !gone; i++) {
		gone = send(fd, "status\n", 7, MSG_NOSIGNAL | MSG_DONTWAIT) < 0;
		turn(&m);
	}
	assert_true(gone);
}

static void test_its_socket_is_ours_alone_and_goes(void **state)
{
	struct err err = { 0 };
	struct stat st;
	struct machine m;
	struct control second;

	(void)state;
	machine_init(&m, folder);
	assert_int_equal(stat(m.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	control_init(&second, &ops, NULL);
	assert_int_equal(control_open(&second, m.path, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "--control"));
	control_free(&second);
	assert_int_equal(stat(m.path, &st), 0);
	machine_free(&m);
	assert_int_equal(stat(m.path, &st), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_line_is_answered),
		cmocka_unit_test(test_what_is_no_request_is_an_error_and_does_nothing),
		cmocka_unit_test(test_a_snapshot_has_a_place_or_two_files),
		cmocka_unit_test(test_a_line_without_an_end_ends_the_connection),
		cmocka_unit_test(test_so_many_clients_and_who_goes_makes_room),
		cmocka_unit_test(test_who_reads_no_answers_is_dropped),
		cmocka_unit_test(test_its_socket_is_ours_alone_and_goes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
