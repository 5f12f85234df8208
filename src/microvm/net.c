#include "microvm/net.h"

#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>

#define WAY "tap=NAME[,mac=MAC] or fd=N[,mac=MAC]"
#define MULTICAST 1 /* of an address' first byte */
#define LOCAL 2

/* ---- what --net says ------------------------------------------------------------------- */

static int digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Six pairs of digits: false where it's something else, or no address of one interface. */
static bool parse_mac(const char *text, uint8_t mac[NET_MAC_BYTES])
{
	uint8_t any = 0;

	for (int i = 0; i < NET_MAC_BYTES; i++, text += 3) {
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) ||
		    text[2] != (i < NET_MAC_BYTES - 1 ? ':' : '\0'))
			return false;
		mac[i] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
		any |= mac[i];
	}
	return any && !(mac[0] & MULTICAST);
}

static int open_tap(const char *name, struct err *err)
{
	CLEAN(fd) int fd = -1;
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

	if (!*name || strlen(name) >= sizeof(ifr.ifr_name))
		return err_set(err, EINVAL, "a name has 1 to %d letters",
			       (int)sizeof(ifr.ifr_name) - 1);
	/* The kernel makes one that isn't there, and it would be connected with nothing. */
	if (!if_nametoindex(name))
		return err_set(
			err, ENODEV,
			"there is no interface of that name; `ip tuntap add name %s mode tap` "
			"makes one",
			name);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_sys(err, "open /dev/net/tun");
	memcpy(ifr.ifr_name, name, strlen(name));
	if (ioctl(fd, TUNSETIFF, &ifr) == 0)
		return take_fd(&fd);
	if (errno == EBUSY)
		return err_sys(err, "somebody else has the tap, a running guest for one");
	if (errno == EINVAL)
		return err_sys(err, "it is no tap, or one of several queues");
	return err_sys(err, "open the tap (its owner may, and who has CAP_NET_ADMIN)");
}

static int take_given(const char *number, struct err *err)
{
	uint64_t n;
	int fd;

	if (str_to_u64(number, 0, INT_MAX, &n) < 0)
		return err_set(err, EINVAL, "fd=N is the number of an open tap");
	fd = fcntl((int)n, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? err_sys(err, "take the fd %s", number) : fd;
}

static int parse_end(const char *word, struct net_options *ret, struct err *err)
{
	int rc;

	if (str_starts(word, "tap="))
		ret->fd = open_tap(word + strlen("tap="), err);
	else if (str_starts(word, "fd="))
		ret->fd = take_given(word + strlen("fd="), err);
	else
		return err_set(err, EINVAL, "connected with what? " WAY);
	rc = ret->fd < 0 ? ret->fd : net_tap_prepare(ret->fd, err);
	return rc;
}

static int parse_word(const char *word, struct net_options *ret, struct err *err)
{
	int rc;

	if (str_starts(word, "mac=")) {
		if (!parse_mac(word + strlen("mac="), ret->mac))
			return err_set(err, EINVAL,
				       "an address is like 02:00:00:00:00:01, not zero and no "
				       "multicast (an even first byte)");
		ret->has_mac = true;
		return 0;
	}
	rc = bucket_parse(word, "rx-", &ret->rx);
	if (rc == 0)
		rc = bucket_parse(word, "tx-", &ret->tx);
	if (rc == 0)
		rc = bucket_parse_burst(word, &ret->burst_ms);
	if (rc < 0)
		return err_set(err, EINVAL, "\"%s\": " BUCKET_WORDS, word);
	if (rc == 0)
		return err_set(err, EINVAL,
			       "\"%s\" is not mac=MAC, rx-bps=SIZE, tx-bps=SIZE, rx-iops=N, "
			       "tx-iops=N or burst=MS",
			       word);
	return 0;
}

int net_parse(const char *text, struct net_options *ret, struct err *err)
{
	CLEAN(strv) struct strv words = { 0 };
	int rc = 0;

	*ret = (struct net_options)NET_OPTIONS_NONE;
	strv_split(&words, text, ',');
	/* Words first: nothing is opened for what is wrong. */
	for (size_t i = 1; rc == 0 && i < words.count; i++)
		rc = parse_word(words.items[i], ret, err);
	if (rc == 0)
		rc = parse_end(words.count ? words.items[0] : "", ret, err);
	return rc < 0 ? err_wrap(err, "--net %s: ", text) : 0;
}

void net_options_free(struct net_options *opt)
{
	if (opt->fd >= 0)
		close(opt->fd);
	*opt = (struct net_options)NET_OPTIONS_NONE;
}

/* ---- the tap --------------------------------------------------------------------------- */

int net_tap_prepare(int fd, struct err *err)
{
	const short needed = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	struct ifreq ifr = { 0 };
	int bytes = NET_HEADER_BYTES, flags = fcntl(fd, F_GETFL);

	if (ioctl(fd, TUNGETIFF, &ifr) < 0)
		return err_set(err, EINVAL, "it is no open tap: %s", strerror(errno));
	if ((ifr.ifr_flags & needed) != needed)
		return err_set(err, EINVAL,
			       "%.*s is opened without IFF_TAP, IFF_NO_PI or IFF_VNET_HDR",
			       IFNAMSIZ, ifr.ifr_name);
	if (ioctl(fd, TUNSETVNETHDRSZ, &bytes) < 0)
		return err_sys(err, "set the size of a packet's header");
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(err, "set O_NONBLOCK");
	return 0;
}

uint16_t net_tap_mtu(int fd)
{
	CLEAN(fd) int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { 0 };

	if (sock < 0 || ioctl(fd, TUNGETIFF, &ifr) < 0 || ioctl(sock, SIOCGIFMTU, &ifr) < 0)
		return 0;
	return ifr.ifr_mtu < 0 || ifr.ifr_mtu > UINT16_MAX ? 0 : (uint16_t)ifr.ifr_mtu;
}

int net_random_mac(uint8_t ret[NET_MAC_BYTES], struct err *err)
{
	if (getrandom(ret, NET_MAC_BYTES, 0) != NET_MAC_BYTES)
		return err_sys(err, "get random bytes for an address");
	ret[0] = (uint8_t)((ret[0] & ~MULTICAST) | LOCAL);
	return 0;
}
