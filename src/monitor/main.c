/*
 * ctr-monitor run NAME: started by ctr with a socket as its standard input, on which lies one message with
 * the order (monitor/order.h) as an fd. For no one else to call.
 */
#include "monitor/monitor.h"

#include "base/fd.h"
#include "base/str.h"
#include "runtime/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void nothing(int signal)
{
	(void)signal;
}

/* A closed pipe is an error of write(2), not our death. Not SIG_IGN, which the container would inherit. */
static void take_no_pipe_signal(void)
{
	struct sigaction act = { .sa_handler = nothing };

	(void)sigaction(SIGPIPE, &act, NULL);
	(void)sigaction(SIGHUP, &act, NULL);
}

/* Standard input is the socket; it is put out of the way, where no program that we start inherits it. */
static int give_up_streams(struct monitor *m, struct err *err)
{
	int null;

	m->first = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (m->first < 0 || null < 0)
		return err_sys(err, "take standard input");
	for (int fd = 0; fd < 3; fd++)
		if (dup2(null, fd) < 0)
			return err_sys(err, "give up standard streams");
	if (null > 2)
		close(null);
	return 0;
}

/* Above those numbers that the container's own fds are to have. */
static int move_up(int *fd, int above, struct err *err)
{
	int moved = fcntl(*fd, F_DUPFD_CLOEXEC, above);

	if (moved < 0)
		return err_sys(err, "make room for the container's fds");
	close(*fd);
	*fd = moved;
	return 0;
}

/*
 * What the container was given is held by us from 3 on, as it would be in a container's parent that was
 * started with it, and by the keeper, which is a copy of us: so it is there for each of its lives.
 */
static int place_fds(struct monitor *m, int *fds, int count, struct err *err)
{
	int rc = move_up(&m->first, 3 + count, err);

	if (rc == 0)
		rc = move_up(&m->order, 3 + count, err);
	for (int i = 0; rc == 0 && i < count; i++)
		rc = move_up(&fds[i], 3 + count, err);
	for (int i = 0; rc == 0 && i < count; i++) {
		if (dup3(fds[i], 3 + i, O_CLOEXEC) < 0)
			return err_sys(err, "place the container's fds");
		close(fds[i]);
	}
	m->preserved = count;
	return rc;
}

static int take_order(struct monitor *m, struct err *err)
{
	int fds[FD_PASS_MAX];
	size_t count = FD_PASS_MAX;
	ssize_t n;
	char word;
	int rc = give_up_streams(m, err);

	if (rc < 0)
		return rc;
	n = fd_recv(m->first, &word, 1, fds, &count);
	if (n != 1 || !count)
		return err_set(err, n < 0 ? (int)-n : EPROTO,
			       "there is no order on standard input");
	m->order = fds[0];
	return place_fds(m, fds + 1, (int)count - 1, err);
}

static int make_ways(struct monitor *m, struct err *err)
{
	int *const pipes[] = { m->in, m->out, m->err, m->feed, m->hold };

	/* Only ours never block: those that the container has too are as it expects them. */
	for (size_t i = 0; i < ARRAY_LEN(pipes); i++)
		if (pipe2(pipes[i], O_CLOEXEC | (i > 2 ? O_NONBLOCK : 0)) < 0)
			return err_sys(err, "make a pipe");
	m->listen = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (m->listen < 0)
		return err_sys(err, "make a socket");
	return shared_make(&m->shared, err);
}

int main(int argc, char **argv)
{
	struct monitor m = { .order = -1,
			     .first = -1,
			     .listen = -1,
			     .pidfd = -1,
			     .terminal = -1,
			     .notify = -1,
			     .link = -1,
			     .other = -1 };
	struct err err = { 0 };
	enum role role = ROLE_KEEPER;
	bool child = false;
	int rc;

	if (argc != 3 || !str_eq(argv[1], "run")) {
		fputs("ctr-monitor is started by ctr; see ctr-monitor(8)\n", stderr);
		return 125;
	}
	/* A copy of us will stand in the container, which is not to get hold of our file. */
	rc = guard_self(&err);
	take_no_pipe_signal();
	if (rc == 0)
		rc = take_order(&m, &err);
	if (rc == 0)
		rc = make_ways(&m, &err);
	if (rc == 0)
		rc = chdir("/") < 0 ? err_sys(&err, "chdir /") : 0;
	if (rc == 0)
		rc = monitor_split(&m, &child, &err);
	/* Our standard error is /dev/null: who started us sees that we are gone. */
	if (rc < 0)
		return 125;
	if (child)
		role = ROLE_MONITOR;
	while (role != ROLE_END)
		role = role == ROLE_KEEPER ? keeper_main(&m) : serve_main(&m);
	return 0;
}
