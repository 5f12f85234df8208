/*
 * A thread that waits for many fds at once and calls who wants to know: doorbells of queues, and what devices
 * are connected to on the host. What blocks in such a call keeps its neighbours waiting; who may block has a
 * thread of its own.
 */
#ifndef CTR_MICROVM_IO_H
#define CTR_MICROVM_IO_H

#include "base/cleanup.h"
#include "base/err.h"
#include "microvm/jail.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct io {
	int epoll, stop;
	enum jail_thread jail; /* the caller's to set, before io_start(), */
	int root;              /* and this, of JAIL_SHARE: the folder, borrowed */
	pthread_t thread;
	bool running;
};

#define IO_NONE                                     \
	{                                           \
		.epoll = -1, .stop = -1, .root = -1 \
	}

/* Who is called in the thread, with epoll(7)'s events. It stays where it is until it's removed. */
struct io_source {
	void (*ready)(void *arg, uint32_t events);
	void *arg;
};

int io_make(struct io *ret, struct err *err) MUST_CHECK;

/* Watch an fd, which stays the caller's; watch it for something else; no more. Also from the thread. */
int io_add(struct io *io, int fd, uint32_t events, struct io_source *source,
	   struct err *err) MUST_CHECK;
void io_change(struct io *io, int fd, uint32_t events, struct io_source *source);
void io_remove(struct io *io, int fd);

/* Begin. Signals go to other threads. */
int io_start(struct io *io, struct err *err) MUST_CHECK;

/* Let the call that runs end, then the thread. */
void io_free(struct io *io);
CLEAN_DEFINE(io, struct io, io_free)

#endif
