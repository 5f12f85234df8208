#include "base/str.h"
#include "microvm/fuse_parts.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define RENAME_FLAGS 7U /* NOREPLACE, EXCHANGE, WHITEOUT */

/* With one part and no symlink followed there is no way out of a folder: the kernel needs no more telling. */
bool fuse_is_name(const char *text)
{
	return *text && strlen(text) <= NAME_MAX && !strchr(text, '/') && !str_eq(text, ".") &&
	       !str_eq(text, "..");
}

static void fill(const struct fuse_server *f, const struct fuse_node *node, const struct statx *st,
		 struct fuse_entry_out *ret)
{
	*ret = (struct fuse_entry_out){ .nodeid = fuse_node_id(&f->nodes, node),
					.entry_valid = f->timeout_s,
					.attr_valid = f->timeout_s };
	fuse_attr_fill(&ret->attr, node, st);
}

int fuse_tell(struct fuse_server *f, int fd, struct fuse_entry_out *ret)
{
	struct fuse_node *node;
	struct statx st;
	int rc = fuse_look(fd, &st);

	if (rc < 0) {
		close(fd);
		return rc;
	}
	rc = fuse_node_meet(&f->nodes, fd, &st, &node);
	if (rc == 0)
		fill(f, node, &st, ret);
	return rc;
}

int fuse_open_name(int folder, const char *name)
{
	int fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int fuse_tell_name(struct fuse_server *f, int folder, const char *name, struct fuse_entry_out *ret)
{
	int fd = fuse_open_name(folder, name);

	return fd < 0 ? fd : fuse_tell(f, fd, ret);
}

int64_t fuse_do_lookup(struct fuse_server *f, struct fuse_request *r)
{
	struct fuse_entry_out *out = r->out;
	int rc = fuse_tell_name(f, r->node->fd, r->texts[0], out);

	/* Who only reads may also believe for a while that there is nothing. */
	if (rc == -ENOENT && f->readonly) {
		*out = (struct fuse_entry_out){ .entry_valid = f->timeout_s };
		rc = 0;
	}
	return rc < 0 ? rc : (int64_t)sizeof(*out);
}

int64_t fuse_do_forget(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_forget_in *in = r->args;

	fuse_node_forget(&f->nodes, r->head.nodeid, in->nlookup);
	return 0;
}

int64_t fuse_do_batch_forget(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_batch_forget_in *in = r->args;
	struct fuse_forget_one one;

	for (size_t i = 0; i < in->count && i < r->rest_bytes / sizeof(one); i++) {
		memcpy(&one, r->rest + i * sizeof(one), sizeof(one));
		fuse_node_forget(&f->nodes, one.nodeid, one.nlookup);
	}
	return 0;
}

int64_t fuse_do_readlink(struct fuse_server *f, struct fuse_request *r)
{
	size_t room = r->room < PATH_MAX ? r->room : PATH_MAX;
	ssize_t n;

	(void)f;
	if (!S_ISLNK(r->node->type))
		return -EINVAL;
	n = room ? readlinkat(r->node->fd, "", r->out, room) : 0;
	return n < 0 ? -errno : n;
}

/*
 * What was just made, by its name: should somebody on the host have put something else there meanwhile, then
 * that is what the guest sees there now.
 */
static int64_t made(struct fuse_server *f, struct fuse_request *r, int rc)
{
	rc = rc < 0 ? -errno : 0;
	fuse_rights_back(&f->rights);
	if (rc == 0)
		rc = fuse_tell_name(f, r->node->fd, r->texts[0], r->out);
	return rc < 0 ? rc : (int64_t)sizeof(struct fuse_entry_out);
}

int64_t fuse_do_symlink(struct fuse_server *f, struct fuse_request *r)
{
	int rc = fuse_rights_become(&f->rights, &r->head, 0);

	return rc < 0 ? rc : made(f, r, symlinkat(r->texts[1], r->node->fd, r->texts[0]));
}

int64_t fuse_do_mknod(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_mknod_in *in = r->args;
	int rc = fuse_rights_become(&f->rights, &r->head, in->umask);

	return rc < 0 ? rc : made(f, r, mknodat(r->node->fd, r->texts[0], in->mode, in->rdev));
}

int64_t fuse_do_mkdir(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_mkdir_in *in = r->args;
	int rc = fuse_rights_become(&f->rights, &r->head, in->umask);

	return rc < 0 ? rc : made(f, r, mkdirat(r->node->fd, r->texts[0], in->mode & 07777));
}

int64_t fuse_do_unlink(struct fuse_server *f, struct fuse_request *r)
{
	(void)f;
	return unlinkat(r->node->fd, r->texts[0], 0) < 0 ? -errno : 0;
}

int64_t fuse_do_rmdir(struct fuse_server *f, struct fuse_request *r)
{
	(void)f;
	return unlinkat(r->node->fd, r->texts[0], AT_REMOVEDIR) < 0 ? -errno : 0;
}

static int64_t do_rename(struct fuse_server *f, struct fuse_request *r, uint64_t to, uint32_t flags)
{
	const struct fuse_node *folder = fuse_node_find(&f->nodes, to);

	if (!folder)
		return -ENOENT;
	if (flags & ~RENAME_FLAGS)
		return -EINVAL;
	return renameat2(r->node->fd, r->texts[0], folder->fd, r->texts[1], flags) < 0 ? -errno : 0;
}

int64_t fuse_do_rename(struct fuse_server *f, struct fuse_request *r)
{
	return do_rename(f, r, ((const struct fuse_rename_in *)r->args)->newdir, 0);
}

int64_t fuse_do_rename2(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_rename2_in *in = r->args;

	return do_rename(f, r, in->newdir, in->flags);
}

int64_t fuse_do_link(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_link_in *in = r->args;
	struct fuse_node *node = fuse_node_find(&f->nodes, in->oldnodeid);
	struct statx st;
	char name[16];
	int rc;

	if (!node)
		return -ENOENT;
	/* Of an fd, not of a name that may have become another's: by /proc, for want of a right otherwise. */
	snprintf(name, sizeof(name), "%d", node->fd);
	if (linkat(f->proc, name, r->node->fd, r->texts[0], AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	rc = fuse_look(node->fd, &st);
	if (rc < 0)
		return rc;
	node->lookups++;
	fill(f, node, &st, r->out);
	return sizeof(struct fuse_entry_out);
}
