/*
 * A limit on what passes through a queue. What is too much waits in it, where the driver put it, until the timer
 * that is set to the moment rings the queue's bell. A reset of the device doesn't fill the buckets. With the
 * device's lock held, but where it's said.
 */
#ifndef CTR_MICROVM_VIRTIO_LIMIT_H
#define CTR_MICROVM_VIRTIO_LIMIT_H

#include "microvm/bucket.h"
#include "microvm/io.h"

#include <stddef.h>

struct virtio;

struct virtio_limit {
	struct bucket bytes, operations;
	uint32_t overhead; /* bytes of each request that aren't data */
	int timer;         /* timerfd; -1: there is no limit */
	struct io_source source;
	struct virtio *device;
	unsigned int queue;
};

/*
 * Without lock, behind virtio_init() and before the thread runs. Rates of 0 are none; burst_ms 0: the usual one.
 * The timer goes with the device.
 */
int virtio_limit(struct virtio *v, unsigned int queue, const struct bucket_rates *rates,
		 uint32_t burst_ms, uint32_t overhead, struct io *io, struct err *err) MUST_CHECK;

/* May the next one pass now? If not, the bell will ring when it may. */
bool virtio_limit_passes(struct virtio *v, unsigned int queue);

/* One has passed, of that many bytes with overhead. */
void virtio_limit_take(struct virtio *v, unsigned int queue, size_t bytes);

#endif
