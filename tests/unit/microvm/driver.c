#include "microvm/driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void driver_init(struct driver *d)
{
	struct err err = { 0 };

	*d = (struct driver){ .memory = MEMORY_NONE };
	if (memory_make(MEMORY_MIN_BYTES, &d->memory, &err) < 0)
		abort();
	d->table = (void *)(d->memory.base + DRIVER_TABLE_GPA);
	d->indirect = (void *)(d->memory.base + DRIVER_INDIRECT_GPA);
	d->avail = (void *)(d->memory.base + DRIVER_AVAIL_GPA);
	d->used = (void *)(d->memory.base + DRIVER_USED_GPA);
}

void driver_free(struct driver *d)
{
	memory_free(&d->memory);
}

void driver_put(struct vring_desc *d, uint64_t gpa, uint32_t len, uint16_t flags, uint16_t next)
{
	*d = (struct vring_desc){ .addr = gpa, .len = len, .flags = flags, .next = next };
}

void driver_offer(struct driver *d, uint16_t head)
{
	d->avail->ring[d->avail->idx % DRIVER_SIZE] = head;
	d->avail->idx++;
}

struct queue driver_queue(const struct driver *d, bool indirect, bool event_idx)
{
	struct queue q;

	queue_reset(&q, DRIVER_SIZE);
	q.table_gpa = DRIVER_TABLE_GPA;
	q.avail_gpa = DRIVER_AVAIL_GPA;
	q.used_gpa = DRIVER_USED_GPA;
	assert_int_equal(queue_enable(&q, &d->memory, indirect, event_idx), 0);
	return q;
}
