/* What one container uses at one moment, and what that looks like beside an earlier one. */
#ifndef CTR_CTR_STATS_ROW_H
#define CTR_CTR_STATS_ROW_H

#include "runtime/usage.h"

#include <json-c/json.h>

struct stats_sample {
	uint64_t at_ns; /* clock_now_ns(); 0: nothing was read, as of one that doesn't run */
	struct usage usage;
};

/* What can't be read is left out: it may end at any moment. */
void stats_sample(struct container *c, struct stats_sample *ret);

/*
 * One document: docker's fields as texts, "-" where there is nothing to say, and the numbers behind them,
 * null there. `before` may be empty (at_ns 0): then there is no CPU share yet.
 */
struct json_object *stats_row(const struct container *c, const struct stats_sample *before,
			      const struct stats_sample *now, bool whole_id) MUST_CHECK;

#endif
