/* The data of a frame WIRE_RENEW: what a guest that was held, or copied, can't know by itself. Little-endian. */
#ifndef CTR_WIRE_RENEW_H
#define CTR_WIRE_RENEW_H

#include <stdint.h>

#define WIRE_ID_BYTES 16
#define WIRE_HOSTNAME_MAX 72 /* with its end; the kernel takes 64 */

struct wire_renew {
	uint64_t unix_ns;
	uint32_t copy; /* 1: what follows counts */
	uint32_t zero;
	uint8_t id[WIRE_ID_BYTES]; /* by chance, of the host's */
	char hostname[WIRE_HOSTNAME_MAX];
};

#endif
