/* The file of events (runtime/events.h), read: from its beginning or its end, and on as it grows. */
#ifndef CTR_CTR_EVENTS_READ_H
#define CTR_CTR_EVENTS_READ_H

#include "base/err.h"
#include "base/str.h"

#include <json-c/json.h>
#include <stdbool.h>

struct events_file {
	int fd;          /* -1: it isn't there (yet) */
	struct str rest; /* of a line that isn't whole yet */
};

struct events_reader {
	int root; /* borrowed */
	struct events_file now,
		before; /* before: the one that was moved away; others may still write to it */
};

#define EVENTS_READER_INIT                                \
	(struct events_reader)                            \
	{                                                 \
		.root = -1, .now.fd = -1, .before.fd = -1 \
	}

void events_close(struct events_reader *r);

/* `past`: from the oldest event that is kept; else from now on. */
int events_open(struct events_reader *r, int root, bool past, struct err *err) MUST_CHECK;

/* The next event there is already, as it was written: the caller's to put; NULL: none more, for now. What is
 * no line of ours is left out. */
struct json_object *events_next(struct events_reader *r) MUST_CHECK;

#endif
