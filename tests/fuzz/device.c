#include "device.h"

#include "fuzz.h"

#include <linux/virtio_config.h>
#include <sys/mman.h>

struct memory fuzz_memory = MEMORY_NONE;

void fuzz_memory_fresh(void)
{
	struct err err = { 0 };

	if (!fuzz_memory.base && memory_make(MEMORY_MIN_BYTES, &fuzz_memory, &err) < 0)
		fuzz_broken("%s", err.text);
	if (madvise(fuzz_memory.base, fuzz_memory.size, MADV_DONTNEED) < 0)
		fuzz_broken("forget what was");
}

void fuzz_no_interrupt(void *arg, uint16_t vector, bool config)
{
	(void)arg, (void)vector, (void)config;
}

int fuzz_no_kvm(void *arg, unsigned long request, void *data)
{
	(void)arg, (void)request, (void)data;
	return 0;
}

void fuzz_driver(struct virtio *v, uint64_t features, unsigned int queues)
{
	virtio_set_status(v, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	virtio_accept(v, (features | 1ULL << VIRTIO_F_VERSION_1) & v->offered);
	virtio_set_status(v, VIRTIO_CONFIG_S_FEATURES_OK);
	for (unsigned int i = 0; i < queues; i++) {
		struct queue *q = &v->queues[i].ring;

		q->size = FUZZ_RING_SIZE;
		q->table_gpa = FUZZ_RING_GPA(i);
		q->avail_gpa = FUZZ_RING_GPA(i) + 0x100;
		q->used_gpa = FUZZ_RING_GPA(i) + 0x200;
		virtio_enable(v, i);
	}
	virtio_set_status(v, VIRTIO_CONFIG_S_DRIVER_OK);
}
