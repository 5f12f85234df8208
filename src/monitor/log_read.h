/*
 * Read a log that is files: FILE and, older, FILE.1, FILE.2 and so on. What is no line of ours (broken by
 * a crash, too long, anybody's) is passed over.
 */
#ifndef CTR_MONITOR_LOG_READ_H
#define CTR_MONITOR_LOG_READ_H

#include "base/err.h"
#include "monitor/log_parse.h"

/* All zero but the first two: everything that is there. */
struct log_query {
	const char *path;
	const char *driver;
	bool tail_set;
	uint64_t tail;                         /* only so many of the last lines */
	uint64_t since_unix_ns, until_unix_ns; /* until 0: no end */
	bool follow; /* go on until `ended` says that nothing will come any more */
	bool (*ended)(void *arg);
	/* Each line; `idle` when there is none for now. Anything but 0 ends it. */
	int (*line)(void *arg, const struct log_line *line);
	int (*idle)(void *arg);
	void *arg;
};

/* 0, -errno with words, or what a callback said. -ENOENT: there is no such file. */
int log_read(const struct log_query *q, struct err *err) MUST_CHECK;

#endif
