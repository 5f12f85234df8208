#include "microvm/devices.h"

/* A device that is ready gets its place on the bus, and its queues a thread. */
static int plug(struct devices *d, struct pci *pci, struct virtio *v, struct virtio_pci *t,
		struct io *io, struct err *err)
{
	int rc = virtio_pci_init(t, v, &d->wires, err);

	if (rc == 0)
		rc = virtio_attach(v, io, err);
	if (rc == 0)
		rc = pci_plug(pci, &t->function, err);
	return rc;
}

int devices_make(struct devices *d, struct pci *pci, const struct memory *memory, const int *vm,
		 struct err *err)
{
	int rc;

	wires_init(&d->wires, vm);
	rc = io_make(&d->io, err);
	if (rc == 0)
		rc = virtio_rng_init(&d->rng, memory, err);
	if (rc == 0)
		rc = plug(d, pci, &d->rng.virtio, &d->rng_pci, &d->io, err);
	if (rc == 0)
		rc = io_start(&d->io, err);
	return rc;
}

void devices_free(struct devices *d)
{
	io_free(&d->io);
	virtio_pci_free(&d->rng_pci);
	virtio_free(&d->rng.virtio);
}
