/*
 * seccomp-agent SOCKET LOG: answers the notified system calls of containers, as a second program
 * does that knows nothing of the runtime but the standard. Into LOG go "state JSON" for each
 * connection, "call NAME" (or its number) for each notification, "lost NAME" where the caller did not
 * wait for the answer, "end" when the last process under a filter is gone.
 *
 *   mkdir, mkdirat   succeed, and nothing is made
 *   getppid          4242
 *   sethostname      ENOTNAM
 *   chdir            held until there is a file LOG.release, then goes on
 *   all others       go on
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define FDS_MAX 64

struct answer {
	long nr;
	const char *name;
	int error;
	long value;
	bool held, goes_on;
};

static const struct answer answers[] = {
#ifdef SYS_mkdir
	{ SYS_mkdir, "mkdir", 0, 0, false, false },
#endif
	{ SYS_mkdirat, "mkdirat", 0, 0, false, false },
	{ SYS_getppid, "getppid", 0, 4242, false, false },
	{ SYS_sethostname, "sethostname", -ENOTNAM, 0, false, false },
	{ SYS_chdir, "chdir", 0, 0, true, true },
};

static FILE *log_file;
static char release_path[4096];
static struct pollfd fds[FDS_MAX];
static nfds_t count;

__attribute__((noreturn)) static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static const struct answer *answer_for(long nr)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		if (answers[i].nr == nr)
			return &answers[i];
	return NULL;
}

static void hold(void)
{
	const struct timespec moment = { .tv_nsec = 20000000 };

	while (access(release_path, F_OK) < 0)
		nanosleep(&moment, NULL);
}

static void serve(int fd)
{
	struct seccomp_notif call = { 0 };
	struct seccomp_notif_resp resp = { 0 };
	const struct answer *a;
	char name[24];

	/* ENOENT: it was interrupted before we looked. */
	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
		return;
	a = answer_for(call.data.nr);
	snprintf(name, sizeof(name), a ? "%s" : "%.0s%d", a ? a->name : "", call.data.nr);
	fprintf(log_file, "call %s\n", name);
	if (a && a->held)
		hold();
	resp.id = call.id;
	if (!a || a->goes_on) {
		resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	} else {
		resp.error = a->error;
		resp.val = a->value;
	}
	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &resp) < 0)
		fprintf(log_file, "lost %s\n", name);
}

/* One state with its fd; the end of the stream has to follow. */
static void welcome(int listener)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	static char text[1 << 20];
	size_t len = 0;
	ssize_t n;
	int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC), fd = -1, passed = 0;

	if (sock < 0)
		return;
	do {
		struct iovec iov = { text + len, sizeof(text) - 1 - len };
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = control.bytes,
				      .msg_controllen = sizeof(control.bytes) };

		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); n > 0 && c;
		     c = CMSG_NXTHDR(&msg, c)) {
			memcpy(&fd, CMSG_DATA(c), sizeof(fd));
			passed += (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		}
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	close(sock);
	text[len] = '\0';
	fprintf(log_file, "fds %d\nstate %s\n", passed, text);
	if (fd >= 0 && count < FDS_MAX)
		fds[count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static void look_at(nfds_t i)
{
	if (fds[i].revents & POLLIN) {
		serve(fds[i].fd);
	} else if (fds[i].revents) {
		fprintf(log_file, "end\n");
		close(fds[i].fd);
		fds[i] = fds[--count];
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 3 || strlen(argv[1]) >= sizeof(addr.sun_path)) {
		fprintf(stderr, "usage: seccomp-agent SOCKET LOG\n");
		return 2;
	}
	strcpy(addr.sun_path, argv[1]);
	snprintf(release_path, sizeof(release_path), "%s.release", argv[2]);
	unlink(argv[1]);
	log_file = fopen(argv[2], "ae");
	if (!log_file)
		fail(argv[2]);
	setvbuf(log_file, NULL, _IONBF, 0);
	if (sock < 0 || bind(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(sock, 16) < 0)
		fail(argv[1]);
	fds[count++] = (struct pollfd){ .fd = sock, .events = POLLIN };
	while (poll(fds, count, -1) > 0) {
		if (fds[0].revents)
			welcome(sock);
		for (nfds_t i = count; i-- > 1;)
			look_at(i);
	}
	return 1;
}
