#include "monitor/terminal.h"
#include "monitor/tty.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#define MUCH (1u << 20)

/* A pty; the slave is opened by its number so that no controlling terminal comes with it. */
static int pty_open(int *ret_slave)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	*ret_slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(*ret_slave >= 0);
	return master;
}

/* A payload on a terminal of its own (slave -1: on our stdio). Returns its pidfd. */
static int payload(void (*run)(void), int slave)
{
	sigset_t none;
	int pidfd = -1;
	pid_t pid = process_clone(0, -1, &pidfd);

	assert_true(pid >= 0);
	if (pid > 0)
		return pidfd;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (slave >= 0) {
		ioctl(slave, TIOCSCTTY, 0);
		for (int fd = 0; fd < 3; fd++)
			dup2(slave, fd);
	}
	fd_close_from(3);
	alarm(20);
	run();
	_exit(0);
}

static int ended_with(int pidfd)
{
	int status = -1;

	assert_int_equal(process_wait(pidfd, &status), 0);
	close(pidfd);
	return process_exit_code(status);
}

/* Run a payload with this input behind a relay; its output is put into out, which ends in a NUL. */
static int relayed(void (*run)(void), const char *input, char *out, size_t room)
{
	struct relay r = RELAY_INIT;
	int slave, in[2];
	CLEAN(fd) int file = memfd_create("out", MFD_CLOEXEC);
	struct err err = { 0 };
	ssize_t n;

	assert_int_equal(pipe(in), 0);
	r.master = pty_open(&slave);
	r.pidfd = payload(run, slave);
	close(slave);
	assert_int_equal(write(in[1], input, strlen(input)), (ssize_t)strlen(input));
	close(in[1]);
	r.in = in[0];
	r.out = file;
	assert_int_equal(relay_run(&r, &err), 0);
	close(in[0]);
	n = pread(file, out, room - 1, 0);
	out[n > 0 ? n : 0] = '\0';
	return ended_with(r.pidfd);
}

/* ---- payloads ---------------------------------------------------------------------- */

static void writes_much(void)
{
	static char bytes[MUCH];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)('a' + i % 26);
	(void)!fd_write_all(1, bytes, sizeof(bytes));
	_exit(3);
}

static void copies_until_end(void)
{
	char line[256];
	ssize_t n;

	while ((n = read(0, line, sizeof(line))) > 0) {
		(void)!fd_write_all(1, "<", 1);
		(void)!fd_write_all(1, line, (size_t)n);
		(void)!fd_write_all(1, ">", 1);
	}
	(void)!fd_write_all(1, "end", 3);
}

static void leaves_a_child_behind(void)
{
	(void)!fd_write_all(1, "first", 5);
	if (fork() == 0) {
		signal(SIGHUP, SIG_IGN);
		sleep(10);
	}
}

static void closes_its_terminal(void)
{
	(void)!fd_write_all(1, "bye", 3);
	signal(SIGHUP, SIG_IGN);
	fd_close_from(0);
	usleep(400000);
	_exit(5);
}

static void writes_for_ever(void)
{
	while (fd_write_all(1, "yes\n", 4) == 0)
		;
	pause();
}

static void on_usr1(int signal)
{
	(void)signal;
	_exit(42);
}

static void waits_for_usr1(void)
{
	signal(SIGUSR1, on_usr1);
	for (;;)
		pause();
}

static void says_its_size_when_it_changes(void)
{
	struct winsize size = { 0 };
	sigset_t set;
	int signal;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	(void)!fd_write_all(1, "?", 1);
	sigwait(&set, &signal);
	ioctl(0, TIOCGWINSZ, &size);
	_exit(size.ws_col);
}

/* ---- tests ------------------------------------------------------------------------- */

static void test_no_byte_is_lost(void **state)
{
	static char out[MUCH + 64];

	(void)state;
	assert_int_equal(relayed(writes_much, "", out, sizeof(out)), 3);
	assert_int_equal(strlen(out), MUCH);
	for (size_t i = 0; i < MUCH; i++)
		if (out[i] != (char)('a' + i % 26))
			fail_msg("byte %zu is wrong", i);
}

static void test_end_of_input_is_the_end_of_file_character(void **state)
{
	char out[512];

	(void)state;
	assert_int_equal(relayed(copies_until_end, "one\n", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "<one\r\n>end"));
}

static void test_end_of_input_in_the_middle_of_a_line(void **state)
{
	char out[512];

	(void)state;
	assert_int_equal(relayed(copies_until_end, "one\ntwo", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "<two>end"));
}

static void test_child_that_keeps_the_terminal_does_not_hold_us(void **state)
{
	uint64_t begin = clock_now_ns();
	char out[64];

	(void)state;
	assert_int_equal(relayed(leaves_a_child_behind, "", out, sizeof(out)), 0);
	assert_string_equal(out, "first");
	assert_true(clock_now_ns() - begin < 5000000000u);
}

