#include "microvm/io.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

int io_make(struct io *ret, struct err *err)
{
	CLEAN(io) struct io io = IO_NONE;
	struct epoll_event stop = { .events = EPOLLIN }; /* no source: the end */

	io.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (io.epoll < 0)
		return err_sys(err, "make an epoll for devices");
	io.stop = eventfd(0, EFD_CLOEXEC);
	if (io.stop < 0 || epoll_ctl(io.epoll, EPOLL_CTL_ADD, io.stop, &stop) < 0)
		return err_sys(err, "make an eventfd for the end of devices");
	*ret = io;
	io = (struct io)IO_NONE;
	return 0;
}

int io_add(struct io *io, int fd, uint32_t events, struct io_source *source, struct err *err)
{
	struct epoll_event e = { .events = events, .data.ptr = source };

	if (epoll_ctl(io->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		return err_sys(err, "watch a device's fd");
	return 0;
}

void io_change(struct io *io, int fd, uint32_t events, struct io_source *source)
{
	struct epoll_event e = { .events = events, .data.ptr = source };

	/* What was added can be changed. */
	(void)epoll_ctl(io->epoll, EPOLL_CTL_MOD, fd, &e);
}

void io_remove(struct io *io, int fd)
{
	(void)epoll_ctl(io->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static const char *name_of(enum jail_thread jail)
{
	return jail == JAIL_SHARE ? "files" : jail == JAIL_CALLER ? "sockets" : "devices";
}

static void *loop(void *arg)
{
	struct io *io = arg;
	struct epoll_event e;
	struct err err;

	(void)pthread_setname_np(pthread_self(), name_of(io->jail));
	if (jail_thread(io->jail, io->root, &err) < 0)
		err_die(err.text);
	/* One at a time: of many, one call could free what another event in hand is for. */
	for (;;) {
		const struct io_source *source;

		if (epoll_wait(io->epoll, &e, 1, -1) < 1)
			continue;
		source = e.data.ptr;
		if (!source)
			return NULL;
		source->ready(source->arg, e.events);
	}
}

int io_start(struct io *io, struct err *err)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&io->thread, NULL, loop, io);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return err_set(err, rc, "start a thread for devices: %s", strerror(rc));
	io->running = true;
	return 0;
}

void io_free(struct io *io)
{
	const uint64_t one = 1;

	if (io->running && write(io->stop, &one, sizeof(one)) == sizeof(one))
		(void)pthread_join(io->thread, NULL);
	if (io->stop >= 0)
		close(io->stop);
	if (io->epoll >= 0)
		close(io->epoll);
	*io = (struct io)IO_NONE;
}
