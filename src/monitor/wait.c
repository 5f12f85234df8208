/* Waiting for a container's end, whoever its monitor is meanwhile, or where it has none. */
#include "monitor/client.h"

#include "base/process.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* How long whoever writes an end down may take, and how often we look. */
#define WRITTEN_MS 5000
#define LOOK_MS 20

/* There is no monitor: the process's own end is what can be waited for. */
static int wait_alone(struct container *c, bool *ret_known, int *ret_code, struct err *err)
{
	CLEAN(container) struct container now = CONTAINER_INIT;
	int rc;

	if (c->pidfd >= 0)
		(void)process_ended(c->pidfd, -1);
	for (int i = 0; i < WRITTEN_MS / LOOK_MS; i++) {
		container_close(&now);
		rc = container_open(c->root, c->state.name, &now, err);
		if (rc == -ENOENT || (rc == 0 && now.state.exit_known))
			break;
		if (rc < 0)
			return rc;
		(void)poll(NULL, 0, LOOK_MS);
	}
	*ret_known = now.state.exit_known;
	*ret_code = now.state.exit_code;
	return 0;
}

/* What the monitor on this connection says of the end. False: it is gone before it said so. */
static bool hear_end(int sock, bool *ret_known, int *ret_code)
{
	const struct wire_hello hello = { .wants = WIRE_WANT_END };
	struct wire_head head = { 0 };
	ssize_t n;

	if (!monitor_send(sock, WIRE_HELLO, 0, 0, &hello, sizeof(hello)))
		return false;
	do
		n = recv(sock, &head, sizeof(head), 0);
	while ((n < 0 && errno == EINTR) || (n >= (ssize_t)sizeof(head) && head.type != WIRE_EXIT));
	if (n < (ssize_t)sizeof(head))
		return false;
	*ret_known = !head.stream;
	*ret_code = (int)head.number;
	return true;
}

int monitor_wait(struct container *c, bool *ret_known, int *ret_code, struct err *err)
{
	int sock;

	/* When one is killed the next one is there, for who connects, at once. */
	while ((sock = monitor_connect(c->dir)) >= 0) {
		bool heard = hear_end(sock, ret_known, ret_code);

		close(sock);
		if (heard)
			return 0;
	}
	return wait_alone(c, ret_known, ret_code, err);
}
