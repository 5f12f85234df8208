/* The child's side of start: it waits until somebody says the word. */
#include "runtime/report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What it does when it can't take a caller over, before it gives up. */
#define ACCEPT_TRIES 500
#define ACCEPT_PAUSE_MS 10

void report_failure(const struct making *m, int conn, const struct err *err)
{
	struct report r = { .kind = REPORT_FAILED, .stage = m->row, .err = *err };

	err_wrap(&r.err, "%s: ", m->table[m->row].name);
	(void)!report_send(conn, &r, -1);
}

/*
 * The next one who wants something of us. A machine that is full for a moment must not end a container
 * that waits to be started, and there is nobody who could be told.
 */
static int next_caller(int listening, struct err *err)
{
	int code = 0;

	for (int tries = 0; tries < ACCEPT_TRIES;) {
		int conn = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

		if (conn >= 0)
			return conn;
		code = errno;
		if (code == EINTR || code == ECONNABORTED)
			continue;
		tries++;
		poll(NULL, 0, ACCEPT_PAUSE_MS);
	}
	return err_set(err, code, "take a caller: %s", strerror(code));
}

/* The launcher knows it by the number of what stands in its place. */
static int take_network(const struct making *m, int fd, struct err *err)
{
	int place = m->plan->vm.fds[VM_NETWORK];

	if (fd < 0 || place < 0)
		return 0;
	return dup3(fd, place, O_CLOEXEC) < 0 ? err_sys(err, "take the micro-VM's network") : 0;
}

static int tell_network(int conn, struct err *err)
{
	const struct report r = { .kind = REPORT_NETWORK };
	CLEAN(fd) int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	if (sock < 0)
		return err_sys(err, "make a socket");
	rc = report_send(conn, &r, sock);
	return rc < 0 ? err_set(err, -rc, "tell of the network: %s", strerror(-rc)) : 0;
}

/* 1: it was said. 0: somebody came and went without a word. */
static int hear_start(const struct making *m, int conn, struct err *err)
{
	CLEAN(fd) int network = -1;
	struct report r;
	int n = report_receive(conn, 0, &r, &network), rc;

	if (n > 0 && r.kind == REPORT_NETWORK) {
		drop_fd(&network);
		rc = tell_network(conn, err);
		if (rc < 0)
			return rc;
		n = report_receive(conn, 0, &r, &network);
	}
	/* A caller who says something else, or is gone, is none. */
	if (n == -EPROTO || n == -ECONNRESET)
		return 0;
	if (n < 0)
		return err_set(err, -n, "hear from the caller: %s", strerror(-n));
	if (n == 0 || r.kind != REPORT_START)
		return 0;
	rc = take_network(m, network, err);
	return rc < 0 ? rc : 1;
}

int stages_await_start(struct making *m, struct err *err)
{
	int rc;

	/* Our own caller doesn't come twice. */
	if (m->plan->opt->start_by_caller) {
		m->start_child = take_fd(&m->sync);
		rc = hear_start(m, m->start_child, err);
		if (rc == 0)
			_exit(1);
		return rc < 0 ? rc : 0;
	}
	close(take_fd(&m->sync));
	for (;;) {
		int conn = next_caller(m->start_child, err);

		if (conn < 0)
			return conn;
		rc = hear_start(m, conn, err);
		if (rc > 0) {
			close(m->start_child);
			m->start_child = conn;
			return 0;
		}
		/* Who wasn't heard is told, and can try again. */
		if (rc < 0)
			report_failure(m, conn, err);
		close(conn);
	}
}
