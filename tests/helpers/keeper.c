/*
 * A payload with a memory: what is checkpointed and restored has to know what it knew before.
 *
 *   keeper count FILE           write "TOKEN N" into FILE for ever, N one more each time
 *   keeper serve PORT [FILE]    answer each line of up to 8 TCP clients with "TOKEN N M": lines in all,
 *                               lines of this connection. With FILE, hold a lock (flock) on it.
 *   keeper tell [N]             write "TOKEN I" to standard output, I from 0; end after N with status 7
 *   keeper fill MIB             fill so much memory, then print "ready", and for each line "TOKEN SUM"
 *
 * TOKEN is made up when it starts: another one is another process.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 8

static unsigned int token;

static void pause_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int count(const char *file)
{
	for (unsigned long n = 0;; n++) {
		char text[64];
		int len = snprintf(text, sizeof(text), "%08x %lu\n", token, n);
		int fd = open(file, O_WRONLY | O_CREAT, 0644);

		/* Never shorter than before, so that nobody reads an empty file. */
		if (fd < 0 || write(fd, text, (size_t)len) != len)
			return fail(file);
		close(fd);
		pause_ms(100);
	}
}

static int tell(long end)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (long n = 0; end < 0 || n < end; n++) {
		printf("%08x %ld\n", token, n);
		pause_ms(200);
	}
	return 7;
}

static int listen_at(const char *port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 8) < 0)
		return -1;
	return fd;
}

/* False: it has hung up. */
static int answer(int fd, unsigned long *all, unsigned long *here)
{
	char text[512];
	ssize_t n = read(fd, text, sizeof(text));

	if (n <= 0)
		return 0;
	for (ssize_t i = 0; i < n; i++)
		if (text[i] == '\n')
			dprintf(fd, "%08x %lu %lu\n", token, ++*all, ++*here);
	return 1;
}

static int serve(const char *port, const char *locked)
{
	struct pollfd p[CLIENTS + 1] = { { .fd = listen_at(port), .events = POLLIN } };
	unsigned long all = 0, here[CLIENTS + 1] = { 0 };
	int lock = locked ? open(locked, O_RDWR | O_CREAT, 0644) : -1;

	if (p[0].fd < 0)
		return fail("listen");
	if (locked && (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0))
		return fail(locked);
	for (int i = 1; i <= CLIENTS; i++)
		p[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	for (;;) {
		if (poll(p, CLIENTS + 1, -1) < 0)
			continue;
		for (int i = 1; i <= CLIENTS; i++) {
			if (p[i].fd < 0 && p[0].revents) {
				p[i].fd = accept(p[0].fd, NULL, NULL);
				p[i].revents = p[0].revents = 0;
				here[i] = 0;
			}
			if (p[i].fd >= 0 && p[i].revents && !answer(p[i].fd, &all, &here[i])) {
				close(p[i].fd);
				p[i].fd = -1;
			}
		}
	}
}

static int fill(size_t mib)
{
	size_t len = mib << 20;
	unsigned char *memory = malloc(len);
	char line[64];

	if (!memory)
		return fail("malloc");
	for (size_t i = 0; i < len; i++)
		memory[i] = (unsigned char)(i * 2654435761u >> 13);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		unsigned long sum = 0;

		for (size_t i = 0; i < len; i++)
			sum = sum * 31 + memory[i];
		printf("%08x %lx\n", token, sum);
		fflush(stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (getrandom(&token, sizeof(token), 0) != sizeof(token))
		return fail("getrandom");
	if (argc > 2 && strcmp(argv[1], "count") == 0)
		return count(argv[2]);
	if (argc > 2 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2], argv[3]);
	if (argc > 1 && strcmp(argv[1], "tell") == 0)
		return tell(argc > 2 ? atol(argv[2]) : -1);
	if (argc > 2 && strcmp(argv[1], "fill") == 0)
		return fill((size_t)atol(argv[2]));
	fprintf(stderr, "keeper count FILE | serve PORT [FILE] | tell [N] | fill MIB\n");
	return 2;
}
