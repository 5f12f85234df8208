#include "microvm/queue.h"

#include <errno.h>
#include <linux/virtio_pci.h>
#include <string.h>

#define TABLE_ALIGN 16
#define AVAIL_ALIGN 2
#define USED_ALIGN 4

void queue_reset(struct queue *q, uint16_t max)
{
	*q = (struct queue){ .max = max, .size = max, .vector = VIRTIO_MSI_NO_VECTOR };
}

static int offend(struct queue *q, const char *rule)
{
	q->offence = rule;
	return -EPROTO;
}

static void *area(struct queue *q, uint64_t gpa, uint64_t len, uint64_t align)
{
	return gpa % align ? NULL : memory_at(q->memory, gpa, len);
}

int queue_enable(struct queue *q, const struct memory *memory, bool indirect, bool event_idx)
{
	uint64_t size = q->size;

	q->memory = memory;
	if (size == 0 || size > q->max || (size & (size - 1)))
		return offend(q, "a queue's size is a power of two up to the device's");
	/* Behind both rings is the number of the other side's for event indices; used or not. */
	q->table = area(q, q->table_gpa, size * sizeof(struct vring_desc), TABLE_ALIGN);
	q->avail = area(q, q->avail_gpa, sizeof(*q->avail) + size * 2 + 2, AVAIL_ALIGN);
	q->used = area(q, q->used_gpa, sizeof(*q->used) + size * sizeof(struct vring_used_elem) + 2,
		       USED_ALIGN);
	if (!q->table || !q->avail || !q->used)
		return offend(q, "a queue lies in memory, aligned");
	q->indirect = indirect;
	q->event_idx = event_idx;
	q->enabled = true;
	return 0;
}

static uint16_t load(const uint16_t *from)
{
	return __atomic_load_n(from, __ATOMIC_ACQUIRE);
}

static void store(uint16_t *to, uint16_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
}

/* Both sides write their own number and then look at the other's. */
static void fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* One piece into the chain: zero bytes are none. */
static int add_piece(struct queue *q, struct chain *c, const struct vring_desc *d)
{
	bool writable = d->flags & VRING_DESC_F_WRITE;
	uint32_t *total = writable ? &c->writable_bytes : &c->readable_bytes;
	void *at = memory_at(q->memory, d->addr, d->len);

	if (!at)
		return offend(q, "a buffer lies in memory");
	if (!writable && c->count > c->readable)
		return offend(q, "what is read comes before what is written");
	if (d->len > UINT32_MAX - *total)
		return offend(q, "a request has fewer than 4 GiB");
	if (d->len == 0)
		return 0;
	*total += d->len;
	c->pieces[c->count++] = (struct iovec){ .iov_base = at, .iov_len = d->len };
	if (!writable)
		c->readable = c->count;
	return 0;
}

/* What a chain is followed in: the queue's own table, then perhaps one that a descriptor leads to. */
struct table {
	const struct vring_desc *entries;
	uint32_t count;
	bool indirect;
};

static int enter_indirect(struct queue *q, const struct vring_desc *d, struct table *t)
{
	if (!q->indirect)
		return offend(q, "no indirect table without the feature");
	if (t->indirect)
		return offend(q, "no indirect table in an indirect table");
	if (d->flags & VRING_DESC_F_NEXT)
		return offend(q, "nothing follows an indirect table");
	if (d->len == 0 || d->len % sizeof(struct vring_desc))
		return offend(q, "an indirect table has whole descriptors");
	t->entries = memory_at(q->memory, d->addr, d->len);
	if (!t->entries)
		return offend(q, "an indirect table lies in memory");
	t->count = d->len / sizeof(struct vring_desc);
	t->indirect = true;
	return 0;
}

static int follow(struct queue *q, struct chain *c)
{
	struct table t = { .entries = q->table, .count = q->size };
	struct vring_desc d = { .flags = VRING_DESC_F_NEXT, .next = c->head };
	unsigned int pieces = 0;
	int rc = 0;

	while (rc == 0 && (d.flags & VRING_DESC_F_NEXT)) {
		if (d.next >= t.count)
			return offend(q, "a descriptor is in its table");
		if (pieces == q->size)
			return offend(q, "a chain is no longer than its queue");
		guest_copy(&d, (const char *)t.entries + d.next * sizeof(d), sizeof(d));
		if (d.flags & VRING_DESC_F_INDIRECT) {
			rc = enter_indirect(q, &d, &t);
			d = (struct vring_desc){ .flags = VRING_DESC_F_NEXT };
			continue;
		}
		pieces++;
		rc = add_piece(q, c, &d);
	}
	return rc;
}

