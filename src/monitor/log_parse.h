/* A line of a log, and points in time as people write them. */
#ifndef CTR_MONITOR_LOG_PARSE_H
#define CTR_MONITOR_LOG_PARSE_H

#include "base/str.h"
#include "monitor/log.h"

/* Text and time are borrowed: from the line, or from the scratch that it was decoded into. */
struct log_line {
	enum log_stream stream;
	const char *text, *time;
	size_t len, time_len;
	uint64_t unix_ns;
	bool whole; /* its newline, which isn't in the text, follows */
};

/* Read a line of a file, without its newline. False: it is none of ours. */
bool log_parse_k8s(const char *line, size_t len, struct str *scratch, struct log_line *ret);
bool log_parse_json(const char *line, size_t len, struct str *scratch, struct log_line *ret);

/* "2026-01-31T23:59:59.5+01:00", "2026-01-31T23:59:59" and "2026-01-31" (UTC): -EINVAL, no text. */
int log_time_rfc3339(const char *text, size_t len, uint64_t *ret_unix_ns) MUST_CHECK;

/* The same, or seconds since 1970 ("1769900000.5"), or how long ago ("10m", "1h30m", "1.5h"). */
int log_time_parse(const char *text, uint64_t now_unix_ns, uint64_t *ret_unix_ns) MUST_CHECK;

#endif
