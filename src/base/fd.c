#include "base/fd.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int fd_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t fd_read_all(int fd, void *data, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, (char *)data + got, len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

union pass_buffer {
	char bytes[CMSG_SPACE(FD_PASS_MAX * sizeof(int))];
	struct cmsghdr align;
};

int fd_send(int sock, const void *data, size_t len, const int *fds, size_t count)
{
	union pass_buffer control = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (count > FD_PASS_MAX)
		return -E2BIG;
	if (count) {
		struct cmsghdr *head;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		head = CMSG_FIRSTHDR(&msg);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(head), fds, count * sizeof(int));
	}
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EMSGSIZE;
}

/* Keep at most `room` of the fds that came; close the others. */
static size_t fds_keep(const struct cmsghdr *head, int *fds, size_t room)
{
	size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int), kept = 0;

	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof(fd));
		if (kept < room)
			fds[kept++] = fd;
		else
			close(fd);
	}
	return kept;
}

ssize_t fd_recv(int sock, void *data, size_t len, int *fds, size_t *count)
{
	union pass_buffer control;
	struct iovec iov = { .iov_base = data, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	size_t room = count ? *count : 0, kept = 0;
	ssize_t n;

	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	for (struct cmsghdr *head = CMSG_FIRSTHDR(&msg); head; head = CMSG_NXTHDR(&msg, head))
		if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
			kept += fds_keep(head, fds + kept, room - kept);
	if (count)
		*count = kept;
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		for (size_t i = 0; i < kept; i++)
			close(take_fd(&fds[i]));
		if (count)
			*count = 0;
		return -EMSGSIZE;
	}
	return n;
}

/* Do to every open fd from `first` up what close_range could not. */
static void each_fd_from(int first, void (*act)(int fd))
{
	CLEAN(dir) DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!dir) {
		for (int fd = first; fd < 4096; fd++)
			act(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		uint64_t fd;

		if (str_to_u64(entry->d_name, (uint64_t)first, INT_MAX, &fd) == 0 &&
		    (int)fd != dirfd(dir))
			act((int)fd);
	}
}

static void fd_shut(int fd)
{
	close(fd);
}

static void fd_mark(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags >= 0)
		fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

void fd_close_from(int first)
{
	if (close_range((unsigned int)first, ~0u, 0) < 0)
		each_fd_from(first, fd_shut);
}

void fd_cloexec_from(int first)
{
	/* CLOSE_RANGE_CLOEXEC came two releases after the call itself. */
	if (close_range((unsigned int)first, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		each_fd_from(first, fd_mark);
}

static int address_at(int dir, const char *name, struct sockaddr_un *ret)
{
	int len = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", dir, name);

	if ((size_t)len < sizeof(ret->sun_path))
		return 0;
	errno = ENAMETOOLONG;
	return -errno;
}

int fd_bind_at(int sock, int dir, const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int rc = address_at(dir, name, &addr);
	mode_t old = umask(0177);

	if (rc == 0 && bind(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		rc = -errno;
	umask(old);
	return rc;
}

int fd_connect_at(int dir, const char *name, int type)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	CLEAN(fd) int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (sock < 0 || address_at(dir, name, &addr) < 0 ||
	    connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	return take_fd(&sock);
}

int fd_first_missing(unsigned int count)
{
	for (int fd = 3; fd < 3 + (int)count; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return fd;
	return 0;
}

void fd_leave_open(unsigned int count)
{
	for (int fd = 3; fd < 3 + (int)count; fd++)
		(void)fcntl(fd, F_SETFD, 0);
}

int fd_path(int fd, char *ret, size_t room, struct err *err)
{
	char link[48];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, ret, room);
	if (len < 0)
		return err_sys(err, "read %s (is /proc mounted?)", link);
	if ((size_t)len == room)
		return err_set(err, ENAMETOOLONG, "%s: its path is too long", link);
	ret[len] = '\0';
	return 0;
}

void fd_standard_fill(void)
{
	struct pollfd p[3] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };

	if (poll(p, 3, 0) <= 0)
		return;
	/* The lowest free number is the next one that is missing. */
	for (int i = 0; i < 3; i++)
		if (p[i].revents & POLLNVAL)
			(void)!open("/dev/null", O_RDWR);
}
