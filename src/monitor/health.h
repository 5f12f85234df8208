/* A command that is run in a container now and then, and says by its exit status whether all is well. */
#ifndef CTR_MONITOR_HEALTH_H
#define CTR_MONITOR_HEALTH_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

enum health_action {
	HEALTH_NONE, /* only say it */
	HEALTH_KILL,
	HEALTH_RESTART,
	HEALTH_STOP,
};

struct health {
	const char *command; /* a JSON array of arguments; NULL: there is none */
	uint64_t interval_ms, timeout_ms, start_period_ms;
	int retries; /* failures in a row that make it unhealthy */
	int action;  /* enum health_action */
};

/* docker's and podman's */
#define HEALTH_DEFAULT                                                  \
	(struct health)                                                 \
	{                                                               \
		.interval_ms = 30000, .timeout_ms = 30000, .retries = 3 \
	}

/* "none", "kill", "restart", "stop"; -EINVAL names the flag. */
int health_action_parse(const char *text, int *ret, struct err *err) MUST_CHECK;

enum health_status {
	HEALTH_STARTING,
	HEALTH_HEALTHY,
	HEALTH_UNHEALTHY,
};

/* What must not be forgotten when the monitor is killed; all zero when a life begins. */
struct health_memory {
	int status; /* enum health_status */
	int streak; /* failures in a row */
	uint64_t next_ns;
	bool restart; /* it is ended so that it is started again, whatever its policy */
};

/*
 * What one more result makes of the status. `starting`: failures don't count yet. True: it has just become
 * unhealthy, and the action is due.
 */
bool health_count(const struct health *h, struct health_memory *m, bool good, bool starting);

/* STATE_HEALTH_FILE in the container's folder: the status, and the last results, as docker's inspect shows them. */
#define HEALTH_RESULTS 5
#define HEALTH_OUTPUT_MAX 500

struct health_result {
	uint64_t start_unix_ms, end_unix_ms;
	int exit_code;
	const char *output;
	size_t output_len;
};

int health_record(int dir, const struct health_memory *m, const struct health_result *result,
		  struct err *err) MUST_CHECK;

/* All of that file, the caller's; NULL: the container has no health check. One open where it has none. */
struct json_object *health_read(int dir);

#endif
