#include "base/backlog.h"

#include <string.h>

void backlog_add(struct backlog *b, const void *bytes, size_t len)
{
	/* Not before it is half of all: each byte is moved at most once, then. */
	if (b->taken >= backlog_len(b)) {
		size_t left = backlog_len(b);

		if (left)
			memmove(b->bytes.text, backlog_head(b), left);
		b->bytes.len = left;
		b->taken = 0;
	}
	str_add_bytes(&b->bytes, bytes, len);
}

void backlog_take(struct backlog *b, size_t len)
{
	b->taken += len;
}

void backlog_free(struct backlog *b)
{
	str_free(&b->bytes);
	b->taken = 0;
}
