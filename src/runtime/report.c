#include "runtime/report.h"

#include "base/fd.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#define SHORT_REPORT offsetof(struct report, err)

static size_t length(const struct report *r)
{
	return r->kind == REPORT_FAILED ? sizeof(*r) : SHORT_REPORT;
}

int report_send(int sock, const struct report *r, int fd)
{
	return fd_send(sock, r, length(r), &fd, fd >= 0);
}

static bool may_bring_fd(const struct report *r, bool has)
{
	bool must = r->kind == REPORT_TERMINAL || r->kind == REPORT_LISTENER;

	return has ? must || r->kind == REPORT_START || r->kind == REPORT_NETWORK : !must;
}

static bool is_sound(const struct report *r, size_t len, size_t rows)
{
	if ((unsigned int)r->kind >= REPORT_KINDS || (unsigned int)r->gate >= GATES ||
	    len != length(r))
		return false;
	return r->kind != REPORT_FAILED || (r->stage >= 0 && (size_t)r->stage < rows);
}

/*
 * Who ends without having read all that we said resets the connection, and the kernel tells that before
 * it gives out what he himself had said: the reason, maybe.
 */
static ssize_t take(int sock, struct report *ret, int *ret_fd)
{
	size_t count = 1;
	ssize_t n = fd_recv(sock, ret, sizeof(*ret), ret_fd, &count);

	if (n != -ECONNRESET)
		return n;
	count = 1;
	n = fd_recv(sock, ret, sizeof(*ret), ret_fd, &count);
	return n == 0 ? -ECONNRESET : n;
}

int report_receive(int sock, size_t rows, struct report *ret, int *ret_fd)
{
	CLEAN(fd) int fd = -1;
	ssize_t n = take(sock, ret, &fd);

	if (ret_fd)
		*ret_fd = -1;
	if (n <= 0)
		return (int)n;
	if ((size_t)n < SHORT_REPORT || !is_sound(ret, (size_t)n, rows) ||
	    !may_bring_fd(ret, fd >= 0) || (fd >= 0 && !ret_fd))
		return -EPROTO;
	if (ret->kind == REPORT_FAILED) {
		ret->err.text[sizeof(ret->err.text) - 1] = '\0';
		ret->err.code = ret->err.code > 0 ? ret->err.code : EIO;
	}
	if (ret_fd)
		*ret_fd = take_fd(&fd);
	return 1;
}
