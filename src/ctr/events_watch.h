/*
 * For who follows events: the containers that run are watched, so that an end or a kill for want of memory that
 * nobody else sees is told at once. There is no daemon that would.
 */
#ifndef CTR_CTR_EVENTS_WATCH_H
#define CTR_CTR_EVENTS_WATCH_H

#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct events_watch {
	int root;    /* borrowed */
	int inotify; /* -1: the kernel gives none, so all is looked at now and then */
	struct watched *items;
	size_t count;
	bool again; /* something ended and was not told of yet */
};

#define EVENTS_WATCH_INIT                 \
	(struct events_watch)             \
	{                                 \
		.root = -1, .inotify = -1 \
	}

void watch_close(struct events_watch *w);
CLEAN_DEFINE(watch, struct events_watch, watch_close)

/* Before the file is opened: then nothing is missed. */
void watch_open(struct events_watch *w, int root);

/* Look at all containers anew: when one was started, and at the beginning. */
void watch_all(struct events_watch *w);

/* Until something may have happened, or timeout_ms (-1: for ever) has passed. What was seen is told. */
void watch_wait(struct events_watch *w, int64_t timeout_ms);

#endif
