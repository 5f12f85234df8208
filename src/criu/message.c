#include "criu/message.h"

#include <errno.h>
#include <string.h>

/* The lower three bits of a field's key. */
enum wire_kind {
	WIRE_VARINT = 0,
	WIRE_FIXED64 = 1,
	WIRE_BYTES = 2,
	WIRE_FIXED32 = 5,
};

static void put_varint(struct str *m, uint64_t value)
{
	unsigned char bytes[10];
	size_t len = 0;

	do {
		bytes[len] = value & 0x7f;
		value >>= 7;
		if (value)
			bytes[len] |= 0x80;
		len++;
	} while (value);
	str_add_bytes(m, bytes, len);
}

static void put_key(struct str *m, unsigned int field, enum wire_kind kind)
{
	put_varint(m, (uint64_t)field << 3 | kind);
}

void message_put_number(struct str *m, unsigned int field, int64_t value)
{
	put_key(m, field, WIRE_VARINT);
	put_varint(m, (uint64_t)value);
}

static void put_bytes(struct str *m, unsigned int field, const char *bytes, size_t len)
{
	put_key(m, field, WIRE_BYTES);
	put_varint(m, len);
	if (len)
		str_add_bytes(m, bytes, len);
}

void message_put_text(struct str *m, unsigned int field, const char *text)
{
	put_bytes(m, field, text, strlen(text));
}

void message_put_message(struct str *m, unsigned int field, const struct str *inner)
{
	put_bytes(m, field, inner->text, inner->len);
}

static int take_varint(const unsigned char **at, const unsigned char *end, uint64_t *ret)
{
	*ret = 0;
	for (unsigned int shift = 0; shift < 64; shift += 7) {
		unsigned char byte;

		if (*at == end)
			return -EBADMSG;
		byte = *(*at)++;
		*ret |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return 0;
	}
	return -EBADMSG;
}

static int take_bytes(const unsigned char **at, const unsigned char *end, uint64_t len,
		      struct message_field *ret)
{
	if (len > (size_t)(end - *at))
		return -EBADMSG;
	ret->bytes = *at;
	ret->len = (size_t)len;
	*at += len;
	return 0;
}

int message_next(const unsigned char **at, const unsigned char *end, struct message_field *ret)
{
	uint64_t key, len;
	int rc;

	*ret = (struct message_field){ 0 };
	if (*at == end)
		return 0;
	rc = take_varint(at, end, &key);
	if (rc < 0)
		return rc;
	ret->number = (unsigned int)(key >> 3);
	switch (key & 7) {
	case WIRE_VARINT:
		rc = take_varint(at, end, &ret->value);
		break;
	case WIRE_BYTES:
		rc = take_varint(at, end, &len);
		if (rc == 0)
			rc = take_bytes(at, end, len, ret);
		break;
	case WIRE_FIXED64:
		rc = take_bytes(at, end, 8, ret);
		break;
	case WIRE_FIXED32:
		rc = take_bytes(at, end, 4, ret);
		break;
	default:
		rc = -EBADMSG;
	}
	return rc < 0 ? rc : 1;
}
