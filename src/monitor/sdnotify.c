#include "monitor/sdnotify.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* So many messages pass, then none for a while; the next ones wait in the socket, and who sends them. */
#define BURST 8
#define REST_NS UINT64_C(100000000)

/* The manager has so long to read our last word. */
#define BARRIER_MS 5000

/* ---- what is wanted ------------------------------------------------------------------- */

static const char *const modes[] = {
	[SDNOTIFY_IGNORE] = "ignore",
	[SDNOTIFY_CONTAINER] = "container",
	[SDNOTIFY_CONMON] = "conmon",
	[SDNOTIFY_HEALTHY] = "healthy",
};

int sdnotify_address_check(const char *address, struct err *err)
{
	struct sockaddr_un addr;

	if ((*address != '/' && *address != '@') || !address[1] ||
	    strlen(address) >= sizeof(addr.sun_path))
		return err_set(
			err, EINVAL,
			"NOTIFY_SOCKET=%s: neither an absolute path nor @ and a name, of less "
			"than %zu bytes; --sdnotify=ignore does without it",
			address, sizeof(addr.sun_path));
	return 0;
}

/* ARRAY_LEN(modes): there is no such word. */
static size_t mode_of(const char *flag)
{
	size_t mode = 0;

	if (!flag)
		return process_named_by("SYSTEMD_EXEC_PID") ? SDNOTIFY_CONTAINER : SDNOTIFY_IGNORE;
	while (mode < ARRAY_LEN(modes) && !str_eq(flag, modes[mode]))
		mode++;
	return mode;
}

int sdnotify_choose(const char *flag, struct sdnotify_choice *ret, struct err *err)
{
	const char *address = getenv("NOTIFY_SOCKET");
	size_t mode = mode_of(flag);

	*ret = (struct sdnotify_choice){ 0 };
	if (mode == ARRAY_LEN(modes))
		return err_set(err, EINVAL,
			       "--sdnotify: \"%s\" is not container, conmon, healthy or ignore",
			       flag);
	if (mode == SDNOTIFY_IGNORE || !address)
		return 0;
	ret->mode = (enum sdnotify_mode)mode;
	ret->address = address;
	ret->watchdog_usec = process_named_by("WATCHDOG_PID") ? getenv("WATCHDOG_USEC") : NULL;
	return sdnotify_address_check(address, err);
}

/* ---- what may pass -------------------------------------------------------------------- */

/*
 * What isn't here is not for a container to say: MAINPID=, FDSTORE=1, FDNAME= and FDPOLL= would have the
 * manager act on other processes or hold fds, EXTEND_TIMEOUT_USEC= and WATCHDOG_USEC= undo its limits.
 */
static const struct {
	const char *name;
	enum { ONE, NUMBER, WORDS } value;
} allowed[] = {
	{ "READY=", ONE },
	{ "RELOADING=", ONE },
	{ "STOPPING=", ONE },
	{ "WATCHDOG=", ONE },
	{ "STATUS=", WORDS },
	{ "ERRNO=", NUMBER },
	{ "MONOTONIC_USEC=", NUMBER },
};

#define WORDS_MAX 512
#define NUMBER_MAX 20

static bool is_number(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return len && len <= NUMBER_MAX;
}

/* Put what may pass of a value at the end of `to`. False: it is not one. */
static bool value_put(int kind, const char *value, size_t len, char *to, size_t *at)
{
	switch (kind) {
	case ONE:
		if (len != 1 || *value != '1')
			return false;
		break;
	case NUMBER:
		if (!is_number(value, len))
			return false;
		break;
	default:
		len = len < WORDS_MAX ? len : WORDS_MAX;
	}
	/* A status is shown on somebody's terminal. */
	for (size_t i = 0; i < len; i++)
		to[(*at)++] = (unsigned char)value[i] < ' ' || value[i] == 127 ? ' ' : value[i];
	return true;
}

static bool line_put(const char *line, size_t len, char *to, size_t *at)
{
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
		size_t name = strlen(allowed[i].name), begin = *at;

		if (len < name || memcmp(line, allowed[i].name, name) != 0)
			continue;
		if (begin + 1 + len > SDNOTIFY_MESSAGE_MAX)
			return false;
		if (begin)
			to[(*at)++] = '\n';
		memcpy(to + *at, line, name);
		*at += name;
		if (value_put(allowed[i].value, line + name, len - name, to, at))
			return true;
		*at = begin;
		return false;
	}
	return false;
}

