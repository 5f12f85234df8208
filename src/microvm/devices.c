#include "microvm/devices.h"

#include "base/str.h"

#include <fcntl.h>
#include <string.h>

static bool wants_vsock(const struct vsock_options *opt)
{
	return opt->path || opt->listen >= 0 || opt->port_count;
}

static int open_shares(struct devices *d, const struct devices_options *opt, struct err *err)
{
	unsigned int fds_max = share_fds_max(opt->share_count);
	int rc = share_check(opt->shares, opt->share_count, err);

	d->shares = xcalloc(opt->share_count, sizeof(*d->shares));
	for (size_t i = 0; rc == 0 && i < opt->share_count; i++) {
		const struct share_options *share = &opt->shares[i];
		int root = fcntl(share->root, F_DUPFD_CLOEXEC, 3);

		d->shares[i] = (struct share_device){ .io = IO_NONE };
		d->shares[i].root = root;
		memcpy(d->shares[i].tag, share->tag, sizeof(share->tag));
		d->share_count++;
		if (root < 0)
			return err_sys(err, "--share %s: copy the folder's fd", share->tag);
		rc = fuse_server_make(root, opt->fds ? opt->fds : "/proc/self/fd", share->readonly,
				      fds_max, &d->shares[i].server, err);
		if (rc < 0)
			return err_wrap(err, "--share %s: ", share->tag);
	}
	return rc;
}

