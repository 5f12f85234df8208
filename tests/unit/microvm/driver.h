/* The driver's side of a queue, in a guest's memory: it may write what it likes. */
#ifndef TESTS_UNIT_MICROVM_DRIVER_H
#define TESTS_UNIT_MICROVM_DRIVER_H

#include "microvm/memory.h"
#include "microvm/queue.h"

#include <linux/virtio_ring.h>
#include <stdint.h>

#define DRIVER_SIZE 8
#define DRIVER_TABLE_GPA 0x10000
#define DRIVER_AVAIL_GPA 0x11002
#define DRIVER_USED_GPA 0x12004
#define DRIVER_INDIRECT_GPA 0x13008
#define DRIVER_BUFFER_GPA 0x20000

struct driver {
	struct memory memory;
	struct vring_desc *table, *indirect;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t taken; /* of what was used */
};

/* Memory of the smallest size, with an empty ring of DRIVER_SIZE in it. */
void driver_init(struct driver *d);
void driver_free(struct driver *d);
CLEAN_DEFINE(driver, struct driver, driver_free)

/* The device's side of that ring, enabled. */
struct queue driver_queue(const struct driver *d, bool indirect, bool event_idx);

/* A descriptor; flags as in the ring. */
void driver_put(struct vring_desc *d, uint64_t gpa, uint32_t len, uint16_t flags, uint16_t next);

/* Make the chain that begins at head available. */
void driver_offer(struct driver *d, uint16_t head);

#endif
