#include "base/process.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void test_exit_codes_are_what_a_shell_says(void **state)
{
	int status, pidfd;
	pid_t pid;

	(void)state;
	pid = process_clone(0, -1, &pidfd);
	if (pid == 0)
		_exit(7);
	assert_true(pid > 0);
	assert_int_equal(process_wait(pidfd, &status), 0);
	assert_int_equal(process_exit_code(status), 7);
	close(pidfd);
	pid = process_clone(0, -1, &pidfd);
	if (pid == 0)
		for (;;)
			pause();
	assert_false(process_ended(pidfd, 0));
	assert_int_equal(process_signal(pidfd, SIGTERM), 0);
	assert_true(process_ended(pidfd, 5000));
	assert_int_equal(process_wait(pidfd, &status), 0);
	assert_int_equal(process_exit_code(status), 128 + SIGTERM);
	assert_int_equal(process_signal(pidfd, SIGTERM), -ESRCH);
	close(pidfd);
}

static void test_a_pid_with_another_start_time_is_another_process(void **state)
{
	uint64_t start;
	int fd;

	(void)state;
	assert_int_equal(process_start_time(getpid(), &start), 0);
	fd = process_open(getpid(), start);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(process_open(getpid(), start + 1), -ESRCH);
}

static void test_signal_names(void **state)
{
	(void)state;
	assert_int_equal(process_signal_from_name("KILL"), SIGKILL);
	assert_int_equal(process_signal_from_name("sigterm"), SIGTERM);
	assert_int_equal(process_signal_from_name("9"), 9);
	assert_int_equal(process_signal_from_name("RTMIN+3"), SIGRTMIN + 3);
	assert_int_equal(process_signal_from_name("0"), -EINVAL);
	assert_int_equal(process_signal_from_name("65"), -EINVAL);
	assert_int_equal(process_signal_from_name("NONSENSE"), -EINVAL);
	assert_string_equal(process_signal_name(SIGUSR1), "SIGUSR1");
	assert_null(process_signal_name(0));
}

static void test_fds_cross_a_socket_and_extra_ones_are_closed(void **state)
{
	int pair[2], got[1], send[2] = { 0, 1 };
	size_t room = 1;
	char text[8];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(fd_send(pair[0], "hi", 3, send, 2), 0);
	assert_int_equal(fd_recv(pair[1], text, sizeof(text), got, &room), 3);
	assert_string_equal(text, "hi");
	assert_int_equal(room, 1);
	assert_int_equal(fcntl(got[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(got[0] + 1, F_GETFD), -1);
	close(got[0]);
	assert_int_equal(fd_send(pair[0], "too long for it", 16, NULL, 0), 0);
	assert_int_equal(fd_recv(pair[1], text, sizeof(text), NULL, NULL), -EMSGSIZE);
	close(pair[0]);
	assert_int_equal(fd_recv(pair[1], text, sizeof(text), NULL, NULL), 0);
	close(pair[1]);
}

static void test_files_are_replaced_whole_and_trees_removed(void **state)
{
	char dir[] = "/tmp/ctr-file-XXXXXX";
	CLEAN(free) char *text = NULL;
	CLEAN(fd) int fd = -1;
	struct err err;
	struct stat st;
	size_t len;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(file_write_atomic(fd, "a", 0600, "one", 3, &err), 0);
	assert_int_equal(file_write_atomic(fd, "a", 0600, "two!", 4, &err), 0);
	assert_int_equal(file_read(fd, "a", 100, &text, &len, &err), 0);
	assert_int_equal(len, 4);
	assert_string_equal(text, "two!");
	free(take_ptr(text));
	assert_int_equal(file_read(fd, "a", 3, &text, &len, &err), -EFBIG);
	assert_int_equal(mkdirat(fd, "b", 0700), 0);
	assert_int_equal(symlinkat("/etc", fd, "b/link"), 0);
	assert_int_equal(file_remove_tree(AT_FDCWD, dir, &err), 0);
	assert_int_equal(stat(dir, &st), -1);
	assert_int_equal(stat("/etc/passwd", &st), 0);
	assert_int_equal(file_remove_tree(AT_FDCWD, dir, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exit_codes_are_what_a_shell_says),
		cmocka_unit_test(test_a_pid_with_another_start_time_is_another_process),
		cmocka_unit_test(test_signal_names),
		cmocka_unit_test(test_fds_cross_a_socket_and_extra_ones_are_closed),
		cmocka_unit_test(test_files_are_replaced_whole_and_trees_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
