#include "microvm/virtio_limit.h"

#include "base/clock.h"
#include "microvm/virtio.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NS_PER_S 1000000000ULL

static void timer_ready(void *arg, uint32_t events)
{
	struct virtio_limit *l = arg;
	uint64_t count;

	(void)events;
	(void)!read(l->timer, &count, sizeof(count));
	virtio_ring(l->device, l->queue);
}

int virtio_limit(struct virtio *v, unsigned int queue, const struct bucket_rates *rates,
		 uint32_t burst_ms, uint32_t overhead, struct io *io, struct err *err)
{
	struct virtio_limit *l = &v->queues[queue].limit;

	if (!rates->bytes && !rates->operations)
		return 0;
	bucket_init(&l->bytes, rates->bytes, burst_ms);
	bucket_init(&l->operations, rates->operations, burst_ms);
	l->overhead = overhead;
	l->device = v;
	l->queue = queue;
	l->source = (struct io_source){ .ready = timer_ready, .arg = l };
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->timer < 0)
		return err_sys(err, "make a timer for a limit");
	return io_add(io, l->timer, EPOLLIN, &l->source, err);
}

bool virtio_limit_passes(struct virtio *v, unsigned int queue)
{
	struct virtio_limit *l = &v->queues[queue].limit;
	struct itimerspec at = { 0 };
	uint64_t ready, other;

	if (l->timer < 0)
		return true;
	ready = bucket_ready_ns(&l->bytes);
	other = bucket_ready_ns(&l->operations);
	if (other > ready)
		ready = other;
	if (ready <= clock_now_ns())
		return true;
	at.it_value.tv_sec = (time_t)(ready / NS_PER_S);
	at.it_value.tv_nsec = (long)(ready % NS_PER_S);
	/* A time that is over meanwhile rings at once. A timer of ours takes any other. */
	(void)timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &at, NULL);
	return false;
}

void virtio_limit_take(struct virtio *v, unsigned int queue, size_t bytes)
{
	struct virtio_limit *l = &v->queues[queue].limit;
	uint64_t now;

	if (l->timer < 0)
		return;
	now = clock_now_ns();
	bytes = bytes > l->overhead ? bytes - l->overhead : 0;
	bucket_take(&l->bytes, now, bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes);
	bucket_take(&l->operations, now, 1);
}
