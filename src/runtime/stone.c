#include "runtime/stone.h"

#include "base/fd.h"
#include "base/process.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

int clone_failed(int error, struct err *err)
{
	const char *why = "";

	if (error == ENOSPC)
		why = " (a limit in /proc/sys/user is reached)";
	else if (error == EAGAIN)
		why = " (so many processes as it may have are there: --pids-limit, pids.max of its cgroup or of "
		      "one above it, or ulimit -u)";
	return err_set(err, error, "clone3: %s%s", strerror(error), why);
}

struct word {
	pid_t pid; /* 0: it went wrong, and err says why */
	struct err err;
};

__attribute__((noreturn)) static void stone(struct making *m,
					    int (*enter)(struct making *m, struct err *err),
					    uint64_t flags, void (*child)(struct making *m),
					    int sock)
{
	struct word w = { 0 };
	int pidfd = -1;

	if (enter(m, &w.err) == 0) {
		w.pid = process_clone(flags | CLONE_PARENT, m->cgroup, &pidfd);
		if (w.pid == 0)
			child(m);
		if (w.pid < 0)
			clone_failed(-w.pid, &w.err);
		if (w.pid < 0)
			w.pid = 0;
	}
	_exit(fd_send(sock, &w, sizeof(w), &pidfd, w.pid > 0) < 0 ? 1 : 0);
}

int stone_clone(struct making *m, int (*enter)(struct making *m, struct err *err), uint64_t flags,
		void (*child)(struct making *m), struct err *err)
{
	CLEAN(fd) int ours = -1;
	CLEAN(fd) int theirs = -1;
	CLEAN(fd) int pidfd = -1;
	struct word w = { 0 };
	size_t count = 1;
	int pair[2], status;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	pid = process_clone(0, -1, &pidfd);
	if (pid < 0)
		return clone_failed(-pid, err);
	if (pid == 0)
		stone(m, enter, flags, child, theirs);
	close(take_fd(&theirs));
	if (fd_recv(ours, &w, sizeof(w), &m->pidfd, &count) != sizeof(w) || (w.pid && count != 1))
		err_set(&w.err, EIO, "clone in the user namespace: no answer");
	(void)!process_wait(pidfd, &status);
	if (w.err.code) {
		*err = w.err;
		return -w.err.code;
	}
	m->pid = w.pid;
	return 0;
}
