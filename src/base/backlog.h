/*
 * Bytes that wait for a slow reader: put behind the others, taken from the front. What was taken makes room again, also
 * where the reader is never quite done. All zero is an empty one.
 */
#ifndef CTR_BASE_BACKLOG_H
#define CTR_BASE_BACKLOG_H

#include "base/str.h"

#include <stddef.h>

struct backlog {
	struct str bytes;
	size_t taken; /* of them */
};

static inline size_t backlog_len(const struct backlog *b)
{
	return b->bytes.len - b->taken;
}

/* The first of them. */
static inline const char *backlog_head(const struct backlog *b)
{
	return b->bytes.text + b->taken;
}

void backlog_add(struct backlog *b, const void *bytes, size_t len);
void backlog_take(struct backlog *b, size_t len); /* at most backlog_len() */
void backlog_free(struct backlog *b);             /* leaves an empty one */

#endif
