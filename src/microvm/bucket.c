#include "microvm/bucket.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

#define NS_PER_S 1000000000ULL
#define NS_PER_MS 1000000ULL

/* What stands behind the name and the '='; NULL: it's another word. */
static const char *value_of(const char *word, const char *prefix, const char *name)
{
	size_t at = strlen(prefix), len = strlen(name);

	if (!str_starts(word, prefix) || !str_starts(word + at, name) || word[at + len] != '=')
		return NULL;
	return word + at + len + 1;
}

int bucket_parse(const char *word, const char *prefix, struct bucket_rates *ret)
{
	const char *bytes = value_of(word, prefix, "bps"), *ops = value_of(word, prefix, "iops");

	if (bytes)
		return str_to_bytes(bytes, &ret->bytes) < 0 || !ret->bytes ? -EINVAL : 1;
	if (ops)
		return str_to_u64(ops, 1, UINT32_MAX, &ret->operations) < 0 ? -EINVAL : 1;
	return 0;
}

int bucket_parse_burst(const char *word, uint32_t *ret_ms)
{
	const char *text = value_of(word, "", "burst");
	uint64_t ms;

	if (!text)
		return 0;
	if (str_to_u64(text, 1, BUCKET_BURST_MS_MAX, &ms) < 0)
		return -EINVAL;
	*ret_ms = (uint32_t)ms;
	return 1;
}

void bucket_init(struct bucket *b, uint64_t rate, uint32_t burst_ms)
{
	*b = (struct bucket){ .rate = rate,
			      .burst_ns = (burst_ms ? burst_ms : BUCKET_BURST_MS) * NS_PER_MS };
}

uint64_t bucket_ready_ns(const struct bucket *b)
{
	return b->full_ns > b->burst_ns ? b->full_ns - b->burst_ns : 0;
}

void bucket_take(struct bucket *b, uint64_t now_ns, uint32_t tokens)
{
	uint64_t from = b->full_ns > now_ns ? b->full_ns : now_ns;

	/* Fits: 2^32 times 10^9 is below 2^62. Rounded up, so that many small ones aren't for nothing. */
	if (b->rate)
		b->full_ns = from + (tokens * NS_PER_S + b->rate - 1) / b->rate;
}
