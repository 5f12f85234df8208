/*
 * A micro-VM without a machine: its part in src/netns/guest.h, played in a network namespace, with a tap in the
 * place of each of its interfaces.
 *
 *   net-guest CTR_NET NETNS GUEST   takes the interfaces of NETNS over into GUEST, says "ready", and moves packets
 *   net-guest CTR_NET NETNS         takes off what is left
 */
#include "base/fd.h"
#include "base/file.h"
#include "netns/guest.h"
#include "netns/requests.h"

#include <err.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PACKET_MAX 70000

static struct err why;

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

/* What the guest's driver makes: called by the kernel's choice, and down. */
static int make_interface(const uint8_t mac[NET_GUEST_MAC_BYTES])
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

	strcpy(ifr.ifr_name, "eth%d");
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		err(1, "make a tap");
	ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(ifr.ifr_hwaddr.sa_data, mac, NET_GUEST_MAC_BYTES);
	if (ioctl(fd, SIOCSIFHWADDR, &ifr) < 0)
		err(1, "set its address");
	return fd;
}

static struct net_links links;

static void apply(int file)
{
	char *text = NULL;
	size_t len;

	if (lseek(file, 0, SEEK_SET) < 0 ||
	    file_read_fd(file, "requests", NET_REQUESTS_MAX, &text, &len, &why) < 0 ||
	    netns_requests_apply(text, len, &links, &why) < 0)
		errx(1, "%s", why.text);
	free(text);
}

static void move(int from, int to)
{
	static char packet[PACKET_MAX];
	ssize_t n = read(from, packet, sizeof(packet));

	/* An interface that is down takes none. */
	if (n > 0 && write(to, packet, (size_t)n) < 0)
		warn("a packet is lost");
}

static void pump(const int *taps, const int *interfaces, size_t count)
{
	struct pollfd fds[2 * NET_GUEST_LINKS_MAX];

	for (size_t i = 0; i < count; i++) {
		fds[2 * i] = (struct pollfd){ .fd = taps[i], .events = POLLIN };
		fds[2 * i + 1] = (struct pollfd){ .fd = interfaces[i], .events = POLLIN };
	}
	for (;;) {
		if (poll(fds, 2 * count, -1) < 0)
			err(1, "poll");
		for (size_t i = 0; i < 2 * count; i++)
			if (fds[i].revents)
				move(fds[i].fd, fds[i ^ 1].fd);
	}
}

struct message {
	uint8_t bytes[1 + NET_GUEST_LINKS_MAX * NET_GUEST_MAC_BYTES];
	int fds[1 + NET_GUEST_LINKS_MAX];
};

static void take_over(int helper, int netns, struct message *ret)
{
	size_t count = 1 + NET_GUEST_LINKS_MAX;
	int sock;

	if (netns_guest_connect(helper, netns, &sock, &why) < 0)
		errx(1, "%s", why.text);
	if (fd_recv(sock, ret->bytes, sizeof(ret->bytes), ret->fds, &count) !=
		    1 + ret->bytes[0] * NET_GUEST_MAC_BYTES ||
	    count != 1U + ret->bytes[0])
		errx(1, "no such message");
}

int main(int argc, char **argv)
{
	int interfaces[NET_GUEST_LINKS_MAX];
	struct message first, second;
	int helper, netns, other;

	if (argc < 3)
		errx(2, "net-guest CTR_NET NETNS [GUEST [NETNS-OF-A-COPY]]");
	helper = open(argv[1], O_PATH | O_CLOEXEC);
	netns = open_file(argv[2]);
	if (argc == 3)
		return netns_guest_disconnect(helper, netns, &why) < 0 ? errx(1, "%s", why.text),
		       1 : 0;
	take_over(helper, netns, &first);
	other = argc > 4 ? open_file(argv[4]) : -1;
	if (other >= 0)
		take_over(helper, other, &second);
	if (setns(open_file(argv[3]), CLONE_NEWNET) < 0)
		err(1, "setns");
	for (size_t i = 0; i < first.bytes[0]; i++)
		interfaces[i] = make_interface(first.bytes + 1 + i * NET_GUEST_MAC_BYTES);
	apply(first.fds[0]);
	if (other >= 0)
		apply(second.fds[0]);
	puts("ready");
	fflush(stdout);
	pump((other >= 0 ? &second : &first)->fds + 1, interfaces, first.bytes[0]);
}
