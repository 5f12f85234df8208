/* What the messages do: from the emulator's words to a device that runs, and back. */
#include "microvm/virtio_user_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <sys/epoll.h>

#define NO_FD (1U << 8) /* in the number of a queue: no eventfd comes along */

/* ---- doorbells and interrupts ------------------------------------------------------------ */

/* By the device's own doorbell, which is served with nothing of ours held. */
static void kicked(void *arg, uint32_t events)
{
	struct virtio_user_queue *q = arg;
	struct virtio *v = q->user->device;
	uint64_t count;

	(void)events;
	pthread_mutex_lock(&v->lock);
	if (q->kick >= 0)
		(void)!read(q->kick, &count, sizeof(count));
	pthread_mutex_unlock(&v->lock);
	virtio_ring(v, (unsigned int)(q - q->user->queue));
}

static void interrupt(void *arg, uint16_t vector, bool config)
{
	struct virtio_user *u = arg;
	const uint64_t one = 1;

	/* An emulator asks for the configuration once: what changes there is an offence alone. */
	if (config)
		(void)!write(u->wake, &one, sizeof(one));
	else if (vector < u->queues && u->queue[vector].call >= 0)
		(void)!write(u->queue[vector].call, &one, sizeof(one));
}

void virtio_user_plug(struct virtio_user *u)
{
	u->device->interrupt = interrupt;
	u->device->arg = u;
}

/* With the device's lock held. */
static void drop_kick(struct virtio_user_queue *q)
{
	if (q->kick >= 0)
		io_remove(q->user->io, q->kick);
	drop_fd(&q->kick);
}

static struct virtio_user_queue *queue_of(struct virtio_user *u, uint64_t index, struct err *err)
{
	if (index < u->queues)
		return &u->queue[index];
	(void)virtio_user_broken(err, "there is no queue of that number");
	return NULL;
}

