/* The driver "journald": chunks go to a ctr-systemd that stays beside the monitor (systemd/journal.h). */
#ifndef CTR_MONITOR_LOG_JOURNAL_H
#define CTR_MONITOR_LOG_JOURNAL_H

#include "base/err.h"
#include "monitor/log.h"

#include <stddef.h>

struct log_journal;

/* Is there a journal? Starts nobody yet. *ret is the caller's: log_journal_close(). */
int log_journal_open(const struct log_choice *choice, struct log_journal **ret,
		     struct err *err) MUST_CHECK;

/* What it was given is still written. */
void log_journal_close(struct log_journal **j);

/* All of a chunk or nothing. -EAGAIN: there is no room for it now; other errors have words. When the
 * helper has died there is a new one, with the next call. */
int log_journal_write(struct log_journal *j, enum log_stream stream, const char *bytes, size_t len,
		      struct err *err) MUST_CHECK;

/* Becomes writable when there is room again; -1: none. */
int log_journal_fd(const struct log_journal *j);

#endif
