#include "microvm/virtio_rng.h"

#include <errno.h>
#include <linux/virtio_ids.h>
#include <sys/random.h>

#define QUEUE_SIZE 8

static int64_t fill(struct virtio *v, const struct chain *c, const char **ret_rule)
{
	struct iovec pieces[QUEUE_SIZE_MAX];
	size_t count = chain_slice(c, true, 0, VIRTIO_RNG_REQUEST_MAX, pieces);
	int64_t written = 0;

	(void)v;
	if (c->readable || !c->count) {
		*ret_rule = "a request for random bytes has room for them and nothing else";
		return -EPROTO;
	}
	for (size_t i = 0; i < count; i++) {
		ssize_t n = getrandom(pieces[i].iov_base, pieces[i].iov_len, 0);

		/* The rest is asked for again. */
		if (n < 0)
			break;
		written += n;
		if ((size_t)n < pieces[i].iov_len)
			break;
	}
	return written;
}

static void serve(struct virtio *v, unsigned int queue)
{
	virtio_serve(v, queue, fill);
}

static const struct virtio_ops ops = { .name = "rng",
				       .id = VIRTIO_ID_RNG,
				       .class = 0xff0000,
				       .queues = 1,
				       .queue_max = { QUEUE_SIZE },
				       .serve = serve };

int virtio_rng_init(struct virtio_rng *r, const struct memory *memory, struct err *err)
{
	return virtio_init(&r->virtio, &ops, memory, 0, err);
}
