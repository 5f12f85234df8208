#include "microvm/virtio_fs.h"

#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <string.h>

#define QUEUE_SIZE 256

_Static_assert(sizeof(((struct virtio_fs *)0)->config) == sizeof(struct virtio_fs_config),
	       "all of it");

static int64_t request(struct virtio *v, const struct chain *c, const char **ret_rule)
{
	return fuse_serve(((struct virtio_fs *)v)->server, c, ret_rule);
}

/* What the guest forgets comes by a queue before the others; else they are alike. */
static void serve(struct virtio *v, unsigned int queue)
{
	virtio_serve(v, queue, request);
}

static void reset(struct virtio *v)
{
	fuse_server_reset(((struct virtio_fs *)v)->server);
}

static const struct virtio_ops ops = { .name = "fs",
				       .id = VIRTIO_ID_FS,
				       .class = 0x018000,
				       .queues = 2,
				       .queue_max = { QUEUE_SIZE, QUEUE_SIZE },
				       .serve = serve,
				       .reset = reset,
				       .no_snapshot = "what a guest knows of a shared folder "
						      "(--share) can't be carried over" };

int virtio_fs_init(struct virtio_fs *fs, const char *tag, struct fuse_server *server,
		   const struct memory *memory, struct err *err)
{
	int rc = virtio_init(&fs->virtio, &ops, memory, 0, err);

	fs->server = server;
	memcpy(fs->config.tag, tag, strnlen(tag, sizeof(fs->config.tag)));
	fs->config.request_queues = 1;
	fs->virtio.config = &fs->config;
	fs->virtio.config_bytes = sizeof(fs->config);
	return rc;
}

void virtio_fs_free(struct virtio_fs *fs)
{
	fuse_server_free(fs->server);
	fs->server = NULL;
	virtio_free(&fs->virtio);
}
