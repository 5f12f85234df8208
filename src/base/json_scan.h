/* The look at a JSON text before and beside json-c; for json*.c only. */
#ifndef CTR_BASE_JSON_SCAN_H
#define CTR_BASE_JSON_SCAN_H

#include "base/err.h"

#include <stddef.h>

/* What a text holds: how many "key": members. */
struct json_scan {
	size_t members;
};

/*
 * One pass over a text that may be anything: refuse what json-c would take (numbers it would
 * saturate, NaN, control characters in strings, \u0000) and what would cost too much (depth, number
 * of values); count the rest. Says nothing of a text that is broken in other ways: json-c does.
 */
int json_scan(const char *text, size_t len, struct json_scan *ret, struct err *err) MUST_CHECK;

/* err_set naming the place at offset `pos`: "PATH: MESSAGE (line L, column C)". */
int json_fail_at(const char *text, size_t len, size_t pos, struct err *err, int code,
		 const char *message) __attribute__((nonnull));

/* For a text that json-c took, and that has a key twice in one object: say which and where. */
int json_fail_duplicate(const char *text, size_t len, struct err *err);

#endif
