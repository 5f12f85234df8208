/* What the targets share that are a guest's driver: its memory, and the driver's way as far as it keeps to the rules. */
#ifndef TESTS_FUZZ_DEVICE_H
#define TESTS_FUZZ_DEVICE_H

#include "microvm/memory.h"
#include "microvm/virtio.h"

/* A ring for each of a driver's queues: table, avail, used at multiples of 0x100 from there. */
#define FUZZ_RING_GPA(i) (0x10000U + (i)*0x1000U)
#define FUZZ_RING_SIZE 8

/* The smallest there is. As if nobody had ever been there: the same input is to do the same. */
extern struct memory fuzz_memory;
void fuzz_memory_fresh(void);

/* For a device's `interrupt`, and for a machine's ioctl(2): nothing comes of it. */
void fuzz_no_interrupt(void *arg, uint16_t vector, bool config);
int fuzz_no_kvm(void *arg, unsigned long request, void *data);

/* A driver begins: with these of the features that are offered, and so many queues, each with its ring. */
void fuzz_driver(struct virtio *v, uint64_t features, unsigned int queues);

#endif
