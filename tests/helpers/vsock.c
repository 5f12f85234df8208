/*
 * A program at either end of a micro-VM's sockets. An ADDRESS is vsock:PORT (to listen), vsock:CID:PORT, or
 * unix:PATH; with a PORT behind that, the other end is asked for it ("CONNECT PORT").
 *
 *   vsock echo ADDRESS              sends all that comes back, on any number of streams at once; for ever
 *   vsock last ADDRESS              says "bye" to one, sends no more, and prints how many bytes it still hears
 *   vsock talk ADDRESS [PORT]       standard input goes there, what comes is standard output; each end for itself
 *   vsock many N ADDRESS [PORT]     N streams at once, each of which hears what it says; then N, one by one
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define STREAMS 1020
#define BYTES 65536

union address {
	struct sockaddr any;
	struct sockaddr_vm vm;
	struct sockaddr_un un;
};

/* A socket for it, and its bytes. */
static int parse(const char *text, union address *ret, socklen_t *len)
{
	const char *colon;

	memset(ret, 0, sizeof(*ret));
	if (strncmp(text, "unix:", 5) == 0) {
		ret->un.sun_family = AF_UNIX;
		snprintf(ret->un.sun_path, sizeof(ret->un.sun_path), "%s", text + 5);
		*len = sizeof(ret->un);
	} else if (strncmp(text, "vsock:", 6) == 0) {
		colon = strchr(text + 6, ':');
		ret->vm.svm_family = AF_VSOCK;
		ret->vm.svm_cid = colon ? (unsigned int)strtoul(text + 6, NULL, 10) :
					  VMADDR_CID_ANY;
		ret->vm.svm_port = (unsigned int)strtoul(colon ? colon + 1 : text + 6, NULL, 10);
		*len = sizeof(ret->vm);
	} else {
		errx(2, "%s: no address", text);
	}
	return socket(ret->any.sa_family, SOCK_STREAM, 0);
}

static int listener(const char *text)
{
	union address at;
	socklen_t len;
	int fd = parse(text, &at, &len);

	if (bind(fd, &at.any, len) < 0 || listen(fd, STREAMS) < 0)
		err(1, "listen at %s", text);
	return fd;
}

static int connected(char **words)
{
	union address at;
	socklen_t len;
	int fd = parse(words[0], &at, &len);
	char line[32], *p = line;

	if (connect(fd, &at.any, len) < 0)
		err(1, "connect");
	if (!words[1])
		return fd;
	dprintf(fd, "CONNECT %s\n", words[1]);
	while (p < line + sizeof(line) - 1 && read(fd, p, 1) == 1 && *p != '\n')
		p++;
	*p = '\0';
	if (strncmp(line, "OK ", 3) != 0)
		errx(1, "connect: no answer");
	return fd;
}

/* ---- echo -------------------------------------------------------------------------------- */

struct stream {
	char *bytes; /* NULL: it is to read */
	size_t first, len;
};

static bool turn(struct stream *s, int fd)
{
	static char buffer[BYTES];
	ssize_t n;

	if (!s->bytes) {
		n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		s->bytes = malloc((size_t)n);
		memcpy(s->bytes, buffer, (size_t)n);
		s->first = 0;
		s->len = (size_t)n;
	}
	n = send(fd, s->bytes + s->first, s->len - s->first, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN)
		return false;
	s->first += n < 0 ? 0 : (size_t)n;
	if (s->first == s->len) {
		free(s->bytes);
		s->bytes = NULL;
	}
	return true;
}

static void echo(const char *address)
{
	static struct pollfd fds[STREAMS + 1];
	static struct stream streams[STREAMS + 1];
	nfds_t count = 1;

	fds[0].fd = listener(address);
	for (;;) {
		fds[0].events = count <= STREAMS ? POLLIN : 0;
		if (poll(fds, count, -1) < 0)
			err(1, "poll");
		for (nfds_t i = count - 1; i > 0; i--) {
			if (fds[i].revents && !turn(&streams[i], fds[i].fd)) {
				close(fds[i].fd);
				free(streams[i].bytes);
				count--;
				fds[i] = fds[count];
				streams[i] = streams[count];
			}
			fds[i].events = streams[i].bytes ? POLLOUT : POLLIN;
		}
		if (fds[0].revents & POLLIN) {
			fds[count] = (struct pollfd){ .fd = accept(fds[0].fd, NULL, NULL),
						      .events = POLLIN };
			streams[count] = (struct stream){ 0 };
			count += fds[count].fd >= 0;
		}
	}
}

/* ---- the others -------------------------------------------------------------------------- */

static size_t pass(int from, int to)
{
	static char bytes[BYTES];
	ssize_t n = read(from, bytes, sizeof(bytes));

	if (n < 0)
		err(1, "read");
	for (ssize_t done = 0, m; done < n; done += m) {
		m = write(to, bytes + done, (size_t)(n - done));
		if (m < 0)
			err(1, "write");
	}
	return (size_t)n;
}

static void talk(int fd)
{
	pid_t child;

	/* Two processes: neither way waits for the other. */
	child = fork();
	if (child == 0) {
		while (pass(0, fd))
			;
		shutdown(fd, SHUT_WR);
		_exit(0);
	}
	while (pass(fd, 1))
		;
	if (child < 0 || waitpid(child, NULL, 0) != child)
		err(1, "wait");
}

static void last(int listening)
{
	int fd = accept(listening, NULL, NULL);
	int null = open("/dev/null", O_WRONLY);
	size_t total = 0, n;

	if (write(fd, "bye\n", 4) != 4 || shutdown(fd, SHUT_WR) < 0)
		err(1, "bye");
	while ((n = pass(fd, null)) != 0)
		total += n;
	printf("still heard: %zu\n", total);
}

static void exchange(int fd, unsigned int number)
{
	char said[16], heard[sizeof(said)] = "";

	snprintf(said, sizeof(said), "%015u", number);
	if (write(fd, said, sizeof(said)) != sizeof(said) ||
	    recv(fd, heard, sizeof(heard), MSG_WAITALL) != sizeof(heard) ||
	    memcmp(said, heard, sizeof(said)) != 0)
		errx(1, "stream %u heard something else than it said", number);
}

static void many(unsigned int count, char **words)
{
	static int fds[STREAMS];

	if (count > STREAMS)
		errx(2, "%u: too many", count);
	for (unsigned int i = 0; i < count; i++)
		fds[i] = connected(words);
	for (unsigned int i = 0; i < count; i++)
		exchange(fds[i], i);
	for (unsigned int i = 0; i < count; i++)
		close(fds[i]);
	printf("%u at once\n", count);
	for (unsigned int i = 0; i < count; i++) {
		int fd = connected(words);

		exchange(fd, i);
		close(fd);
	}
	printf("%u one by one\n", count);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	setlinebuf(stdout);
	if (argc == 3 && strcmp(argv[1], "echo") == 0)
		echo(argv[2]);
	else if (argc == 3 && strcmp(argv[1], "last") == 0)
		last(listener(argv[2]));
	else if (argc > 2 && strcmp(argv[1], "talk") == 0)
		talk(connected(argv + 2));
	else if (argc > 3 && strcmp(argv[1], "many") == 0)
		many((unsigned int)strtoul(argv[2], NULL, 10), argv + 3);
	else
		errx(2, "echo, last, talk or many");
	return 0;
}