static void test_terminal_closed_before_the_end(void **state)
{
	char out[64];

	(void)state;
	assert_int_equal(relayed(closes_its_terminal, "", out, sizeof(out)), 5);
	assert_string_equal(out, "bye");
}

static void test_closed_output_hangs_the_payload_up(void **state)
{
	struct relay r = RELAY_INIT;
	struct err err = { 0 };
	int slave, out[2];

	(void)state;
	assert_int_equal(pipe(out), 0);
	close(out[0]);
	r.master = pty_open(&slave);
	r.pidfd = payload(writes_for_ever, slave);
	close(slave);
	r.out = out[1];
	assert_int_equal(relay_run(&r, &err), 0);
	close(out[1]);
	assert_int_equal(ended_with(r.pidfd), 128 + SIGHUP);
}

/* Our side as a process of its own: what it is told by signals is not for cmocka. */
static pid_t relay_process(void (*run)(void), int tty, bool passing_on)
{
	pid_t pid = fork();
	struct relay r = RELAY_INIT;
	struct err err = { 0 };
	int slave = -1;

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	r.signals = relay_signals(passing_on, &err);
	if (tty >= 0) {
		r.master = pty_open(&slave);
		r.tty = r.in = r.out = tty;
		relay_resize(r.master, tty);
	}
	r.pidfd = payload(run, slave);
	if (slave >= 0)
		close(slave);
	if (relay_run(&r, &err) < 0)
		_exit(125);
	_exit(ended_with(r.pidfd));
}

static int exit_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return process_exit_code(status);
}

static void test_signals_are_passed_on(void **state)
{
	pid_t pid = relay_process(waits_for_usr1, -1, true);

	(void)state;
	/* It may not have its handler yet: then the signal ends it, and 138 tells. */
	usleep(200000);
	kill(pid, SIGUSR1);
	assert_int_equal(exit_of(pid), 42);
}

/* Our own terminal: the relay has the slave, we look from the master's side. */
static void wait_raw(int slave, bool raw)
{
	struct termios t;

	for (int i = 0; i < 400; i++) {
		assert_int_equal(tcgetattr(slave, &t), 0);
		if (!(t.c_lflag & ICANON) == raw)
			return;
		usleep(10000);
	}
	fail_msg("the terminal is %s", raw ? "not raw" : "still raw");
}

static void says_whether_interrupts_are_ignored(void)
{
	struct sigaction act = { 0 };

	/* What an exec would leave. */
	sigaction(SIGINT, NULL, &act);
	_exit(act.sa_handler == SIG_IGN ? 1 : 7);
}

static void test_ignored_signals_are_neither_inherited_nor_passed_on(void **state)
{
	pid_t pid;

	(void)state;
	/* A process of its own, for its dispositions. */
	pid = fork();
	if (pid == 0) {
		signal(SIGINT, SIG_IGN);
		relay_inherited();
		if (exit_of(relay_process(says_whether_interrupts_are_ignored, -1, true)) != 7)
			_exit(1);
		pid = relay_process(waits_for_usr1, -1, true);
		usleep(200000);
		kill(pid, SIGINT);
		usleep(50000);
		kill(pid, SIGUSR1);
		_exit(exit_of(pid));
	}
	assert_int_equal(exit_of(pid), 42);
}

static void test_window_size_is_passed_on_and_the_terminal_restored(void **state)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	int slave, master = pty_open(&slave);
	char ready;
	pid_t pid;

	(void)state;
	ioctl(slave, TIOCSWINSZ, &size);
	pid = relay_process(says_its_size_when_it_changes, slave, true);
	assert_int_equal(read(master, &ready, 1), 1);
	wait_raw(slave, true);
	size.ws_col = 33;
	ioctl(slave, TIOCSWINSZ, &size);
	kill(pid, SIGWINCH);
	assert_int_equal(exit_of(pid), 33);
	wait_raw(slave, false);
	close(slave);
	close(master);
}

static void test_terminal_is_restored_when_a_signal_ends_us(void **state)
{
	int slave, master = pty_open(&slave);
	pid_t pid = relay_process(waits_for_usr1, slave, false);

	(void)state;
	wait_raw(slave, true);
	kill(pid, SIGTERM);
	assert_int_equal(exit_of(pid), 128 + SIGTERM);
	wait_raw(slave, false);
	close(slave);
	close(master);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_byte_is_lost),
		cmocka_unit_test(test_end_of_input_is_the_end_of_file_character),
		cmocka_unit_test(test_end_of_input_in_the_middle_of_a_line),
		cmocka_unit_test(test_child_that_keeps_the_terminal_does_not_hold_us),
		cmocka_unit_test(test_terminal_closed_before_the_end),
		cmocka_unit_test(test_closed_output_hangs_the_payload_up),
		cmocka_unit_test(test_signals_are_passed_on),
		cmocka_unit_test(test_ignored_signals_are_neither_inherited_nor_passed_on),
		cmocka_unit_test(test_window_size_is_passed_on_and_the_terminal_restored),
		cmocka_unit_test(test_terminal_is_restored_when_a_signal_ends_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
