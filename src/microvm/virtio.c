#include "microvm/virtio.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define COMMON_FEATURES                                                     \
	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC | \
	 1ULL << VIRTIO_RING_F_EVENT_IDX)

/* What the driver writes; the others of a status are ours, or none. */
#define DRIVER_STATUS                                                                       \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK | \
	 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_FAILED)

static bool has(const struct virtio *v, unsigned int feature)
{
	return v->accepted >> feature & 1;
}

static void forget_driver(struct virtio *v)
{
	v->accepted = 0;
	v->status = 0;
	v->config_vector = VIRTIO_MSI_NO_VECTOR;
	v->offence = NULL;
	for (unsigned int i = 0; i < v->ops->queues; i++)
		queue_reset(&v->queues[i].ring, v->ops->queue_max[i]);
}

static void run_job(struct virtio *v)
{
	struct virtio_job *job = &v->job;

	if (!job->run)
		return;
	job->rc = job->run(v, job->arg, job->err);
	job->run = NULL;
	pthread_cond_signal(&v->done);
}

static void bell_ready(void *arg, uint32_t events)
{
	struct virtio_queue *q = arg;
	struct virtio *v = q->device;
	unsigned int index = (unsigned int)(q - v->queues);
	uint64_t count;

	(void)events;
	/* First emptied, then served: what rings meanwhile rings again. */
	(void)!read(q->bell, &count, sizeof(count));
	pthread_mutex_lock(&v->lock);
	run_job(v);
	if (virtio_is_live(v, index) && !v->still)
		v->ops->serve(v, index);
	pthread_mutex_unlock(&v->lock);
}

int virtio_do(struct virtio *v, int (*run)(struct virtio *v, void *arg, struct err *err), void *arg,
	      struct err *err)
{
	int rc;

	pthread_mutex_lock(&v->lock);
	v->job = (struct virtio_job){ .run = run, .arg = arg, .err = err };
	/* Whether the queue is there or not: its doorbell is. */
	virtio_ring(v, 0);
	while (v->job.run)
		pthread_cond_wait(&v->done, &v->lock);
	rc = v->job.rc;
	pthread_mutex_unlock(&v->lock);
	return rc;
}

void virtio_still(struct virtio *v)
{
	v->still = true;
}

void virtio_go_on(struct virtio *v)
{
	pthread_mutex_lock(&v->lock);
	/* What has rung meanwhile was not heard. */
	for (unsigned int i = 0; v->still && i < v->ops->queues; i++)
		virtio_ring(v, i);
	v->still = false;
	pthread_mutex_unlock(&v->lock);
}

int virtio_init(struct virtio *v, const struct virtio_ops *ops, const struct memory *memory,
		uint64_t features, struct err *err)
{
	*v = (struct virtio){ .ops = ops,
			      .memory = memory,
			      .lock = PTHREAD_MUTEX_INITIALIZER,
			      .done = PTHREAD_COND_INITIALIZER,
			      .offered = COMMON_FEATURES | ops->features | features };
	for (unsigned int i = 0; i < ops->queues; i++)
		v->queues[i].bell = v->queues[i].limit.timer = -1;
	forget_driver(v);
	for (unsigned int i = 0; i < ops->queues; i++) {
		struct virtio_queue *q = &v->queues[i];

		q->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (q->bell < 0)
			return err_sys(err, "make an eventfd for a queue");
		q->source = (struct io_source){ .ready = bell_ready, .arg = q };
		q->device = v;
	}
	return 0;
}

int virtio_attach(struct virtio *v, struct io *io, struct err *err)
{
	int rc = 0;

	for (unsigned int i = 0; rc == 0 && i < v->ops->queues; i++)
		rc = io_add(io, v->queues[i].bell, EPOLLIN, &v->queues[i].source, err);
	return rc;
}

void virtio_free(struct virtio *v)
{
	for (unsigned int i = 0; v->ops && i < v->ops->queues; i++) {
		clean_fd(&v->queues[i].bell);
		clean_fd(&v->queues[i].limit.timer);
	}
	v->ops = NULL;
}

void virtio_ring(struct virtio *v, unsigned int queue)
{
	const uint64_t one = 1;

	/* It fails only where it is full of rings that wait. */
	(void)!write(v->queues[queue].bell, &one, sizeof(one));
}

static bool is_begun(const struct virtio *v)
{
	return (v->status & (VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET)) ==
	       VIRTIO_CONFIG_S_DRIVER_OK;
}

