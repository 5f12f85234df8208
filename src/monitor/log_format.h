/* How the file drivers write a chunk: whole lines of text. */
#ifndef CTR_MONITOR_LOG_FORMAT_H
#define CTR_MONITOR_LOG_FORMAT_H

#include "base/str.h"
#include "monitor/log.h"

/*
 * Append what a chunk is in the log. A line that goes on in the next chunk is marked as a part: nothing
 * has to be remembered from chunk to chunk.
 */
typedef void (*log_format_fn)(struct str *out, enum log_stream stream, const char *bytes,
			      size_t len, uint64_t unix_ns);

/* "TIME stdout F text", as the kubelet and podman read it; P marks a part. */
void log_format_k8s(struct str *out, enum log_stream stream, const char *bytes, size_t len,
		    uint64_t unix_ns);

/* {"log":"text\n","stream":"stdout","time":"TIME"}, as docker writes it; a part has no \n. What is no
 * UTF-8 becomes U+FFFD. */
void log_format_json(struct str *out, enum log_stream stream, const char *bytes, size_t len,
		     uint64_t unix_ns);

#endif
