/* The job "journal" of ctr-systemd (systemd/journal.h). */
#ifndef CTR_SYSTEMD_MAIN_JOURNAL_H
#define CTR_SYSTEMD_MAIN_JOURNAL_H

#include "base/err.h"
#include "base/json.h"

/* Until the socket on standard input is closed. The exit status. */
int journal_serve(const struct json_at *request) MUST_CHECK;

#endif
