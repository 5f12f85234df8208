#include "microvm/emulated_devices.h"

#include "microvm/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>

/* Of what else they have the emulator has a queue of its own. */
#define FS_QUEUES 2    /* forgotten files, requests */
#define VSOCK_QUEUES 2 /* both ways */

/* ---- what they are connected to -------------------------------------------------------- */

static int open_share(struct emulated_devices *d, const struct devices_options *opt,
		      struct err *err)
{
	int root;

	if (opt->share_count != 1)
		return err_set(err, EINVAL, "--emulator: goes with one --share");
	root = fcntl(opt->shares[0].root, F_DUPFD_CLOEXEC, 3);
	if (root < 0)
		return err_sys(err, "copy the share's fd");
	return fuse_server_make(root, opt->fds ? opt->fds : "/proc/self/fd",
				opt->shares[0].readonly, share_fds_max(1), &d->server, err);
}

int emulated_devices_open(struct emulated_devices *d, const struct devices_options *opt,
			  struct err *err)
{
	int rc = open_share(d, opt, err);

	if (rc == 0)
		rc = virtio_vsock_open(&d->vsock, &opt->vsock, err);
	if (rc < 0)
		return rc;
	d->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return d->wake < 0 ? err_sys(err, "make an eventfd") : 0;
}

/* ---- the devices ------------------------------------------------------------------------ */

static int thread(struct emulated_link *l, enum jail_thread jail, struct err *err)
{
	int rc = io_make(&l->io, err);

	l->io.jail = jail;
	return rc;
}

static int connect(struct emulated_devices *d, struct emulated_link *l, struct virtio *device,
		   unsigned int queues, int *link, struct err *err)
{
	int rc = virtio_attach(device, &l->io, err);

	if (rc < 0)
		return rc;
	l->device = device;
	virtio_user_init(&l->user, device, queues, &l->io, take_fd(link), d->wake);
	return 0;
}

static int start_files(struct emulated_devices *d, const struct share_options *share, int *link,
		       struct err *err)
{
	struct emulated_link *l = &d->links[EMULATOR_FILES];
	int rc = thread(l, JAIL_SHARE, err);

	l->io.root = share->root;
	if (rc == 0)
		rc = virtio_fs_init(&d->fs, share->tag, take_ptr(d->server), &l->user.memory, err);
	if (rc == 0)
		rc = connect(d, l, &d->fs.virtio, FS_QUEUES, link, err);
	return rc < 0 ? rc : io_start(&l->io, err);
}

static int start_streams(struct emulated_devices *d, int *link, struct err *err)
{
	struct emulated_link *l = &d->links[EMULATOR_STREAMS];
	int rc = thread(l, JAIL_DEVICE, err);

	if (rc == 0)
		rc = virtio_vsock_init(&d->vsock, &l->user.memory, &l->io, err);
	if (rc == 0)
		rc = connect(d, l, &d->vsock.virtio, VSOCK_QUEUES, link, err);
	if (rc == 0)
		rc = virtio_vsock_listen(&d->vsock, err);
	return rc < 0 ? rc : io_start(&l->io, err);
}

int emulated_devices_start(struct emulated_devices *d, const struct devices_options *opt,
			   int links[EMULATOR_LINKS], struct err *err)
{
	int rc = start_files(d, &opt->shares[0], &links[EMULATOR_FILES], err);

	if (rc == 0)
		rc = start_streams(d, &links[EMULATOR_STREAMS], err);
	return rc;
}

int emulated_devices_offence(struct emulated_devices *d, struct err *err)
{
	uint64_t count;

	(void)!read(d->wake, &count, sizeof(count));
	for (size_t i = 0; i < EMULATOR_LINKS; i++) {
		struct virtio *v = d->links[i].device;
		const char *rule;

		if (!v)
			continue;
		pthread_mutex_lock(&v->lock);
		rule = v->offence;
		pthread_mutex_unlock(&v->lock);
		if (rule)
			return err_set(err, EPROTO,
				       "the guest's driver of the device %s has broken a rule: %s",
				       v->ops->name, rule);
	}
	return 0;
}

/* The threads first: nobody uses anything then. */
void emulated_devices_free(struct emulated_devices *d)
{
	for (size_t i = 0; i < EMULATOR_LINKS; i++)
		io_free(&d->links[i].io);
	for (size_t i = 0; i < EMULATOR_LINKS; i++)
		if (d->links[i].device)
			virtio_user_free(&d->links[i].user);
	virtio_fs_free(&d->fs);
	fuse_server_free(d->server);
	virtio_vsock_free(&d->vsock);
	drop_fd(&d->wake);
}
