/* All devices of a machine, on its bus, with the threads that serve them. */
#ifndef CTR_MICROVM_DEVICES_H
#define CTR_MICROVM_DEVICES_H

#include "microvm/io.h"
#include "microvm/pci.h"
#include "microvm/virtio_pci.h"
#include "microvm/virtio_rng.h"
#include "microvm/wires.h"

/* It stays where it is once it's made. All zero is none. */
struct devices {
	struct wires wires;
	struct io io;
	struct virtio_rng rng;
	struct virtio_pci rng_pci;
};

#define DEVICES_NONE          \
	{                     \
		.io = IO_NONE \
	}

/*
 * Plug them into a bus and begin to serve. `vm` is KVM's fd, borrowed, which is to be there as long as they
 * are.
 */
int devices_make(struct devices *d, struct pci *pci, const struct memory *memory, const int *vm,
		 struct err *err) MUST_CHECK;

/* When no processor runs any more. */
void devices_free(struct devices *d);

#endif
