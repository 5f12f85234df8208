#include "wire/call.h"

#include "base/clock.h"
#include "base/str.h"
#include "wire/frame.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define LINE_MAX_BYTES 32

int wire_wait(int fd, uint64_t end_ns)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now = clock_now_ns();
	int n = poll(&p, 1,
		     end_ns == WIRE_NO_END ? -1 :
		     now < end_ns          ? (int)((end_ns - now) / 1000000) + 1 :
					     0);

	if (n == 0)
		return -ETIMEDOUT;
	return n < 0 && errno != EINTR ? -errno : 0;
}

int wire_call(int fd, uint64_t end_ns)
{
	CLEAN(free) char *asked = xasprintf("CONNECT %d\n", WIRE_PORT);
	char line[LINE_MAX_BYTES] = "";
	size_t len = 0;

	if (send(fd, asked, strlen(asked), MSG_NOSIGNAL) < 0)
		return -errno;
	/* Byte by byte: what is behind the line is the guest's. */
	while (len < sizeof(line) - 1 && (!len || line[len - 1] != '\n')) {
		ssize_t n = recv(fd, line + len, 1, 0);
		int rc = 0;

		if (n > 0)
			len++;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return -ECONNREFUSED;
		else
			rc = wire_wait(fd, end_ns);
		if (rc < 0)
			return rc;
	}
	return str_starts(line, "OK ") && line[len - 1] == '\n' ? 0 : -ECONNREFUSED;
}
