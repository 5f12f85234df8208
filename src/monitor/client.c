#include "monitor/client.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/helper.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PROGRAM "ctr-monitor"

/* How long a monitor may take to hand out its container's fds. */
#define FDS_MS 5000

/* What it may need of our environment: to find things, and the user's own places. */
static const char *const kept[] = { "PATH",          "HOME",
				    "TMPDIR",        "XDG_RUNTIME_DIR",
				    "XDG_DATA_HOME", "DBUS_SESSION_BUS_ADDRESS" };

/* And where its program lies, which it can't see once it is guarded: its helpers are beside it. */
static void environment(int exe, char *env[ARRAY_LEN(kept) + 2])
{
	char path[PATH_MAX];
	struct err ignored;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		const char *value = getenv(kept[i]);

		if (value)
			env[n++] = xasprintf("%s=%s", kept[i], value);
	}
	if (fd_path(exe, path, sizeof(path), &ignored) == 0)
		env[n++] = xasprintf(HELPER_EXE_VARIABLE "=%s", path);
	env[n] = NULL;
}

/* In the child. A session of its own: no terminal of ours will ever send it a signal. */
__attribute__((noreturn)) static void become(int exe, int sock, const char *name)
{
	/* The verb is by which the guard knows that it will enter a container (runtime/guard_entry.c). */
	char *const argv[] = { (char *)PROGRAM, (char *)"run", (char *)name, NULL };
	char *env[ARRAY_LEN(kept) + 2];
	sigset_t none;

	environment(exe, env);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* What our own caller left open is not for who stays. */
	fd_cloexec_from(3);
	if (setsid() >= 0 && dup2(sock, STDIN_FILENO) == STDIN_FILENO)
		(void)execveat(exe, "", argv, env, AT_EMPTY_PATH);
	_exit(127);
}

/* The order, and behind it the fds that the container is to have. */
static int hand_over(int sock, const struct order *o, int order, const int *fds, struct err *err)
{
	int all[FD_PASS_MAX] = { order };
	char word = 'o';
	int rc;

	if (o->preserve_fds > MONITOR_FDS_MAX)
		return err_set(
			err, E2BIG,
			"%d fds for a container that stays: more than %d can't be kept for it",
			o->preserve_fds, MONITOR_FDS_MAX);
	for (int i = 0; i < o->preserve_fds; i++)
		all[1 + i] = fds ? fds[i] : 3 + i;
	rc = fd_send(sock, &word, 1, all, 1 + (size_t)o->preserve_fds);
	return rc < 0 ? err_set(err, -rc, PROGRAM ": hand over the order: %s", strerror(-rc)) : 0;
}

int monitor_start(const struct order *o, const struct spec *spec, const int *fds, struct err *err)
{
	CLEAN(fd) int exe = helper_open(PROGRAM, err);
	CLEAN(fd) int order = exe < 0 ? -1 : order_pack(o, spec, err);
	CLEAN(fd) int ours = -1;
	CLEAN(fd) int theirs = -1;
	CLEAN(fd) int child = -1;
	int ends[2], rc;
	pid_t pid;

	if (exe < 0 || order < 0)
		return exe < 0 ? exe : order;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, "socketpair");
	ours = ends[0];
	theirs = ends[1];
	rc = hand_over(ours, o, order, fds, err);
	if (rc < 0)
		return rc;
	pid = process_clone(0, -1, &child);
	if (pid == 0)
		become(exe, theirs, o->name);
	if (pid < 0)
		return err_set(err, (int)-pid, "start " PROGRAM ": %s", strerror((int)-pid));
	return take_fd(&ours);
}

/* One message, waited for. The length of what follows the head, or -errno; -ECONNRESET: it is gone. */
static ssize_t next(int sock, struct wire_head *head, void *data, size_t room)
{
	struct iovec parts[] = { { head, sizeof(*head) }, { data, room } };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n;

	do
		n = recvmsg(sock, &msg, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n < (ssize_t)sizeof(*head) ? -ECONNRESET : n - (ssize_t)sizeof(*head);
}

int monitor_await_start(int sock, struct strv *warnings, struct err *err)
{
	struct wire_head head = { 0 };
	char text[sizeof(struct err) + 1];
	ssize_t n;

	for (;;) {
		n = next(sock, &head, text, sizeof(text) - 1);
		if (n < 0)
			return err_set(err, (int)-n,
				       PROGRAM " ended before it started the container");
		text[n] = '\0';
		if (head.type == WIRE_STARTED)
			return 0;
		if (head.type == WIRE_WARNING)
			strv_add(warnings, text);
		if (head.type != WIRE_FAILED || n != (ssize_t)sizeof(*err))
			continue;
		memcpy(err, text, sizeof(*err));
		return -err->code;
	}
}

int monitor_connect(int dir)
{
	int sock = fd_connect_at(dir, STATE_MONITOR_SOCKET, SOCK_SEQPACKET);

	return sock == -ECONNREFUSED ? -ENOENT : sock;
}

void monitor_await_gone(int sock, int timeout_ms)
{
	uint64_t until = clock_now_ns() + (uint64_t)timeout_ms * 1000000;
	char unused[64];

	while (sock >= 0 && clock_now_ns() < until) {
		struct pollfd p = { sock, POLLIN, 0 };

		if (poll(&p, 1, timeout_ms) > 0 && recv(sock, unused, sizeof(unused), 0) <= 0)
			return;
	}
}

bool monitor_send(int sock, uint32_t type, uint32_t stream, uint64_t number, const void *data,
		  size_t len)
{
	struct wire_head head = { type, stream, number };
	struct iovec parts[] = { { &head, sizeof(head) }, { (void *)data, len } };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n;

	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n >= 0;
}

size_t monitor_fds(int dir, int *ret)
{
	CLEAN(fd) int sock = monitor_connect(dir);
	struct pollfd p = { sock, POLLIN, 0 };
	size_t count = MONITOR_FDS_MAX;
	struct wire_head head;

	if (sock < 0 || !monitor_send(sock, WIRE_FDS, 0, 0, NULL, 0) || poll(&p, 1, FDS_MS) <= 0 ||
	    fd_recv(sock, &head, sizeof(head), ret, &count) < 0)
		return 0;
	return count;
}

void monitor_tell(int dir, uint32_t type, uint64_t number)
{
	CLEAN(fd) int sock = monitor_connect(dir);

	if (sock >= 0)
		(void)!monitor_send(sock, type, 0, number, NULL, 0);
}
