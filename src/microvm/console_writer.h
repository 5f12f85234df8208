/*
 * A thread that passes on what a guest says, so that who brings it never waits for the reader: nor for a terminal
 * that is held, nor for a pipe that nobody empties.
 */
#ifndef CTR_MICROVM_CONSOLE_WRITER_H
#define CTR_MICROVM_CONSOLE_WRITER_H

#include "base/err.h"
#include "microvm/console.h"
#include "microvm/jail.h"

#include <pthread.h>

struct console_writer {
	struct console
		*console; /* borrowed; its thread's alone while that runs, but by way of us */
	void (*room)(void *arg); /* take() left something, and would take some of it now */
	void (*lost)(void *arg); /* nobody reads any more: console->error; the rest is dropped */
	void *arg;
	enum jail_thread jail;
	pthread_mutex_t lock; /* of what follows, and of the console's numbers */
	pthread_cond_t changed;
	pthread_t thread;
	bool running, stop, ended, waits;
};

/* With the fields above `lock` as they are to be. It must not be moved then. */
int console_writer_start(struct console_writer *w, struct err *err) MUST_CHECK;

/* Any thread's: how many of these bytes there is room for. They are as good as written. */
size_t console_writer_take(struct console_writer *w, const void *bytes, size_t len);

/* End the thread, wherever it is; what it hasn't written is still in the console. Also one that was not started. */
void console_writer_stop(struct console_writer *w);

#endif
