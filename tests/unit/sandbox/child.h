/* For what changes the process that does it: do it in a child and look at what came of it. */
#ifndef TESTS_SANDBOX_CHILD_H
#define TESTS_SANDBOX_CHILD_H

#include "base/err.h"

/*
 * Run fn in a forked child. It returns 0, or a number that tells which of its expectations failed (use
 * EXPECT). Returns that number, or 128 + the signal that ended the child; *ret_err is what fn wrote to
 * its err.
 */
int child_run(int (*fn)(struct err *err), struct err *ret_err);

/* In fn: return the line's number unless it holds. */
#define EXPECT(condition)                          \
	do {                                       \
		if (!(condition))                  \
			return __LINE__ % 100 + 1; \
	} while (0)

/* Run fn and fail the test, with fn's err, unless it returned 0. */
#define child_succeeds(fn)                                                        \
	do {                                                                      \
		struct err err_ = { 0 };                                          \
		int rc_ = child_run(fn, &err_);                                   \
		if (rc_ != 0)                                                     \
			fail_msg("%s: line ..%02d: %s", #fn, rc_ - 1, err_.text); \
	} while (0)

#endif
