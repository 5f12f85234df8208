/*
 * A limit on a rate: a bucket of tokens, bytes or operations, that fills steadily. Who comes while there is
 * any passes at once, whatever it costs; what is then missing has to flow in before the next one passes. Kept as
 * moments, not as tokens, so that the moment of the next one is known exactly. It asks no clock: `now` is the
 * caller's, in ns of one that never goes back.
 */
#ifndef CTR_MICROVM_BUCKET_H
#define CTR_MICROVM_BUCKET_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define BUCKET_BURST_MS 100 /* where nobody says else */
#define BUCKET_BURST_MS_MAX 60000

/* What a number in a flag has to be. */
#define BUCKET_WORDS                                                                                   \
	"a limit is a size (bps=10m: bytes a second) or a number of operations from 1 up (iops=500), " \
	"a burst 1 to 60000 ms"

/* What a user wants of a direction; 0: no limit. */
struct bucket_rates {
	uint64_t bytes, operations; /* a second */
};

/*
 * Is `word` PREFIXbps=SIZE or PREFIXiops=N? 1: it is kept in ret. 0: it's another word. -EINVAL: it is one, with no
 * number behind it.
 */
int bucket_parse(const char *word, const char *prefix, struct bucket_rates *ret) MUST_CHECK;
/* The same for burst=MS. */
int bucket_parse_burst(const char *word, uint32_t *ret_ms) MUST_CHECK;

struct bucket {
	uint64_t rate; /* tokens a second; 0: no limit */
	uint64_t
		burst_ns; /* how long it takes to fill: what may pass at once after that time of nothing */
	uint64_t full_ns; /* when it is full */
};

/* A full one. */
void bucket_init(struct bucket *b, uint64_t rate, uint32_t burst_ms);

/* When the next one may pass; that moment may be over. */
uint64_t bucket_ready_ns(const struct bucket *b);

/* One has passed, and has cost that many. */
void bucket_take(struct bucket *b, uint64_t now_ns, uint32_t tokens);

#endif
