#include "microvm/driver.h"

#include <stdlib.h>
#include <string.h>

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
