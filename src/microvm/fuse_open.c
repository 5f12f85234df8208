#include "microvm/fuse_parts.h"

#include <fcntl.h>

/* What a guest's open() may ask of ours. O_DIRECT is between it and its own cache. */
#define OPEN_FLAGS (O_ACCMODE | O_APPEND | O_TRUNC | O_SYNC | O_DSYNC)

int fuse_reopen(const struct fuse_server *f, int fd, int flags)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", fd);
	fd = openat(f->proc, name, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * One thread serves all, and must not wait: O_NONBLOCK is for the files of /proc that are read as pipes are, and
 * for those that somebody has a lease on.
 *
 * To open a device, a pipe or a socket of the host is to do something: none ever is. The type is the inode's
 * for good, so what was looked at is what is opened.
 */
int fuse_open_node(const struct fuse_server *f, const struct fuse_node *node, int flags)
{
	int fd;

	if (S_ISREG(node->type))
		return fuse_reopen(f, node->fd, flags | O_NONBLOCK);
	if (!S_ISDIR(node->type))
		return -ENXIO;
	if ((flags & O_ACCMODE) != O_RDONLY)
		return -EISDIR;
	fd = openat(node->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* With the bits of a changed file's mode gone, if the guest wants that. */
static int open_lowered(struct fuse_server *f, const struct fuse_node *node, uint32_t flags,
			uint32_t open_flags)
{
	bool lower = (flags & O_TRUNC) && (open_flags & FUSE_OPEN_KILL_SUIDGID);
	int fd;

	if (S_ISDIR(node->type))
		return -EISDIR;
	if (lower)
		fuse_rights_lower(&f->rights);
	fd = fuse_open_node(f, node, (int)flags & OPEN_FLAGS);
	if (lower)
		fuse_rights_raise(&f->rights);
	return fd;
}

static int opened(struct fuse_server *f, int fd, bool folder, uint64_t node,
		  struct fuse_open_out *out)
{
	uint32_t cache = folder ? FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE : FOPEN_KEEP_CACHE;

	/* What the guest has of a file it throws away where others may have written since. */
	*out = (struct fuse_open_out){ .open_flags = f->readonly ? cache : 0 };
	return fuse_handle_add(&f->handles, fd, folder, node, &out->fh);
}

int64_t fuse_do_open(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_open_in *in = r->args;
	int fd, rc;

	if (f->readonly && ((in->flags & O_ACCMODE) != O_RDONLY || (in->flags & O_TRUNC)))
		return -EROFS;
	fd = open_lowered(f, r->node, in->flags, in->open_flags);
	if (fd < 0)
		return fd;
	rc = opened(f, fd, false, r->head.nodeid, r->out);
	return rc < 0 ? rc : (int64_t)sizeof(struct fuse_open_out);
}

/* The file is open: tell of it, by an fd of the kind that nodes have. Takes it over in any case. */
static int64_t created(struct fuse_server *f, struct fuse_request *r, int fd)
{
	struct fuse_entry_out *entry = r->out;
	struct fuse_open_out *out = (struct fuse_open_out *)(entry + 1);
	int path = fuse_reopen(f, fd, O_PATH), rc;

	if (path < 0) {
		close(fd);
		return path;
	}
	rc = fuse_tell(f, path, entry);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	rc = opened(f, fd, false, entry->nodeid, out);
	if (rc < 0)
		fuse_node_forget(&f->nodes, entry->nodeid, 1);
	return rc < 0 ? rc : (int64_t)(sizeof(*entry) + sizeof(*out));
}

/*
 * There already is such a file, which the guest hadn't seen. Whatever it is that the host has there: only if
 * it turns out to be a regular file, it's opened.
 */
static int64_t open_existing(struct fuse_server *f, struct fuse_request *r,
			     const struct fuse_create_in *in)
{
	struct fuse_entry_out *entry = r->out;
	struct fuse_open_out *out = (struct fuse_open_out *)(entry + 1);
	int fd, rc = fuse_tell_name(f, r->node->fd, r->texts[0], entry);

	if (rc < 0)
		return rc;
	fd = open_lowered(f, fuse_node_find(&f->nodes, entry->nodeid), in->flags, in->open_flags);
	rc = fd < 0 ? fd : opened(f, fd, false, entry->nodeid, out);
	if (rc < 0)
		fuse_node_forget(&f->nodes, entry->nodeid, 1);
	return rc < 0 ? rc : (int64_t)(sizeof(*entry) + sizeof(*out));
}

/* O_EXCL, so that nothing is opened but what was made by that. */
int64_t fuse_do_create(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_create_in *in = r->args;
	int flags = (int)in->flags & OPEN_FLAGS;
	int fd, rc = fuse_rights_become(&f->rights, &r->head, in->umask);

	if (rc < 0)
		return rc;
	fd = openat(r->node->fd, r->texts[0], flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    in->mode & 07777);
	rc = -errno;
	fuse_rights_back(&f->rights);
	if (fd >= 0)
		return created(f, r, fd);
	return rc == -EEXIST && !(in->flags & O_EXCL) ? open_existing(f, r, in) : rc;
}

int64_t fuse_do_tmpfile(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_create_in *in = r->args;
	int flags = ((int)in->flags & OPEN_FLAGS) | O_TMPFILE | O_CLOEXEC;
	int fd, rc = fuse_rights_become(&f->rights, &r->head, in->umask);

	if (rc < 0)
		return rc;
	fd = openat(r->node->fd, ".", flags | ((int)in->flags & O_EXCL), in->mode & 07777);
	rc = -errno;
	fuse_rights_back(&f->rights);
	return fd < 0 ? rc : created(f, r, fd);
}

int64_t fuse_do_release(struct fuse_server *f, struct fuse_request *r)
{
	fuse_handle_close(&f->handles, ((const struct fuse_release_in *)r->args)->fh, false);
	return 0;
}

int64_t fuse_do_opendir(struct fuse_server *f, struct fuse_request *r)
{
	int fd, rc;

	if (!S_ISDIR(r->node->type))
		return -ENOTDIR;
	fd = fuse_open_node(f, r->node, O_RDONLY);
	if (fd < 0)
		return fd;
	rc = opened(f, fd, true, r->head.nodeid, r->out);
	return rc < 0 ? rc : (int64_t)sizeof(struct fuse_open_out);
}

int64_t fuse_do_releasedir(struct fuse_server *f, struct fuse_request *r)
{
	fuse_handle_close(&f->handles, ((const struct fuse_release_in *)r->args)->fh, true);
	return 0;
}
