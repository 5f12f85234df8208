#include "microvm/fuse_parts.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/uio.h>
#include <unistd.h>

/* Of one request, while which others wait; the guest asks for the rest. */
#define COPY_MAX (16U << 20)

static int file_of(struct fuse_server *f, uint64_t id)
{
	const struct fuse_handle *handle = fuse_handle_find(&f->handles, id, false);

	return handle ? handle->fd : -EBADF;
}

/*
 * Both go between the file and the guest's memory, without a copy. What another of its processors does to the
 * bytes meanwhile is its own loss: nothing is decided by them.
 */
int64_t fuse_do_read(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_read_in *in = r->args;
	struct iovec pieces[QUEUE_SIZE_MAX];
	size_t len = in->size < FUSE_DATA_MAX ? in->size : FUSE_DATA_MAX, count;
	int fd = file_of(f, in->fh);
	ssize_t n;

	if (fd < 0)
		return fd;
	count = chain_slice(r->chain, true, sizeof(struct fuse_out_header), len, pieces);
	n = preadv(fd, pieces, (int)count, (off_t)in->offset);
	return n < 0 ? -errno : n;
}

int64_t fuse_do_write(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_write_in *in = r->args;
	const size_t begin = sizeof(struct fuse_in_header) + sizeof(*in);
	bool lower = in->write_flags & FUSE_WRITE_KILL_SUIDGID;
	struct fuse_write_out *out = r->out;
	struct iovec pieces[QUEUE_SIZE_MAX];
	int fd = file_of(f, in->fh);
	size_t count;
	ssize_t n;

	if (fd < 0)
		return fd;
	if (in->size > FUSE_DATA_MAX || in->size > r->head.len - begin)
		return -EINVAL;
	count = chain_slice(r->chain, false, begin, in->size, pieces);
	if (lower)
		fuse_rights_lower(&f->rights);
	n = pwritev(fd, pieces, (int)count, (off_t)in->offset);
	if (n < 0)
		n = -errno;
	if (lower)
		fuse_rights_raise(&f->rights);
	if (n < 0)
		return n;
	*out = (struct fuse_write_out){ .size = (uint32_t)n };
	return sizeof(*out);
}

static int64_t sync_handle(struct fuse_server *f, struct fuse_request *r, bool folder)
{
	const struct fuse_fsync_in *in = r->args;
	const struct fuse_handle *handle = fuse_handle_find(&f->handles, in->fh, folder);
	int rc;

	if (!handle)
		return -EBADF;
	rc = in->fsync_flags & FUSE_FSYNC_FDATASYNC ? fdatasync(handle->fd) : fsync(handle->fd);
	return rc < 0 ? -errno : 0;
}

int64_t fuse_do_fsync(struct fuse_server *f, struct fuse_request *r)
{
	return sync_handle(f, r, false);
}

int64_t fuse_do_fsyncdir(struct fuse_server *f, struct fuse_request *r)
{
	return sync_handle(f, r, true);
}

int64_t fuse_do_syncfs(struct fuse_server *f, struct fuse_request *r)
{
	CLEAN(fd) int fd = fuse_open_node(f, r->node, O_RDONLY);

	if (fd < 0)
		return fd;
	return syncfs(fd) < 0 ? -errno : 0;
}

int64_t fuse_do_fallocate(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_fallocate_in *in = r->args;
	int fd = file_of(f, in->fh);

	if (fd < 0)
		return fd;
	return fallocate(fd, (int)in->mode, (off_t)in->offset, (off_t)in->length) < 0 ? -errno : 0;
}

int64_t fuse_do_lseek(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_lseek_in *in = r->args;
	struct fuse_lseek_out *out = r->out;
	int fd = file_of(f, in->fh);
	off_t at;

	if (fd < 0)
		return fd;
	if (in->whence != SEEK_DATA && in->whence != SEEK_HOLE)
		return -EINVAL;
	at = lseek(fd, (off_t)in->offset, (int)in->whence);
	if (at < 0)
		return -errno;
	*out = (struct fuse_lseek_out){ .offset = (uint64_t)at };
	return sizeof(*out);
}

int64_t fuse_do_copy(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_copy_file_range_in *in = r->args;
	off_t from_at = (off_t)in->off_in, to_at = (off_t)in->off_out;
	int from = file_of(f, in->fh_in), to = file_of(f, in->fh_out);
	struct fuse_write_out *out = r->out;
	ssize_t n;

	if (from < 0 || to < 0)
		return -EBADF;
	if (in->flags)
		return -EINVAL;
	n = copy_file_range(from, &from_at, to, &to_at, in->len < COPY_MAX ? in->len : COPY_MAX, 0);
	if (n < 0)
		return -errno;
	*out = (struct fuse_write_out){ .size = (uint32_t)n };
	return sizeof(*out);
}
