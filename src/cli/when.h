/* Times on a command line, as Go programs write them. */
#ifndef CTR_CLI_WHEN_H
#define CTR_CLI_WHEN_H

#include "base/err.h"

#include <stdint.h>

/*
 * How long: "500ms", "5s", "1m", "1h30m", and "5", which is seconds. `flag` is for the error, without
 * the dashes. -EINVAL, also for zero and for what is longer than a thousand years.
 */
int when_span(const char *flag, const char *text, uint64_t *ret_ms, struct err *err) MUST_CHECK;

/*
 * A moment, in ms since 1970: a span ("10m" is ten minutes ago, "-10m" in ten minutes), seconds since
 * 1970 ("1767225600", "1767225600.5"), or a date, "2026-01-31", "2026-01-31T09:30[:00[.123]][Z|+01:00]",
 * which is UTC where nothing else is said.
 */
int when_moment(const char *flag, const char *text, uint64_t now_ms, uint64_t *ret_ms,
		struct err *err) MUST_CHECK;

#endif
