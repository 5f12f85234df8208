#include "base/str.h"
#include "microvm/fuse_parts.h"

#include <string.h>
#include <sys/syscall.h>

/* What of the host's entries is read at a time: what the guest has no room for is read again. */
#define ENTRIES_BYTES 2048

/* As getdents64(2) has it. */
struct entry {
	uint64_t inode;
	int64_t next; /* the offset behind it */
	uint16_t bytes;
	uint8_t type;
	char name[];
};

/* A reply that grows, entry by entry. */
struct listing {
	struct fuse_server *f;
	const struct fuse_node *folder;
	int fd;
	bool plus;
	char *out;
	size_t len, room;
};

static bool is_dots(const char *name)
{
	return str_eq(name, ".") || str_eq(name, "..");
}

/* False: there is no room for it. */
static bool add(struct listing *l, const struct entry *e)
{
	size_t name_len = strlen(e->name), head = l->plus ? sizeof(struct fuse_entry_out) : 0;
	size_t len = head + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + name_len);
	char *at = l->out + l->len;
	struct fuse_dirent *d = (struct fuse_dirent *)(at + head);

	if (l->room - l->len < len)
		return false;
	memset(at, 0, len);
	/*
	 * One that is gone again is a name only, and so are all when there are many nodes already: the guest looks
	 * for those that it really wants.
	 */
	if (l->plus && !is_dots(e->name) && l->f->nodes.live < l->f->nodes.max / 4 * 3 &&
	    fuse_tell_name(l->f, l->fd, e->name, (struct fuse_entry_out *)at) < 0)
		memset(at, 0, head);
	d->ino = fuse_node_inode(l->folder, e->inode);
	/* What is above the root is nobody's business. */
	if (str_eq(e->name, "..") && l->folder == l->f->nodes.at)
		d->ino = l->folder->key.inode;
	d->off = (uint64_t)e->next;
	d->namelen = (uint32_t)name_len;
	d->type = e->type;
	memcpy(d->name, e->name, name_len);
	l->len += len;
	return true;
}

/* 1: go on; 0: it's full, or the folder is at its end; `*offset` is where the next one is. */
static int add_some(struct listing *l, uint64_t *offset)
{
	_Alignas(8) char entries[ENTRIES_BYTES];
	long n = syscall(SYS_getdents64, l->fd, entries, sizeof(entries));

	if (n < 0)
		return -errno;
	for (long i = 0; i < n;) {
		const struct entry *e = (const struct entry *)(entries + i);

		if (!add(l, e)) {
			*offset = UINT64_MAX; /* the kernel is ahead of the guest */
			return l->len ? 0 : -EINVAL;
		}
		*offset = (uint64_t)e->next;
		i += e->bytes;
	}
	return n > 0;
}

static int64_t list(struct fuse_server *f, struct fuse_request *r, bool plus)
{
	const struct fuse_read_in *in = r->args;
	struct fuse_handle *handle = fuse_handle_find(&f->handles, in->fh, true);
	struct listing l = { .f = f,
			     .folder = r->node,
			     .plus = plus,
			     .out = r->out,
			     .room = in->size < r->room ? in->size : r->room };
	int rc = 1;

	if (!handle)
		return -EBADF;
	l.fd = handle->fd;
	if (in->offset != handle->offset && lseek(l.fd, (off_t)in->offset, SEEK_SET) < 0)
		return -errno;
	handle->offset = in->offset;
	while (rc > 0)
		rc = add_some(&l, &handle->offset);
	/* What is there is the guest's already: it was told of it. */
	if (l.len)
		return (int64_t)l.len;
	handle->offset = UINT64_MAX;
	return rc;
}

int64_t fuse_do_readdir(struct fuse_server *f, struct fuse_request *r)
{
	return list(f, r, false);
}

int64_t fuse_do_readdirplus(struct fuse_server *f, struct fuse_request *r)
{
	return list(f, r, true);
}
