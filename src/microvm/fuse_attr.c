#include "microvm/fuse_parts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

int fuse_look(int fd, struct statx *ret)
{
	return statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		     STATX_BASIC_STATS | STATX_MNT_ID, ret) < 0 ?
		       -errno :
		       0;
}

void fuse_attr_fill(struct fuse_attr *a, const struct fuse_node *node, const struct statx *st)
{
	*a = (struct fuse_attr){
		.ino = fuse_node_inode(node, st->stx_ino),
		.size = st->stx_size,
		.blocks = st->stx_blocks,
		.atime = (uint64_t)st->stx_atime.tv_sec,
		.mtime = (uint64_t)st->stx_mtime.tv_sec,
		.ctime = (uint64_t)st->stx_ctime.tv_sec,
		.atimensec = st->stx_atime.tv_nsec,
		.mtimensec = st->stx_mtime.tv_nsec,
		.ctimensec = st->stx_ctime.tv_nsec,
		.mode = st->stx_mode,
		.nlink = st->stx_nlink,
		.uid = st->stx_uid,
		.gid = st->stx_gid,
		/* The kernel's encoding in 32 bits is the lower half of the C library's. */
		.rdev = (uint32_t)makedev(st->stx_rdev_major, st->stx_rdev_minor),
		.blksize = st->stx_blksize,
	};
}

static int64_t reply(const struct fuse_server *f, struct fuse_request *r)
{
	struct fuse_attr_out *out = r->out;
	struct statx st;
	int rc = fuse_look(r->node->fd, &st);

	if (rc < 0)
		return rc;
	*out = (struct fuse_attr_out){ .attr_valid = f->timeout_s };
	fuse_attr_fill(&out->attr, r->node, &st);
	return sizeof(*out);
}

int64_t fuse_do_getattr(struct fuse_server *f, struct fuse_request *r)
{
	return reply(f, r);
}

static int set_owner(const struct fuse_request *r, const struct fuse_setattr_in *in)
{
	uid_t uid = in->valid & FATTR_UID ? in->uid : (uid_t)-1;
	gid_t gid = in->valid & FATTR_GID ? in->gid : (gid_t)-1;

	return fchownat(r->node->fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ?
		       -errno :
		       0;
}

/* By /proc, for an O_PATH fd has no fchmod() and the call for it is as new as 6.6. Nothing is opened by it. */
static int set_mode(const struct fuse_server *f, const struct fuse_request *r,
		    const struct fuse_setattr_in *in)
{
	char name[16];

	if (S_ISLNK(r->node->type))
		return -EOPNOTSUPP;
	snprintf(name, sizeof(name), "%d", r->node->fd);
	return fchmodat(f->proc, name, in->mode & 07777, 0) < 0 ? -errno : 0;
}

static int set_size(struct fuse_server *f, const struct fuse_request *r,
		    const struct fuse_setattr_in *in)
{
	CLEAN(fd) int own = -1;
	const struct fuse_handle *handle;
	int fd, rc = 0;

	if (!S_ISREG(r->node->type))
		return S_ISDIR(r->node->type) ? -EISDIR : -EINVAL;
	if (in->valid & FATTR_FH) {
		handle = fuse_handle_find(&f->handles, in->fh, false);
		if (!handle)
			return -EBADF;
		fd = handle->fd;
	} else {
		fd = own = fuse_open_node(f, r->node, O_WRONLY);
		if (fd < 0)
			return fd;
	}
	if (in->valid & FATTR_KILL_SUIDGID)
		fuse_rights_lower(&f->rights);
	if (ftruncate(fd, (off_t)in->size) < 0)
		rc = -errno;
	if (in->valid & FATTR_KILL_SUIDGID)
		fuse_rights_raise(&f->rights);
	return rc;
}

static struct timespec time_of(uint32_t valid, uint32_t set, uint32_t now, uint64_t s, uint32_t ns)
{
	if (!(valid & set))
		return (struct timespec){ .tv_nsec = UTIME_OMIT };
	if (valid & now)
		return (struct timespec){ .tv_nsec = UTIME_NOW };
	/* Not one of those two, if it's no number of nanoseconds: let the kernel refuse it. */
	return (struct timespec){ .tv_sec = (time_t)s, .tv_nsec = ns < 1000000000 ? ns : -1L };
}

static int set_times(const struct fuse_request *r, const struct fuse_setattr_in *in)
{
	struct timespec times[2] = {
		time_of(in->valid, FATTR_ATIME, FATTR_ATIME_NOW, in->atime, in->atimensec),
		time_of(in->valid, FATTR_MTIME, FATTR_MTIME_NOW, in->mtime, in->mtimensec)
	};

	return utimensat(r->node->fd, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno :
											    0;
}

/* The owner before the mode, of which a change of owner takes bits away. */
int64_t fuse_do_setattr(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_setattr_in *in = r->args;
	int rc = 0;

	if (in->valid & (FATTR_UID | FATTR_GID))
		rc = set_owner(r, in);
	if (rc == 0 && (in->valid & FATTR_MODE))
		rc = set_mode(f, r, in);
	if (rc == 0 && (in->valid & FATTR_SIZE))
		rc = set_size(f, r, in);
	if (rc == 0 && (in->valid & (FATTR_ATIME | FATTR_MTIME)))
		rc = set_times(r, in);
	return rc < 0 ? rc : reply(f, r);
}

int64_t fuse_do_statfs(struct fuse_server *f, struct fuse_request *r)
{
	struct fuse_statfs_out *out = r->out;
	struct statfs st;

	(void)f;
	if (fstatfs(r->node->fd, &st) < 0)
		return -errno;
	*out = (struct fuse_statfs_out){ .st = { .blocks = st.f_blocks,
						 .bfree = st.f_bfree,
						 .bavail = st.f_bavail,
						 .files = st.f_files,
						 .ffree = st.f_ffree,
						 .bsize = (uint32_t)st.f_bsize,
						 .namelen = (uint32_t)st.f_namelen,
						 .frsize = (uint32_t)st.f_frsize } };
	return sizeof(*out);
}
