/*
 * The socket by which whoever has started a machine controls it while it runs: each line asks, and is answered by one
 * line, "ok", "ok ..." or "error ...". A thread of its own serves it, one request after the other. ctr-vm(8) has the
 * words.
 */
#ifndef CTR_MICROVM_CONTROL_H
#define CTR_MICROVM_CONTROL_H

#include "base/cleanup.h"
#include "base/str.h"
#include "microvm/io.h"

#include <stdint.h>

#define CONTROL_LINE_MAX 4608 /* with a path in it */
#define CONTROL_FILES 2       /* of a snapshot: state and memory */
#define CONTROL_CLIENTS_MAX 8 /* who comes beyond that is not served */

/* What the machine does; in the thread. 0, or -errno with words. */
struct control_ops {
	int (*pause)(void *arg, struct err *err);
	int (*resume)(void *arg, struct err *err);
	int (*balloon)(void *arg, uint64_t bytes, struct err *err);
	/* Into a folder, or, without a path, into empty files that came with the request, borrowed. */
	int (*snapshot)(void *arg, const char *path, const int files[CONTROL_FILES],
			struct err *err);
	void (*status)(void *arg, struct str *out); /* JSON, in one line */
};

struct control;

struct control_client {
	struct control *control;
	int fd; /* -1: free */
	struct io_source source;
	char line[CONTROL_LINE_MAX];
	size_t len;               /* of the line so far */
	int files[CONTROL_FILES]; /* that came with it; -1 */
};

/* It stays where it is once it's made. */
struct control {
	const struct control_ops *ops;
	void *arg;
	int listen;
	char *path; /* of the socket, ours to remove; NULL */
	struct io io;
	struct io_source source;
	struct control_client clients[CONTROL_CLIENTS_MAX];
};

/* None. */
void control_init(struct control *c, const struct control_ops *ops, void *arg);

/* A socket at `path`, or one that listens already, "fd:N", taken over. Before a jail. */
int control_open(struct control *c, const char *path, struct err *err) MUST_CHECK;

/* Make its thread, which hears nobody yet. */
int control_start(struct control *c, enum jail_thread jail, struct err *err) MUST_CHECK;

/* From now on there is something to control. */
int control_listen(struct control *c, struct err *err) MUST_CHECK;

/* Bytes of a client's have come: answer each line that is complete. False: it is to go. */
bool control_take(struct control_client *client, const char *bytes, size_t len);

/* Let the request that is being served end, then the thread; nobody is there any more. Takes one without anything. */
void control_free(struct control *c);

#endif