bool virtio_is_live(const struct virtio *v, unsigned int queue)
{
	return is_begun(v) && v->queues[queue].ring.enabled;
}

void virtio_offend(struct virtio *v, const char *rule)
{
	v->offence = rule;
	v->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (v->status & VIRTIO_CONFIG_S_DRIVER_OK)
		virtio_config_changed(v);
}

void virtio_config_changed(struct virtio *v)
{
	v->generation++;
	v->interrupt(v->arg, v->config_vector, true);
}

/* The driver has said that it is ready. What it put into its queues before it needn't ring for. */
static void begin(struct virtio *v)
{
	if (v->ops->begin)
		v->ops->begin(v);
	for (unsigned int i = 0; i < v->ops->queues; i++)
		virtio_ring(v, i);
}

void virtio_set_status(struct virtio *v, uint8_t status)
{
	bool begun = is_begun(v);

	if (status == 0) {
		forget_driver(v);
		if (v->ops->reset)
			v->ops->reset(v);
		return;
	}
	/* Nothing is ever taken back but by a reset. */
	status = (status & DRIVER_STATUS) | v->status;
	if ((v->accepted & ~v->offered) || !has(v, VIRTIO_F_VERSION_1))
		status &= (uint8_t)~VIRTIO_CONFIG_S_FEATURES_OK;
	if (!(status & VIRTIO_CONFIG_S_FEATURES_OK))
		status &= (uint8_t)~VIRTIO_CONFIG_S_DRIVER_OK;
	v->status = status;
	if (!begun && is_begun(v))
		begin(v);
}

void virtio_accept(struct virtio *v, uint64_t features)
{
	if (!(v->status & VIRTIO_CONFIG_S_FEATURES_OK))
		v->accepted = features;
}

bool virtio_may_place(const struct virtio *v, unsigned int queue)
{
	return queue < v->ops->queues && !v->queues[queue].ring.enabled &&
	       !(v->status & VIRTIO_CONFIG_S_DRIVER_OK);
}

void virtio_enable(struct virtio *v, unsigned int queue)
{
	struct queue *q;

	if (queue >= v->ops->queues || v->queues[queue].ring.enabled)
		return;
	q = &v->queues[queue].ring;
	if (!(v->status & VIRTIO_CONFIG_S_FEATURES_OK) || !virtio_may_place(v, queue))
		virtio_offend(v,
			      "a queue is enabled after features and before the driver is ready");
	else if (queue_enable(q, v->memory, has(v, VIRTIO_RING_F_INDIRECT_DESC),
			      has(v, VIRTIO_RING_F_EVENT_IDX)) < 0)
		virtio_offend(v, q->offence);
}

bool virtio_pop(struct virtio *v, unsigned int queue, struct chain *ret)
{
	struct queue *q = &v->queues[queue].ring;
	int rc = queue_pop(q, ret);

	if (rc < 0)
		virtio_offend(v, q->offence);
	return rc > 0;
}

void virtio_push_many(struct virtio *v, unsigned int queue, const struct vring_used_elem *used,
		      size_t count)
{
	struct queue *q = &v->queues[queue].ring;

	queue_push_many(q, used, count);
	if (queue_must_interrupt(q))
		v->interrupt(v->arg, q->vector, false);
}

void virtio_push(struct virtio *v, unsigned int queue, const struct chain *c, uint32_t written)
{
	virtio_push_many(v, queue, &(struct vring_used_elem){ .id = c->head, .len = written }, 1);
}

void virtio_serve(struct virtio *v, unsigned int queue, virtio_request *request)
{
	struct queue *q = &v->queues[queue].ring;
	unsigned int left = q->size;
	bool passes = true;
	struct chain c;

	queue_disarm(q);
	do {
		while (left && (passes = virtio_limit_passes(v, queue)) &&
		       virtio_pop(v, queue, &c)) {
			const char *rule = NULL;
			int64_t written = request(v, &c, &rule);

			if (written < 0)
				virtio_offend(v, rule);
			if (!is_begun(v))
				return;
			virtio_push(v, queue, &c, (uint32_t)written);
			virtio_limit_take(v, queue, (size_t)c.readable_bytes + c.writable_bytes);
			left--;
		}
		/* It may have an endless number of them, and its neighbours some, too. */
		if (!left)
			virtio_ring(v, queue);
	} while (left && passes && is_begun(v) && queue_arm(q));
}
