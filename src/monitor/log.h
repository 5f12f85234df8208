/*
 * The log of a container: what its process writes, kept by its monitor. One driver per row of a table:
 * "k8s-file" (the lines of CRI), "json-file" (docker's), "journald" (through ctr-systemd) and "none".
 *
 * Bytes come in chunks and each chunk is logged once, also when the monitor is killed in the middle of
 * it: before a chunk is written, how long the log was then is noted in memory that outlives us, and
 * whoever takes over cuts the log back to that and writes the chunk again.
 */
#ifndef CTR_MONITOR_LOG_H
#define CTR_MONITOR_LOG_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum log_stream {
	LOG_STDOUT,
	LOG_STDERR,
};

/* What the user chose: all of it stands in the order of the container and in its state. */
struct log_choice {
	const char *driver;      /* a name of the table */
	const char *path;        /* of the file drivers, absolute; else NULL */
	const char *tag, *id;    /* journald: CONTAINER_TAG, CONTAINER_ID_FULL */
	const char *name;        /* of the container */
	uint64_t max_size_bytes; /* rotate before a chunk would make it longer; 0: never */
	unsigned int max_files;  /* the current one included, at least 1 */
	bool drop; /* mode=non-blocking: what can't be written is dropped and counted */
};

/* In memory that outlives the monitor. All zero is a log to which nothing was written. */
struct log_mark {
	uint64_t seq;     /* of the chunk that was to be written */
	uint64_t inode;   /* of the file, and its length before */
	uint64_t length;  /* journald: the chunk that was handed over last */
	uint64_t dropped; /* bytes that were, so far */
};

struct log;

/*
 * Open it, making the file (0600) and the folders above it where they are missing. `mark` is borrowed
 * for as long as the log is open. *ret is the caller's: log_close().
 */
int log_open(const struct log_choice *choice, struct log_mark *mark, struct log **ret,
	     struct err *err) MUST_CHECK;
void log_close(struct log **log);
CLEAN_DEFINE(log, struct log *, log_close)

/*
 * Chunk number `seq`, of at most LOG_CHUNK_MAX bytes, came at unix_ns. A number that is in the mark
 * already was begun by somebody who was killed: the log is cut back first. Returns 0 when it is
 * written or dropped; -EAGAIN: it can't be now (no space, a reader that is slow) and the choice is to
 * wait: call again with the same seq, after LOG_RETRY_MS or when log_poll_fd() is writable. Other errors
 * are as -EAGAIN, with words: the log is tried again, and the words are told to whoever asks.
 */
#define LOG_CHUNK_MAX 32768
#define LOG_RETRY_MS 250
int log_write(struct log *log, uint64_t seq, enum log_stream stream, const char *bytes, size_t len,
	      uint64_t unix_ns, struct err *err) MUST_CHECK;

/* An fd that becomes writable when log_write() may go on, borrowed; -1: there is none. */
int log_poll_fd(const struct log *log);

/* Is there a driver of this name? And the names, for errors: "k8s-file, json-file, ...". */
bool log_driver_known(const char *name);
void log_driver_names(struct str *out);
/* Does it write a file that `logs` can read? */
bool log_driver_is_file(const char *name);

#endif
