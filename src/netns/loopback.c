#include "netns/loopback.h"

#include "base/cleanup.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int netns_loopback_up(struct err *err)
{
	CLEAN(fd) int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* The one flag that can be written on lo; what else it has is the kernel's to keep. */
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING };

	/* Interface ioctls work on any socket; a unix one also where AF_INET is compiled out. */
	if (sock < 0)
		return err_sys(err, "bring the loopback interface up: open a socket");
	if (ioctl(sock, SIOCSIFFLAGS, &req) < 0)
		return err_sys(err, "bring the loopback interface up; linux.namespaces (network)");
	return 0;
}
