/*
 * What all devices of VIRTIO 1.2 have in common, whatever the bus: features, status, queues, the reset. A
 * device is a struct that begins with this one, and a table of what it does. Everything here is called with
 * v->lock held, but where it's said.
 */
#ifndef CTR_MICROVM_VIRTIO_H
#define CTR_MICROVM_VIRTIO_H

#include "base/cleanup.h"
#include "base/str.h"
#include "microvm/io.h"
#include "microvm/queue.h"
#include "microvm/virtio_limit.h"

#include <pthread.h>

#define VIRTIO_QUEUES_MAX 8
#define VIRTIO_STATE_BYTES 32 /* that a device may add to a snapshot, virtio_state.h */

struct virtio;

struct virtio_ops {
	const char *name;
	uint16_t id;       /* VIRTIO_ID_*, linux/virtio_ids.h */
	uint32_t class;    /* of PCI */
	uint64_t features; /* of the device; the transport's and the queues' are added */
	unsigned int queues;
	uint16_t queue_max[VIRTIO_QUEUES_MAX]; /* sizes, powers of two */
	/* In the device's thread: the queue, which is enabled, may have requests. */
	void (*serve)(struct virtio *v, unsigned int queue);
	/* The driver has begun, in the thread of a processor; NULL: nothing. */
	void (*begin)(struct virtio *v);
	/* The driver has written there, beside `config`, which is the device's; NULL: it can only read. */
	void (*configure)(struct virtio *v, uint32_t offset, const void *data, size_t len);
	/* The driver has read its configuration; NULL: who cares. */
	void (*looked)(struct virtio *v);
	/* All queues are gone and the driver may come back; NULL: nothing is kept. */
	void (*reset)(struct virtio *v);
	/* What a snapshot is to have of the device beside its queues, and its way back; NULL: nothing. */
	void (*save)(const struct virtio *v, uint8_t own[VIRTIO_STATE_BYTES]);
	int (*load)(struct virtio *v, const uint8_t own[VIRTIO_STATE_BYTES]); /* -EINVAL */
	/*
	 * What is too much for that (snapshot_more.h): saved after virtio_still(), which it calls, without lock while
	 * others run, or with the lock at one moment with all else; and loaded, without lock, when all else of the
	 * device is. NULL: nothing.
	 */
	int (*save_more)(struct virtio *v, struct str *out, struct err *err);
	void (*save_held)(struct virtio *v, struct str *out);
	int (*load_more)(struct virtio *v, const char *bytes, size_t len, struct err *err);
	const char *no_snapshot; /* why there can't be any with it; NULL: there can */
};

/* Something to be done in the device's thread. */
struct virtio_job {
	int (*run)(struct virtio *v, void *arg, struct err *err); /* NULL: nothing, or it is done */
	void *arg;
	struct err *err;
	int rc;
};

struct virtio_queue {
	struct queue ring;
	int bell; /* eventfd that the driver rings */
	struct io_source source;
	struct virtio *device;
	struct virtio_limit limit;
};

struct virtio {
	const struct virtio_ops *ops;
	const struct memory *memory; /* borrowed */
	pthread_mutex_t lock;
	uint64_t offered, accepted; /* features */
	uint8_t status, generation;
	uint16_t config_vector;
	const void *config; /* the device's configuration, what the driver reads; borrowed */
	size_t config_bytes;
	struct virtio_queue queues[VIRTIO_QUEUES_MAX];
	const char
		*offence; /* what the driver did against the rules since the reset; NULL: nothing */
	/* The transport's: interrupt the guest for a queue (or for a change of configuration). */
	void (*interrupt)(void *arg, uint16_t vector, bool config);
	void *arg;
	struct virtio_job job; /* that somebody waits for */
	pthread_cond_t done;
	bool still; /* nothing is served */
};

/* Without lock; `features` beside those of ops. A half-made one can be freed. */
int virtio_init(struct virtio *v, const struct virtio_ops *ops, const struct memory *memory,
		uint64_t features, struct err *err) MUST_CHECK;

/* Without lock: its queues are served in this thread from now on. */
int virtio_attach(struct virtio *v, struct io *io, struct err *err) MUST_CHECK;

/* Without lock, when nobody calls any more: neither processors nor the thread. */
void virtio_free(struct virtio *v);

/* The driver's writes, by what it wrote. */
void virtio_set_status(struct virtio *v, uint8_t status);
void virtio_accept(struct virtio *v, uint64_t features);
void virtio_enable(struct virtio *v, unsigned int queue);

/* May the driver still say where this queue is? */
bool virtio_may_place(const struct virtio *v, unsigned int queue) MUST_CHECK;

/*
 * Have something done in the device's thread, which runs, with the lock, between two requests, and wait for it. Without
 * lock; one caller at a time.
 */
int virtio_do(struct virtio *v, int (*run)(struct virtio *v, void *arg, struct err *err), void *arg,
	      struct err *err) MUST_CHECK;

/* Nothing is served from here on, until it goes on, which is without lock. */
void virtio_still(struct virtio *v);
void virtio_go_on(struct virtio *v);

/* Serve this queue soon; as if the driver had rung. Also without lock. */
void virtio_ring(struct virtio *v, unsigned int queue);

/* The driver has broken a rule: nothing is served until it resets the device, and it's told so. */
void virtio_offend(struct virtio *v, const char *rule);

/* `config` has changed. */
void virtio_config_changed(struct virtio *v);

/* Has the driver begun, and is this queue there? */
bool virtio_is_live(const struct virtio *v, unsigned int queue) MUST_CHECK;

/* The next request: true. False: there is none, or it was an offence. */
bool virtio_pop(struct virtio *v, unsigned int queue, struct chain *ret) MUST_CHECK;

/* Give it back, and interrupt the guest if it wants that. */
void virtio_push(struct virtio *v, unsigned int queue, const struct chain *c, uint32_t written);

/* Several at once, id and len of each, which the driver sees all or none of. */
void virtio_push_many(struct virtio *v, unsigned int queue, const struct vring_used_elem *used,
		      size_t count);

/*
 * What serve() is for most queues: `request` for each request that is there or comes meanwhile, as many as
 * the queue is long; then its neighbours have their turn. It returns the bytes that it has written, or
 * -EPROTO and the rule that was broken.
 */
typedef int64_t virtio_request(struct virtio *v, const struct chain *c, const char **ret_rule);
void virtio_serve(struct virtio *v, unsigned int queue, virtio_request *request);

#endif
