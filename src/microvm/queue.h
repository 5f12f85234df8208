/*
 * A virtqueue, split, from the device's side. VIRTIO 1.2, 2.7. All of it lies in the guest's memory, whose
 * owner is hostile and has other processors: each number there is read once, into memory of ours, and what
 * is decided is decided by the copy.
 */
#ifndef CTR_MICROVM_QUEUE_H
#define CTR_MICROVM_QUEUE_H

#include "base/err.h"
#include "microvm/memory.h"

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define QUEUE_SIZE_MAX 256

struct queue {
	/* What the driver writes, until it has enabled the queue. */
	uint16_t max, size, vector;
	uint64_t table_gpa, avail_gpa, used_gpa;
	bool enabled;
	/* From then on. */
	bool indirect, event_idx;
	const struct memory *memory; /* borrowed */
	const struct vring_desc *table;
	const struct vring_avail *avail;
	struct vring_used *used;
	uint16_t next_avail, next_used, told_used;
	const char *offence; /* the rule that the driver broke; NULL: none so far */
};

/* One request: what the device may read comes before what it may write. All of it is guest's memory. */
struct chain {
	uint16_t head;
	size_t readable, count; /* of the pieces; the others are for writing */
	uint32_t readable_bytes, writable_bytes;
	struct iovec pieces[QUEUE_SIZE_MAX];
};

/* As after a reset. `max`: the largest size, a power of two up to QUEUE_SIZE_MAX. */
void queue_reset(struct queue *q, uint16_t max);

/* Hold what the driver said against the rules and begin. -EPROTO: q->offence is against it. */
int queue_enable(struct queue *q, const struct memory *memory, bool indirect,
		 bool event_idx) MUST_CHECK;

/* Take the next request: 1; 0: there is none. -EPROTO: q->offence, and nothing can be taken any more. */
int queue_pop(struct queue *q, struct chain *ret) MUST_CHECK;

/* Give a request back, `written` bytes into its writable part. */
void queue_push(struct queue *q, uint16_t head, uint32_t written);

/* The same for several at once, which the driver sees all or none of: id and len of each. */
void queue_push_many(struct queue *q, const struct vring_used_elem *used, size_t count);

/* Put the last request that was taken back to where it came from: nobody has room for it. */
void queue_unpop(struct queue *q);

/* Does the driver want an interrupt for what was given back since the last time? */
bool queue_must_interrupt(struct queue *q) MUST_CHECK;

/*
 * Tell the driver that it needn't ring while we take requests anyway; that it must again. queue_arm says
 * whether something came before the driver could know: then it isn't going to ring for that.
 */
void queue_disarm(struct queue *q);
bool queue_arm(struct queue *q) MUST_CHECK;

/* The same, where `there` requests that wait are too few: for the next one behind them. */
bool queue_arm_behind(struct queue *q, uint16_t there) MUST_CHECK;

/* Copy from the guest's memory so that nothing reads there a second time. */
static inline void guest_copy(void *to, const void *from, size_t len)
{
	__builtin_memcpy(to, from, len);
	/* The compiler may not know that the copy is still what it came from. */
	__asm__ volatile("" : : "r"(to) : "memory");
}

/* Up to len bytes of the readable part from `offset` on; their number. */
size_t chain_read(const struct chain *c, size_t offset, void *to, size_t len) MUST_CHECK;

/* The same for the writable part. */
size_t chain_write(const struct chain *c, size_t offset, const void *from, size_t len) MUST_CHECK;

/*
 * The pieces of the readable (or writable) part that len bytes from `offset` on are in: their number. As
 * many places in `ret` as in the chain.
 */
size_t chain_slice(const struct chain *c, bool writable, size_t offset, size_t len,
		   struct iovec *ret) MUST_CHECK;

#endif