/* The eventfd of a message; -1 where it says that there is none. */
static int take_eventfd(struct virtio_user *u, uint64_t number)
{
	int fd = u->fd_count && !(number & NO_FD) ? take_fd(&u->fds[0]) : -1;

	if (fd >= 0)
		(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* ---- a device that runs ------------------------------------------------------------------- */

/* With the device's lock held, as all below. */
static bool is_ready(const struct virtio_user *u)
{
	for (unsigned int i = 0; i < u->queues; i++) {
		const struct virtio_user_queue *q = &u->queue[i];

		if (!q->placed || q->kick < 0 || (u->acknowledged && !q->enabled))
			return false;
	}
	return true;
}

static bool runs(const struct virtio_user *u)
{
	return u->device->status & VIRTIO_CONFIG_S_DRIVER_OK;
}

static void stop(struct virtio_user *u)
{
	virtio_set_status(u->device, 0);
}

/* As the driver does with a device that has registers. */
static int begin(struct virtio_user *u, struct err *err)
{
	struct virtio *v = u->device;
	const uint8_t agreed = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

	if (runs(u) || !is_ready(u))
		return 0;
	virtio_set_status(v, agreed);
	virtio_accept(v, u->features);
	virtio_set_status(v, agreed | VIRTIO_CONFIG_S_FEATURES_OK);
	if (!(v->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return virtio_user_broken(err, "the driver takes features that it wasn't offered");
	for (unsigned int i = 0; i < u->queues; i++) {
		struct queue *ring = &v->queues[i].ring;

		ring->size = u->queue[i].size;
		ring->table_gpa = u->queue[i].table_gpa;
		ring->avail_gpa = u->queue[i].avail_gpa;
		ring->used_gpa = u->queue[i].used_gpa;
		ring->vector = (uint16_t)i;
		virtio_enable(v, i);
	}
	if (v->offence)
		return virtio_user_broken(err, v->offence);
	virtio_set_status(v, agreed | VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
	return 0;
}

/* ---- with the lock ------------------------------------------------------------------------- */

/* What one of them changes may make it ready. */
typedef int change(struct virtio_user *u, struct virtio_user_queue *q, union vhost_payload *p,
		   struct err *err);

static int with_queue(struct virtio_user *u, uint64_t index, union vhost_payload *p, change *f,
		      struct err *err)
{
	struct virtio_user_queue *q = queue_of(u, index, err);
	int rc;

	if (!q)
		return -EPROTO;
	pthread_mutex_lock(&u->device->lock);
	rc = f(u, q, p, err);
	if (rc == 0)
		rc = begin(u, err);
	pthread_mutex_unlock(&u->device->lock);
	return rc;
}

static int set_size(struct virtio_user *u, struct virtio_user_queue *q, union vhost_payload *p,
		    struct err *err)
{
	/* What is no size for this queue is refused when it's enabled. */
	if (runs(u) || p->queue.value > UINT16_MAX)
		return virtio_user_broken(err, "the size of a queue");
	q->size = (uint16_t)p->queue.value;
	return 0;
}

int virtio_user_set_size(struct virtio_user *u, union vhost_payload *p, uint32_t bytes,
			 struct err *err)
{
	(void)bytes;
	return with_queue(u, p->queue.index, p, set_size, err);
}

/* Where the guest has what the emulator has at `address`. */
static bool to_gpa(const struct virtio_user *u, uint64_t address, uint64_t *ret)
{
	for (size_t i = 0; i < u->memory.piece_count; i++)
		if (address >= u->addresses[i] &&
		    address - u->addresses[i] < u->memory.pieces[i].bytes) {
			*ret = u->memory.pieces[i].gpa + (address - u->addresses[i]);
			return true;
		}
	return false;
}

static int set_addresses(struct virtio_user *u, struct virtio_user_queue *q, union vhost_payload *p,
			 struct err *err)
{
	if (runs(u) || p->addresses.flags || !to_gpa(u, p->addresses.table, &q->table_gpa) ||
	    !to_gpa(u, p->addresses.avail, &q->avail_gpa) ||
	    !to_gpa(u, p->addresses.used, &q->used_gpa))
		return virtio_user_broken(err,
					  "a queue lies in the guest's memory, and stays there");
	q->placed = true;
	return 0;
}

int virtio_user_set_addresses(struct virtio_user *u, union vhost_payload *p, uint32_t bytes,
			      struct err *err)
{
	(void)bytes;
	return with_queue(u, p->addresses.index, p, set_addresses, err);
}

/* A driver that has begun anew. One that goes on elsewhere isn't known here. */
static int set_base(struct virtio_user *u, struct virtio_user_queue *q, union vhost_payload *p,
		    struct err *err)
{
	(void)q;
	if (runs(u) || p->queue.value != 0)
		return virtio_user_broken(err, "a queue begins at its beginning");
	return 0;
}

int virtio_user_set_base(struct virtio_user *u, union vhost_payload *p, uint32_t bytes,
			 struct err *err)
{
	(void)bytes;
	return with_queue(u, p->queue.index, p, set_base, err);
}

static int set_enabled(struct virtio_user *u, struct virtio_user_queue *q, union vhost_payload *p,
		       struct err *err)
{
	(void)err;
	q->enabled = p->queue.value != 0;
	if (!q->enabled)
		stop(u);
	return 0;
}

int virtio_user_set_enabled(struct virtio_user *u, union vhost_payload *p, uint32_t bytes,
			    struct err *err)
{
	(void)bytes;
	return with_queue(u, p->queue.index, p, set_enabled, err);
}

/* The driver is gone: all queues stop one after the other, and where the first one was doesn't matter any more. */
static int get_base(struct virtio_user *u, struct virtio_user_queue *q, union vhost_payload *p,
		    struct err *err)
{
	(void)err;
	p->queue.value = u->device->queues[q - u->queue].ring.next_avail;
	stop(u);
	drop_kick(q);
	q->placed = q->enabled = false;
	return 0;
}

int virtio_user_get_base(struct virtio_user *u, union vhost_payload *p, uint32_t bytes,
			 struct err *err)
{
	(void)bytes;
	return with_queue(u, p->queue.index, p, get_base, err);
}

static int set_kick(struct virtio_user *u, struct virtio_user_queue *q, union vhost_payload *p,
		    struct err *err)
{
	drop_kick(q);
	q->kick = take_eventfd(u, p->number);
	if (q->kick < 0)
		return virtio_user_broken(err, "a queue has a doorbell");
	q->source = (struct io_source){ .ready = kicked, .arg = q };
	return io_add(u->io, q->kick, EPOLLIN, &q->source, err);
}

int virtio_user_set_kick(struct virtio_user *u, union vhost_payload *p, uint32_t bytes,
			 struct err *err)
{
	(void)bytes;
	return with_queue(u, p->number & ~(uint64_t)NO_FD, p, set_kick, err);
}

static int set_call(struct virtio_user *u, struct virtio_user_queue *q, union vhost_payload *p,
		    struct err *err)
{
	(void)err;
	drop_fd(&q->call);
	q->call = take_eventfd(u, p->number);
	return 0;
}

int virtio_user_set_call(struct virtio_user *u, union vhost_payload *p, uint32_t bytes,
			 struct err *err)
{
	(void)bytes;
	return with_queue(u, p->number & ~(uint64_t)NO_FD, p, set_call, err);
}

int virtio_user_stop_all(struct virtio_user *u, union vhost_payload *p, uint32_t bytes,
			 struct err *err)
{
	(void)p;
	(void)bytes;
	(void)err;
	pthread_mutex_lock(&u->device->lock);
	stop(u);
	for (unsigned int i = 0; i < u->queues; i++) {
		drop_kick(&u->queue[i]);
		u->queue[i].placed = u->queue[i].enabled = false;
	}
	pthread_mutex_unlock(&u->device->lock);
	return 0;
}

/* ---- memory --------------------------------------------------------------------------------- */

static int set_pieces(struct virtio_user *u, const union vhost_payload *p, struct err *err)
{
	int rc = 0;

	if (runs(u))
		return virtio_user_broken(err, "the guest's memory stays while it is used");
	memory_free(&u->memory);
	for (uint32_t i = 0; rc == 0 && i < p->memory.count; i++) {
		u->addresses[i] = p->memory.pieces[i].address;
		rc = memory_add(&u->memory, u->fds[i], p->memory.pieces[i].gpa,
				p->memory.pieces[i].bytes, p->memory.pieces[i].offset, err);
	}
	for (unsigned int i = 0; i < u->queues; i++)
		u->queue[i].placed = false;
	return rc;
}

int virtio_user_set_memory(struct virtio_user *u, union vhost_payload *p, uint32_t bytes,
			   struct err *err)
{
	int rc;

	if (p->memory.count > MEMORY_PIECES_MAX || u->fd_count != p->memory.count ||
	    bytes < 8 + p->memory.count * sizeof(p->memory.pieces[0]))
		return virtio_user_broken(err, "each piece of memory comes with its file");
	pthread_mutex_lock(&u->device->lock);
	rc = set_pieces(u, p, err);
	pthread_mutex_unlock(&u->device->lock);
	return rc;
}
