/* A command line of `run` as config.json, for tests. */
#ifndef CTR_TESTS_CTR_MADE_H
#define CTR_TESTS_CTR_MADE_H

#include "base/err.h"
#include "base/str.h"

/* Words are cut at spaces; ~ stands for a space within one. */
#define MADE_WORDS 48

/*
 * Parse and make; render `format` over { "spec": config.json, "opt": {Name Id Source CgroupParent
 * PidFile Bundle} }. Returns what run_make() did; out is "" on failure. `warnings` may be NULL.
 */
int made(const char *line, const char *format, struct str *out, struct err *err);

/* ... and the text must be that; or the failure must have that part. */
void made_is(const char *line, const char *format, const char *expected);
void made_fails(const char *line, const char *part);

#endif
