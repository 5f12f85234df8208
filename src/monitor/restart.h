/* When a container that has ended is started again. */
#ifndef CTR_MONITOR_RESTART_H
#define CTR_MONITOR_RESTART_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum restart_when {
	RESTART_NO,
	RESTART_ON_FAILURE,
	RESTART_ALWAYS,
	RESTART_UNLESS_STOPPED, /* differs from always only where something starts it at boot */
};

struct restart {
	enum restart_when when;
	int max; /* tries of on-failure; 0: any number */
};

/* "no", "always", "unless-stopped", "on-failure", "on-failure:N". -EINVAL names what it can be. */
int restart_parse(const char *text, struct restart *ret, struct err *err) MUST_CHECK;

/*
 * After an end with this exit code and `count` restarts in a row; with known false nobody can say how it
 * ended, which counts as a failure.
 */
bool restart_wanted(const struct restart *r, bool known, int exit_code, int count);

/* How long to wait before restart number `count` + 1 in a row: 0.1 s, doubled up to a minute. */
uint64_t restart_rest_ms(int count);

/* One that ran that long begins to count anew. */
#define RESTART_LONG_MS 10000

#endif
