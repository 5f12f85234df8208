#include "microvm/virtio_fs.h"

#include <errno.h>
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

/* ---- snapshots: by the thread that serves files, which alone looks for them ---------------- */

struct table {
	const char *bytes;
	size_t len;
};

static int save_here(struct virtio *v, void *arg, struct err *err)
{
	virtio_still(v);
	return fuse_server_save(((struct virtio_fs *)v)->server, arg, err);
}

static int load_here(struct virtio *v, void *arg, struct err *err)
{
	const struct table *t = arg;

	return fuse_server_load(((struct virtio_fs *)v)->server, t->bytes, t->len, err);
}

static int of_share(const struct virtio_fs *fs, int rc, struct err *err)
{
	return rc < 0 ? err_wrap(err, "--share %.*s: ", VIRTIO_FS_TAG_MAX, fs->config.tag) : rc;
}

/* The tag, which the guest has read, then the server's table. */
static int save_more(struct virtio *v, struct str *out, struct err *err)
{
	const struct virtio_fs *fs = (struct virtio_fs *)v;

	str_add_bytes(out, fs->config.tag, sizeof(fs->config.tag));
	return of_share(fs, virtio_do(v, save_here, out, err), err);
}

static int load_more(struct virtio *v, const char *bytes, size_t len, struct err *err)
{
	const struct virtio_fs *fs = (struct virtio_fs *)v;
	const size_t tag = sizeof(fs->config.tag);
	struct table t = { .bytes = bytes + tag, .len = len - tag };

	if (len < tag || memcmp(bytes, fs->config.tag, tag) != 0)
		return of_share(fs,
				err_set(err, EINVAL,
					"the guest's share in this place had another tag: give the "
					"same flags, in the same order, as at first"),
				err);
	return of_share(fs, virtio_do(v, load_here, &t, err), err);
}

static const struct virtio_ops ops = { .name = "fs",
				       .id = VIRTIO_ID_FS,
				       .class = 0x018000,
				       .queues = 2,
				       .queue_max = { QUEUE_SIZE, QUEUE_SIZE },
				       .serve = serve,
				       .reset = reset,
				       .save_more = save_more,
				       .load_more = load_more };

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