int queue_pop(struct queue *q, struct chain *ret)
{
	uint16_t waiting;

	if (q->offence)
		return -EPROTO;
	waiting = (uint16_t)(load(&q->avail->idx) - q->next_avail);
	if (waiting == 0)
		return 0;
	if (waiting > q->size)
		return offend(q, "no more requests than the queue has places");
	ret->readable = ret->count = 0;
	ret->readable_bytes = ret->writable_bytes = 0;
	ret->head = load(&q->avail->ring[q->next_avail & (q->size - 1)]);
	q->next_avail++;
	return follow(q, ret) < 0 ? -EPROTO : 1;
}

void queue_unpop(struct queue *q)
{
	q->next_avail--;
}

void queue_push_many(struct queue *q, const struct vring_used_elem *used, size_t count)
{
	for (size_t i = 0; i < count; i++)
		q->used->ring[q->next_used++ & (q->size - 1)] = used[i];
	store(&q->used->idx, q->next_used);
}

void queue_push(struct queue *q, uint16_t head, uint32_t written)
{
	queue_push_many(q, &(struct vring_used_elem){ .id = head, .len = written }, 1);
}

bool queue_must_interrupt(struct queue *q)
{
	uint16_t told = q->told_used, event;

	if (told == q->next_used)
		return false;
	q->told_used = q->next_used;
	fence();
	if (!q->event_idx)
		return !(load(&q->avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
	event = load(&q->avail->ring[q->size]);
	return vring_need_event(event, q->next_used, told);
}

void queue_disarm(struct queue *q)
{
	/* With event indices the old one, which is passed, does it. */
	if (!q->event_idx)
		store(&q->used->flags, VRING_USED_F_NO_NOTIFY);
}

bool queue_arm_behind(struct queue *q, uint16_t there)
{
	uint16_t seen = (uint16_t)(q->next_avail + there);

	if (q->event_idx)
		store((uint16_t *)&q->used->ring[q->size], seen);
	else
		store(&q->used->flags, 0);
	fence();
	return load(&q->avail->idx) != seen;
}

bool queue_arm(struct queue *q)
{
	return queue_arm_behind(q, 0);
}

/* Bytes between a buffer of ours and a part of a chain, either way. */
static size_t copy(const struct chain *c, size_t piece, size_t end, size_t offset, char *bytes,
		   size_t len, bool out)
{
	size_t done = 0;

	for (; piece < end && done < len; piece++) {
		const struct iovec *p = &c->pieces[piece];
		size_t n;

		if (offset >= p->iov_len) {
			offset -= p->iov_len;
			continue;
		}
		n = p->iov_len - offset < len - done ? p->iov_len - offset : len - done;
		if (out)
			memcpy((char *)p->iov_base + offset, bytes + done, n);
		else
			guest_copy(bytes + done, (char *)p->iov_base + offset, n);
		done += n;
		offset = 0;
	}
	return done;
}

size_t chain_read(const struct chain *c, size_t offset, void *to, size_t len)
{
	return copy(c, 0, c->readable, offset, to, len, false);
}

size_t chain_write(const struct chain *c, size_t offset, const void *from, size_t len)
{
	return copy(c, c->readable, c->count, offset, (char *)from, len, true);
}

size_t chain_slice(const struct chain *c, bool writable, size_t offset, size_t len,
		   struct iovec *ret)
{
	size_t end = writable ? c->count : c->readable, count = 0;

	for (size_t i = writable ? c->readable : 0; i < end && len; i++) {
		const struct iovec *p = &c->pieces[i];
		size_t n = p->iov_len;

		if (offset >= n) {
			offset -= n;
			continue;
		}
		n = n - offset < len ? n - offset : len;
		ret[count++] =
			(struct iovec){ .iov_base = (char *)p->iov_base + offset, .iov_len = n };
		len -= n;
		offset = 0;
	}
	return count;
}
