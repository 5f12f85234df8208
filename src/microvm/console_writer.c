#include "microvm/console_writer.h"

#include "microvm/vcpu.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* ---- the thread ------------------------------------------------------------------------ */

/* Without the lock: nobody puts anything where something waits to be written. errno in *ret_error. */
static ssize_t write_some(const struct console *c, uint64_t written, uint64_t total, int *ret_error)
{
	size_t at = written % CONSOLE_KEPT_BYTES, len = (size_t)(total - written);
	ssize_t n;

	if (len > CONSOLE_KEPT_BYTES - at)
		len = CONSOLE_KEPT_BYTES - at;
	n = write(c->fd, c->kept + at, len);
	*ret_error = errno;
	if (n < 0 && errno == EAGAIN) {
		/* It is somebody else's as well, who made it so. */
		struct pollfd fd = { .fd = c->fd, .events = POLLOUT };

		(void)!poll(&fd, 1, -1);
	}
	return n;
}

static void write_all(struct console_writer *w)
{
	struct console *c = w->console;

	while (!w->stop && !c->closed && c->written < c->total) {
		uint64_t total = c->total;
		int error;
		ssize_t n;

		pthread_mutex_unlock(&w->lock);
		n = write_some(c, c->written, total, &error);
		pthread_mutex_lock(&w->lock);
		if (n >= 0) {
			c->written += (uint64_t)n;
		} else if (error != EAGAIN && error != EINTR) {
			c->closed = true;
			c->error = error;
			w->lost(w->arg);
		}
		if (w->waits && (n > 0 || c->closed)) {
			w->waits = false;
			w->room(w->arg);
		}
	}
}

static void *writer_thread(void *arg)
{
	struct console_writer *w = arg;
	struct err err;

	(void)pthread_setname_np(pthread_self(), "console");
	if (jail_thread(w->jail, -1, &err) < 0)
		err_die(err.text);
	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		write_all(w);
		if (!w->stop)
			pthread_cond_wait(&w->changed, &w->lock);
	}
	w->ended = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- its owner's ------------------------------------------------------------------------ */

int console_writer_start(struct console_writer *w, struct err *err)
{
	sigset_t all_but, before;
	int rc;

	pthread_mutex_init(&w->lock, NULL);
	vcpu_kick_init(&w->changed);
	w->stop = w->ended = w->waits = false;
	rc = vcpu_take_signal(err);
	if (rc < 0)
		return rc;
	sigfillset(&all_but);
	sigdelset(&all_but, VCPU_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &all_but, &before);
	rc = pthread_create(&w->thread, NULL, writer_thread, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return err_set(err, rc, "start a thread for the console: %s", strerror(rc));
	w->running = true;
	return 0;
}

size_t console_writer_take(struct console_writer *w, const void *bytes, size_t len)
{
	struct console *c = w->console;
	size_t room;

	pthread_mutex_lock(&w->lock);
	room = console_room(c);
	w->waits |= room < len;
	if (len > room)
		len = room;
	console_keep(c, bytes, len);
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
	return len;
}

/* A signal just before its write() is lost: so it is sent again and again. */
void console_writer_stop(struct console_writer *w)
{
	if (!w->running)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->changed);
	while (!w->ended) {
		const struct timespec again = vcpu_kick_again();

		(void)pthread_kill(w->thread, VCPU_SIGNAL);
		(void)pthread_cond_timedwait(&w->changed, &w->lock, &again);
	}
	pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL);
	w->running = false;
}
