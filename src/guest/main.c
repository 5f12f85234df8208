/*
 * ctr-guest: process 1 of a micro-VM in which one container is. It calls the host, hears what the container is,
 * makes it by the same code that makes containers on a host, and moves bytes.
 */
#include "guest/boot.h"
#include "guest/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STREAMS_MAX 256

struct guest {
	struct container container;
	struct stream *streams[STREAMS_MAX]; /* 0 is the container's own */
	size_t count;
	int listens;
};

static void add(struct guest *g, int link)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	stream_init(s, link, g->count == 0);
	g->streams[g->count++] = s;
}

static void take_call(struct guest *g)
{
	int link = accept4(g->listens, NULL, NULL, SOCK_CLOEXEC);

	if (link >= 0)
		add(g, link);
}

static void drop_gone(struct guest *g)
{
	size_t kept = 1;

	for (size_t i = 1; i < g->count; i++) {
		struct stream *s = g->streams[i];

		if (s->state == STREAM_GONE) {
			stream_free(s);
			free(s);
		} else {
			g->streams[kept++] = s;
		}
	}
	g->count = kept;
}

/* Until the host is gone, or has heard how the container ended. */
static void serve(struct guest *g)
{
	static struct pollfd fds[1 + STREAMS_MAX * STREAM_FDS];

	while (g->streams[0]->state != STREAM_GONE) {
		size_t count = g->count;

		fds[0] = (struct pollfd){ .fd = count < STREAMS_MAX ? g->listens : -1,
					  .events = POLLIN };
		for (size_t i = 0; i < count; i++)
			stream_poll(g->streams[i], &fds[1 + i * STREAM_FDS]);
		/* One that leaves looks again for what comes of its process' last output. */
		if (poll(fds, 1 + count * STREAM_FDS, -1) < 0)
			continue;
		for (size_t i = 0; i < count; i++)
			stream_serve(g->streams[i], &g->container, &fds[1 + i * STREAM_FDS]);
		if (fds[0].revents)
			take_call(g);
		drop_gone(g);
	}
}

static int begin(struct guest *g, struct err *err)
{
	int rc = boot_system(err), link;

	if (rc < 0)
		return rc;
	g->listens = boot_listen(err);
	if (g->listens < 0)
		return g->listens;
	link = boot_dial(err);
	if (link < 0)
		return link;
	add(g, link);
	return 0;
}

/* Ours to hear of as an error. A handler, because what is ignored would be so for the processes as well. */
static void unheard(int signal)
{
	(void)signal;
}

int main(void)
{
	static struct guest guest = { .container = CONTAINER_INIT, .listens = -1 };
	struct err err = { 0 };

	if (getpid() != 1) {
		fputs("ctr-guest is the first process of a micro-VM; see ctr-vm(8)\n", stderr);
		return 125;
	}
	signal(SIGPIPE, unheard);
	if (begin(&guest, &err) == 0)
		serve(&guest);
	else
		fprintf(stderr, "ctr-guest: %s\n", err.text);
	boot_off();
}
