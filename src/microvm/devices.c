#include "microvm/devices.h"

#include "base/str.h"

static bool wants_vsock(const struct vsock_options *opt)
{
	return opt->path || opt->listen >= 0 || opt->port_count;
}

int devices_open(struct devices *d, const struct devices_options *opt, struct err *err)
{
	int rc = 0;

	d->disks = xcalloc(opt->disk_count, sizeof(*d->disks));
	for (size_t i = 0; rc == 0 && i < opt->disk_count; i++) {
		d->disks[i] = (struct disk_device){ .disk = DISK_NONE,
						    .block.disk = DISK_NONE,
						    .io = IO_NONE };
		d->disk_count++;
		rc = disk_open(&opt->disks[i], &d->disks[i].disk, err);
	}
	if (rc == 0 && wants_vsock(&opt->vsock)) {
		d->has_vsock = true;
		rc = virtio_vsock_open(&d->vsock, &opt->vsock, err);
	}
	return rc;
}

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

static int start_disk(struct devices *d, struct disk_device *disk, struct pci *pci,
		      const struct memory *memory, struct err *err)
{
	int rc = io_make(&disk->io, err);

	if (rc == 0)
		rc = virtio_block_init(&disk->block, &disk->disk, memory, err);
	if (rc == 0)
		rc = plug(d, pci, &disk->block.virtio, &disk->pci, &disk->io, err);
	if (rc == 0)
		rc = io_start(&disk->io, err);
	return rc;
}

static int start_vsock(struct devices *d, struct pci *pci, const struct memory *memory,
		       struct err *err)
{
	int rc = io_make(&d->vsock_io, err);

	if (rc == 0)
		rc = virtio_vsock_init(&d->vsock, memory, &d->vsock_io, err);
	if (rc == 0)
		rc = plug(d, pci, &d->vsock.virtio, &d->vsock_pci, &d->vsock_io, err);
	if (rc == 0)
		rc = virtio_vsock_listen(&d->vsock, err);
	return rc < 0 ? rc : io_start(&d->vsock_io, err);
}

int devices_start(struct devices *d, struct pci *pci, const struct memory *memory, const int *vm,
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
	for (size_t i = 0; rc == 0 && i < d->disk_count; i++)
		rc = start_disk(d, &d->disks[i], pci, memory, err);
	if (rc == 0 && d->has_vsock)
		rc = start_vsock(d, pci, memory, err);
	return rc;
}

void devices_free(struct devices *d)
{
	io_free(&d->io);
	virtio_pci_free(&d->rng_pci);
	virtio_free(&d->rng.virtio);
	for (size_t i = 0; i < d->disk_count; i++) {
		struct disk_device *disk = &d->disks[i];

		io_free(&disk->io);
		virtio_pci_free(&disk->pci);
		virtio_block_free(&disk->block);
		disk_close(&disk->disk);
	}
	free(d->disks);
	io_free(&d->vsock_io);
	virtio_pci_free(&d->vsock_pci);
	virtio_vsock_free(&d->vsock);
	*d = (struct devices)DEVICES_NONE;
}
