/*
 * The wire format of protocol buffers, as far as criu's messages need it: a message is a row of
 * fields, each a number, a kind, and a varint or bytes. Unknown fields are passed over by who reads.
 * Source: the "Encoding" page of the protocol buffers documentation.
 */
#ifndef CTR_CRIU_MESSAGE_H
#define CTR_CRIU_MESSAGE_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

/* Append one field. Negative numbers go as their 64 bits, as int32 and int64 do. */
void message_put_number(struct str *m, unsigned int field, int64_t value);
void message_put_text(struct str *m, unsigned int field, const char *text);
void message_put_message(struct str *m, unsigned int field, const struct str *inner);

struct message_field {
	unsigned int number;
	uint64_t value;             /* of a number */
	const unsigned char *bytes; /* of a text or a message, borrowed; NULL: it is a number */
	size_t len;
};

/*
 * Take the next field from [*at, end). 1; 0: that was all; -EBADMSG: cut off, or of a kind that is
 * none. Never reads behind end.
 */
int message_next(const unsigned char **at, const unsigned char *end,
		 struct message_field *ret) MUST_CHECK;

#endif
