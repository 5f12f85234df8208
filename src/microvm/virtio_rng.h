/* Random bytes of the host's for a guest's kernel. VIRTIO 1.2, 5.4. */
#ifndef CTR_MICROVM_VIRTIO_RNG_H
#define CTR_MICROVM_VIRTIO_RNG_H

#include "microvm/virtio.h"

/* Of one request; who wants more asks again. */
#define VIRTIO_RNG_REQUEST_MAX 65536

struct virtio_rng {
	struct virtio virtio;
};

int virtio_rng_init(struct virtio_rng *r, const struct memory *memory, struct err *err) MUST_CHECK;

#endif