static int open_nets(struct devices *d, const struct devices_options *opt, struct err *err)
{
	d->nets = xcalloc(opt->net_count, sizeof(*d->nets));
	for (size_t i = 0; i < opt->net_count; i++) {
		const struct net_options *o = &opt->nets[i];
		struct net_device *net = &d->nets[i];
		int rc = 0;

		net->io = (struct io)IO_NONE;
		net->net.tap = -1;
		net->tap = fcntl(o->fd, F_DUPFD_CLOEXEC, 3);
		d->net_count++;
		if (net->tap < 0)
			return err_sys(err, "copy a tap's fd");
		net->mtu = net_tap_mtu(net->tap);
		net->rx = o->rx;
		net->tx = o->tx;
		net->burst_ms = o->burst_ms;
		memcpy(net->mac, o->mac, sizeof(net->mac));
		if (!o->has_mac)
			rc = net_random_mac(net->mac, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int devices_open(struct devices *d, const struct devices_options *opt, int wake, struct err *err)
{
	int rc = 0;

	d->jailed = opt->jailed;
	d->has_balloon = opt->has_balloon;
	d->balloon_pages = opt->balloon_bytes / BALLOON_PAGE_BYTES;
	d->balloon_firm = opt->balloon_firm;
	d->has_watchdog = opt->watchdog != WATCHDOG_ABSENT;
	d->watchdog.wake = wake;
	d->disks = xcalloc(opt->disk_count, sizeof(*d->disks));
	for (size_t i = 0; rc == 0 && i < opt->disk_count; i++) {
		d->disks[i] = (struct disk_device){ .disk = DISK_NONE,
						    .rates = opt->disks[i].rates,
						    .burst_ms = opt->disks[i].burst_ms,
						    .block.disk = DISK_NONE,
						    .io = IO_NONE };
		d->disk_count++;
		rc = disk_open(&opt->disks[i], &d->disks[i].disk, err);
	}
	if (rc == 0 && wants_vsock(&opt->vsock)) {
		d->has_vsock = true;
		rc = virtio_vsock_open(&d->vsock, &opt->vsock, err);
	}
	if (rc == 0 && opt->share_count)
		rc = open_shares(d, opt, err);
	return rc == 0 && opt->net_count ? open_nets(d, opt, err) : rc;
}

static int make_io(struct io *ret, enum jail_thread jail, struct err *err)
{
	int rc = io_make(ret, err);

	ret->jail = jail;
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
	if (rc == 0)
		d->plugged[d->plugged_count++] = t;
	return rc;
}

static int start_disk(struct devices *d, struct disk_device *disk, struct pci *pci,
		      const struct memory *memory, struct err *err)
{
	int rc = make_io(&disk->io, JAIL_DEVICE, err);

	if (rc == 0)
		rc = virtio_block_init(&disk->block, &disk->disk, memory, err);
	if (rc == 0)
		rc = plug(d, pci, &disk->block.virtio, &disk->pci, &disk->io, err);
	if (rc == 0)
		rc = virtio_limit(&disk->block.virtio, 0, &disk->rates, disk->burst_ms,
				  VIRTIO_BLOCK_OVERHEAD, &disk->io, err);
	if (rc == 0)
		rc = io_start(&disk->io, err);
	return rc;
}

static int start_vsock(struct devices *d, struct pci *pci, const struct memory *memory,
		       struct err *err)
{
	int rc = make_io(&d->vsock_io, d->vsock.path ? JAIL_CALLER : JAIL_DEVICE, err);

	if (rc == 0)
		rc = virtio_vsock_init(&d->vsock, memory, &d->vsock_io, err);
	if (rc == 0)
		rc = plug(d, pci, &d->vsock.virtio, &d->vsock_pci, &d->vsock_io, err);
	if (rc == 0)
		rc = virtio_vsock_listen(&d->vsock, err);
	return rc < 0 ? rc : io_start(&d->vsock_io, err);
}

/* In the thread of what never waits: nor does who takes what it says. */
static int start_console(struct devices *d, const struct virtio_console_end *end, struct pci *pci,
			 const struct memory *memory, struct err *err)
{
	int rc = virtio_console_init(&d->console, end, memory, err);

	d->has_console = true;
	return rc < 0 ? rc : plug(d, pci, &d->console.virtio, &d->console_pci, &d->io, err);
}

static int start_share(struct devices *d, struct share_device *share, struct pci *pci,
		       const struct memory *memory, struct err *err)
{
	int rc = make_io(&share->io, JAIL_SHARE, err);

	share->io.root = share->root;
	if (rc == 0)
		rc = virtio_fs_init(&share->fs, share->tag, take_ptr(share->server), memory, err);
	if (rc == 0)
		rc = plug(d, pci, &share->fs.virtio, &share->pci, &share->io, err);
	if (rc == 0)
		rc = io_start(&share->io, err);
	return rc;
}

static int start_net(struct devices *d, struct net_device *net, struct pci *pci,
		     const struct memory *memory, struct err *err)
{
	int rc = make_io(&net->io, JAIL_DEVICE, err);

	if (rc == 0)
		rc = virtio_net_init(&net->net, take_fd(&net->tap), net->mac, net->mtu, memory,
				     &net->io, err);
	if (rc == 0)
		rc = plug(d, pci, &net->net.virtio, &net->pci, &net->io, err);
	if (rc == 0)
		rc = virtio_limit(&net->net.virtio, VIRTIO_NET_RX, &net->rx, net->burst_ms,
				  NET_HEADER_BYTES, &net->io, err);
	if (rc == 0)
		rc = virtio_limit(&net->net.virtio, VIRTIO_NET_TX, &net->tx, net->burst_ms,
				  NET_HEADER_BYTES, &net->io, err);
	if (rc == 0)
		rc = virtio_net_listen(&net->net, err);
	return rc < 0 ? rc : io_start(&net->io, err);
}

/* In a thread of its own: pages are given back by the thousand, and random bytes are wanted meanwhile. */
static int start_balloon(struct devices *d, struct pci *pci, const struct memory *memory,
			 struct err *err)
{
	int rc = make_io(&d->balloon_io, JAIL_DEVICE, err);

	if (rc == 0)
		rc = virtio_balloon_init(&d->balloon, d->balloon_pages, d->balloon_firm, memory,
					 err);
	if (rc == 0)
		rc = plug(d, pci, &d->balloon.virtio, &d->balloon_pci, &d->balloon_io, err);
	return rc < 0 ? rc : io_start(&d->balloon_io, err);
}

int devices_start(struct devices *d, struct pci *pci, const struct memory *memory, const int *vm,
		  const struct virtio_console_end *console, struct err *err)
{
	int rc;

	wires_init(&d->wires, vm);
	rc = make_io(&d->io, JAIL_DEVICE, err);
	if (rc == 0)
		rc = virtio_rng_init(&d->rng, memory, err);
	if (rc == 0)
		rc = plug(d, pci, &d->rng.virtio, &d->rng_pci, &d->io, err);
	if (rc == 0 && console)
		rc = start_console(d, console, pci, memory, err);
	if (rc == 0 && d->has_watchdog)
		rc = watchdog_init(&d->watchdog, d->watchdog.wake, &d->io, err);
	if (rc == 0 && d->has_watchdog)
		rc = pci_plug(pci, &d->watchdog.function, err);
	if (rc == 0)
		rc = io_start(&d->io, err);
	for (size_t i = 0; rc == 0 && i < d->disk_count; i++)
		rc = start_disk(d, &d->disks[i], pci, memory, err);
	if (rc == 0 && d->has_vsock)
		rc = start_vsock(d, pci, memory, err);
	for (size_t i = 0; rc == 0 && i < d->share_count; i++)
		rc = start_share(d, &d->shares[i], pci, memory, err);
	for (size_t i = 0; rc == 0 && i < d->net_count; i++)
		rc = start_net(d, &d->nets[i], pci, memory, err);
	if (rc == 0 && d->has_balloon)
		rc = start_balloon(d, pci, memory, err);
	return rc;
}

void devices_hush(struct devices *d)
{
	io_free(&d->io);
}

void devices_free(struct devices *d)
{
	io_free(&d->io);
	virtio_pci_free(&d->rng_pci);
	virtio_free(&d->rng.virtio);
	virtio_pci_free(&d->console_pci);
	virtio_free(&d->console.virtio);
	watchdog_free(&d->watchdog);
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
	for (size_t i = 0; i < d->share_count; i++) {
		struct share_device *share = &d->shares[i];

		io_free(&share->io);
		virtio_pci_free(&share->pci);
		virtio_fs_free(&share->fs);
		fuse_server_free(share->server);
	}
	free(d->shares);
	for (size_t i = 0; i < d->net_count; i++) {
		struct net_device *net = &d->nets[i];

		io_free(&net->io);
		virtio_pci_free(&net->pci);
		virtio_net_free(&net->net);
		clean_fd(&net->tap);
	}
	free(d->nets);
	io_free(&d->balloon_io);
	virtio_pci_free(&d->balloon_pci);
	virtio_free(&d->balloon.virtio);
	*d = (struct devices)DEVICES_NONE;
}
