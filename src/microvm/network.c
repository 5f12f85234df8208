#include "microvm/network.h"

#include "base/fd.h"
#include "base/file.h"
#include "microvm/given.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define TEXT_MAX (1U << 20)
#define MESSAGE_MAX (1 + NETWORK_LINKS_MAX * NET_MAC_BYTES)

struct message {
	uint8_t bytes[MESSAGE_MAX];
	int fds[1 + NETWORK_LINKS_MAX];
	size_t fd_count;
};

static void close_all(struct message *m)
{
	for (size_t i = 0; i < m->fd_count; i++)
		drop_fd(&m->fds[i]);
}
CLEAN_DEFINE(message, struct message, close_all)

/* 0: there is none. */
static int receive(int sock, struct message *m, struct err *err)
{
	ssize_t n;
	size_t links;

	m->fd_count = ARRAY_LEN(m->fds);
	n = fd_recv(sock, m->bytes, sizeof(m->bytes), m->fds, &m->fd_count);
	if (n < 0)
		return err_set(err, (int)-n, "receive the guest's network: %s", strerror((int)-n));
	if (n == 0)
		return 0;
	links = m->bytes[0];
	if (links > NETWORK_LINKS_MAX || (size_t)n != 1 + links * NET_MAC_BYTES ||
	    m->fd_count != 1 + links)
		return err_set(err, EPROTO, "what came as the guest's network is none");
	return 1;
}

static int read_text(int fd, struct str *ret, struct err *err)
{
	CLEAN(free) char *text = NULL;
	size_t len = 0;
	int rc = 0;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, "read the guest's network");
	rc = file_read_fd(fd, "the guest's network", TEXT_MAX, &text, &len, err);
	if (rc == 0 && len)
		str_add_bytes(ret, text, len);
	return rc;
}

int network_take(const char *given, struct net_options *nets, size_t *count, struct str *ret,
		 struct err *err)
{
	CLEAN(fd) int sock = given_open(given, O_RDWR);
	CLEAN(message) struct message m = { .fd_count = 0 };
	int rc;

	if (sock < 0)
		return err_sys(err, "--network %s", given);
	rc = receive(sock, &m, err);
	if (rc <= 0)
		return rc;
	rc = read_text(m.fds[0], ret, err);
	for (size_t i = 0; rc == 0 && i < m.bytes[0]; i++) {
		struct net_options *net = &nets[(*count)++];

		*net = (struct net_options){ .fd = take_fd(&m.fds[1 + i]), .has_mac = true };
		memcpy(net->mac, m.bytes + 1 + i * NET_MAC_BYTES, NET_MAC_BYTES);
		rc = net_tap_prepare(net->fd, err);
	}
	return rc;
}
