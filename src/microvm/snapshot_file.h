/*
 * The file of a snapshot that has all of a machine but its memory: a head, then sections, each with its length and
 * checksum. Knows nothing of what is in them. A file that was cut, changed, or is none of ours, is found so before
 * anything of it is used; one that was made to deceive is not, and so each reader of a section checks what is in it.
 */
#ifndef CTR_MICROVM_SNAPSHOT_FILE_H
#define CTR_MICROVM_SNAPSHOT_FILE_H

#include "base/cleanup.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAPSHOT_VERSION 2 /* of all that is in it: no other one is read */
#define SNAPSHOT_BYTES_MAX (64U << 20)
#define SNAPSHOT_ID_BYTES 16

/* What a section is of; the index says of which one. The numbers stay what they are. */
enum snapshot_kind {
	SNAPSHOT_SHAPE = 1,
	SNAPSHOT_MACHINE = 2,
	SNAPSHOT_CPU = 3,
	SNAPSHOT_CPU_XSAVE = 4,
	SNAPSHOT_CPU_CPUID = 5,
	SNAPSHOT_CPU_MSRS = 6,
	SNAPSHOT_PORTS = 7,
	SNAPSHOT_FUNCTION = 8,
	SNAPSHOT_VIRTIO = 9,
	SNAPSHOT_WATCHDOG = 10,
	SNAPSHOT_PAYLOAD = 11,
	SNAPSHOT_MORE = 12,
};

/* Write one: `id` is by chance, and the memory's file has it, too. */
void snapshot_begin(struct str *out);
void snapshot_add(struct str *out, enum snapshot_kind kind, uint32_t index, const void *data,
		  size_t len);
void snapshot_end(struct str *out, const uint8_t id[SNAPSHOT_ID_BYTES]);

/* One that was read. */
struct snapshot {
	char *bytes;
	size_t len;
	uint8_t id[SNAPSHOT_ID_BYTES];
};

#define SNAPSHOT_NONE \
	{             \
		0     \
	}

/* Takes the bytes over, in any case. -EINVAL: it is no snapshot as it was written; -ENOTSUP: of another version. */
int snapshot_parse(char *bytes, size_t len, struct snapshot *ret, struct err *err) MUST_CHECK;

/* A section's bytes, borrowed, at no particular alignment; NULL: there is none. */
const char *snapshot_find(const struct snapshot *s, enum snapshot_kind kind, uint32_t index,
			  size_t *ret_len) MUST_CHECK;

/* Copy one that has exactly that length. -EINVAL with words. */
int snapshot_get(const struct snapshot *s, enum snapshot_kind kind, uint32_t index, void *to,
		 size_t len, struct err *err) MUST_CHECK;

/* What is left of a section of many parts, for who takes them one by one. */
struct snapshot_rest {
	const char *at;
	size_t left;
};

/* The next bytes, which stay where they are; NULL: there aren't as many. */
const char *snapshot_take(struct snapshot_rest *r, size_t len) MUST_CHECK;
/* The same as a copy; false. */
bool snapshot_copy(struct snapshot_rest *r, void *to, size_t len) MUST_CHECK;

void snapshot_free(struct snapshot *s);
CLEAN_DEFINE(snapshot, struct snapshot, snapshot_free)

#endif
