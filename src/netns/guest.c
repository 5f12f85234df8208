#include "netns/guest.h"

#include "base/cleanup.h"
#include "netns/devices.h"

#include <sys/socket.h>

static int ask(int helper, const int *fds, size_t count, enum net_job job, struct err *err)
{
	const struct net_request request = { .magic = NET_MAGIC,
					     .version = NET_VERSION,
					     .job = job };
	struct net_answer answer;

	return net_ask(helper, fds, count, &request, &answer, NULL, err);
}

int netns_guest_connect(int helper, int netns, int *ret, struct err *err)
{
	int ends[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, "make a socket for the guest's interfaces");
	rc = ask(helper, (const int[]){ netns, ends[1] }, 2, NET_GUEST_CONNECT, err);
	close(ends[1]);
	if (rc < 0)
		close(ends[0]);
	else
		*ret = ends[0];
	return rc;
}

int netns_guest_disconnect(int helper, int netns, struct err *err)
{
	return ask(helper, &netns, 1, NET_GUEST_DISCONNECT, err);
}
