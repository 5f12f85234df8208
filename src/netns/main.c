/*
 * ctr-net: all that needs netlink. It is started with a socket as its standard input, on which lies
 * one request with a network namespace's fd (netns/devices.h); it does what that says, answers, and
 * ends. Whoever can start it as root could do the same by hand: it gives no rights, it keeps few.
 */
#include "base/fd.h"
#include "netns/main_devices.h"
#include "netns/main_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REQUEST_FDS 2
#define BIT(cap) (1u << (cap))

/* From here on these rights and no others; both are among the first 32. */
static int keep_only(uint32_t caps, struct err *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { .effective = caps, .permitted = caps } };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "no_new_privs");
	return syscall(SYS_capset, &head, data) < 0 ?
		       err_sys(err, "moving interfaces needs CAP_NET_ADMIN and CAP_SYS_ADMIN") :
		       0;
}

/* Who has no rights outside has them in the user namespace that the network is of, if that is his. */
static int enter(int netns, struct err *err)
{
	CLEAN(fd) int users = -1;

	if (setns(netns, CLONE_NEWNET) == 0)
		return 0;
	users = ioctl(netns, NS_GET_USERNS);
	if (users < 0 || setns(users, CLONE_NEWUSER) < 0 || setns(netns, CLONE_NEWNET) < 0)
		return err_sys(err, "enter the container's network namespace");
	return 0;
}

static int place_open(struct place *p, int netns, struct err *err)
{
	int rc = rtnl_open(&p->rtnl);

	p->netns = netns;
	return rc < 0 ? err_set(err, -rc, "open a netlink socket: %s", strerror(-rc)) : 0;
}

/* A socket in each of the two namespaces; then there is nothing more to enter. */
static int places_open(struct place *here, struct place *there, int netns, struct err *err)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), rc;

	if (home < 0)
		return err_sys(err, "open /proc/self/ns/net");
	rc = place_open(here, home, err);
	if (rc == 0)
		rc = enter(netns, err);
	if (rc == 0)
		rc = keep_only(BIT(CAP_NET_ADMIN), err);
	return rc < 0 ? rc : place_open(there, netns, err);
}

/* If the socket is full, or nobody there, then that is so: what counts is the answer at the end. */
static void tell(const struct net_devices *d)
{
	static struct net_answer now = { .magic = NET_MAGIC, .version = NET_VERSION };

	now.devices = *d;
	(void)!send(STDIN_FILENO, &now, offsetof(struct net_answer, err),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int serve(struct net_request *r, const int fds[REQUEST_FDS], struct err *err)
{
	struct place here = { .netns = -1 }, there = { .netns = -1 };
	int rc = places_open(&here, &there, fds[0], err);

	if (rc < 0)
		return rc;
	switch (r->job) {
	case NET_DEVICES_MOVE:
		return devices_move(&here, &there, &r->devices, tell, err);
	case NET_DEVICES_RETURN:
		return devices_return(&here, &there, &r->devices, err);
	case NET_GUEST_CONNECT:
		return guest_connect(&there.rtnl, fds[1], err);
	case NET_GUEST_DISCONNECT:
		return guest_disconnect(&there.rtnl, err);
	default:
		return err_set(err, EPROTO, "no such job: %u", r->job);
	}
}

static bool of_guest(const struct net_request *r)
{
	return r->job == NET_GUEST_CONNECT || r->job == NET_GUEST_DISCONNECT;
}

/* The namespace; and where a guest's interfaces go. */
static size_t fds_of(const struct net_request *r)
{
	return r->job == NET_GUEST_CONNECT ? 2 : 1;
}

int main(void)
{
	struct net_answer answer = { .magic = NET_MAGIC, .version = NET_VERSION };
	static struct net_request request;
	size_t count = REQUEST_FDS;
	int fds[REQUEST_FDS] = { -1, -1 };

	/* Executed by an fd, we would be called by its number. */
	prctl(PR_SET_NAME, NET_HELPER);
	if (fd_recv(0, &request, sizeof(request), fds, &count) != sizeof(request) ||
	    count != fds_of(&request) || !net_request_ok(&request)) {
		fprintf(stderr, NET_HELPER " is a part of ctr and not for use by hand, or of "
					   "another version than the ctr that started it\n");
		return 2;
	}
	/* Only what goes between two namespaces needs rights in both. */
	if (keep_only(BIT(CAP_NET_ADMIN) | BIT(CAP_SYS_ADMIN), &answer.err) == 0 ||
	    of_guest(&request)) {
		answer.err.code = 0;
		(void)!serve(&request, fds, &answer.err);
	}
	answer.devices = request.devices;
	return fd_send(0, &answer, sizeof(answer), NULL, 0) < 0 ? 1 : 0;
}
