/* A quick hash, in the manner of FNV-1a but eight bytes at a time. Names files and finds damage;
 * keeps nobody out who means it. */
#ifndef CTR_BASE_HASH_H
#define CTR_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t hash_bytes(const void *data, size_t len, uint64_t seed)
{
	const unsigned char *p = data;
	uint64_t h = 0xcbf29ce484222325u ^ seed, word;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32; /* a multiplication alone never carries downwards */
	}
	word = len;
	memcpy(&word, p, len);
	h = (h ^ word ^ (uint64_t)len << 56) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

#endif