size_t sdnotify_filter(const char *message, size_t len, bool ready_only, char *ret, bool *ret_ready)
{
	static const char ready[] = "READY=1";
	size_t at = 0;

	*ret_ready = false;
	while (len) {
		const char *end = memchr(message, '\n', len);
		size_t line = end ? (size_t)(end - message) : len;
		bool is_ready = line == strlen(ready) && memcmp(message, ready, line) == 0;

		if (is_ready || !ready_only)
			*ret_ready |= line_put(message, line, ret, &at) && is_ready;
		len -= end ? line + 1 : line;
		message += end ? line + 1 : line;
	}
	return at;
}

/* ---- passing it on -------------------------------------------------------------------- */

/* 0 or -errno. `fd` goes along; -1: none. */
static int send_to(const char *address, const char *text, size_t len, int fd)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	CLEAN(fd) int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	size_t length = strlen(address);

	if (sock < 0 || length >= sizeof(addr.sun_path))
		return sock < 0 ? -errno : -ENAMETOOLONG;
	memcpy(addr.sun_path, address, length);
	if (*address == '@')
		addr.sun_path[0] = '\0';
	length += offsetof(struct sockaddr_un, sun_path) + (*address == '/');
	if (connect(sock, (struct sockaddr *)&addr, (socklen_t)length) < 0)
		return -errno;
	return fd_send(sock, text, len, &fd, fd >= 0);
}

void sdnotify_say(const struct sdnotify *n, const char *text)
{
	if (n->address)
		(void)!send_to(n->address, text, strlen(text), -1);
}

int sdnotify_watch(const struct sdnotify *n)
{
	return n->next_ns > clock_now_ns() ? -1 : n->from;
}

/*
 * One message: judged, sent, and only then taken: who is killed in between leaves it to the next one. No fd
 * that came with it is ever ours, for we give the kernel no room for any. False: there is none, or it has to
 * be tried again.
 */
static bool pass_one(struct sdnotify *n)
{
	char said[SDNOTIFY_MESSAGE_MAX], text[SDNOTIFY_MESSAGE_MAX + 32];
	ssize_t len = recv(n->from, said, sizeof(said), MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
	bool ready = false;
	size_t out = 0;

	if (len < 0)
		return false;
	if ((size_t)len <= sizeof(said))
		out = sdnotify_filter(said, (size_t)len, n->ready_only, text, &ready);
	if (ready && n->main_pid)
		out += (size_t)snprintf(text + out, 32, "\nMAINPID=%d", (int)n->main_pid);
	if (out && send_to(n->address, text, out, -1) == -EAGAIN)
		return false;
	n->ready |= ready;
	(void)!recv(n->from, said, 1, MSG_DONTWAIT);
	return true;
}

void sdnotify_turn(struct sdnotify *n)
{
	char left;

	if (n->from < 0 || !n->address || n->next_ns > clock_now_ns())
		return;
	n->next_ns = 0;
	for (int i = 0; i < BURST; i++)
		if (!pass_one(n))
			break;
	/* More than a few, or a manager that takes nothing just now: later. */
	if (recv(n->from, &left, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
		n->next_ns = clock_now_ns() + REST_NS;
}

/* A manager that sees us gone before it has read what we said doesn't know any more whose word it was. */
static void barrier(const struct sdnotify *n)
{
	static const char text[] = "BARRIER=1";
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	if (send_to(n->address, text, strlen(text), ends[1]) == 0) {
		struct pollfd p = { ends[0], 0, 0 };

		close(ends[1]);
		(void)poll(&p, 1, BARRIER_MS);
	} else {
		close(ends[1]);
	}
	close(ends[0]);
}

void sdnotify_await_ready(struct sdnotify *n, int pidfd)
{
	while (!n->ready) {
		struct pollfd p[] = { { sdnotify_watch(n), POLLIN, 0 }, { pidfd, POLLIN, 0 } };
		bool rests = p[0].fd < 0;

		if (poll(p, 2, rests ? (int)(REST_NS / 1000000) : -1) < 0 && errno != EINTR)
			return;
		sdnotify_turn(n);
		if (p[1].revents)
			break;
	}
	if (n->ready)
		barrier(n);
}
