#include "base/str.h"
#include "microvm/fuse_parts.h"

#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/xattr.h>

/*
 * Those that are only kept. What else there is the kernel acts upon (system.posix_acl_access): the guest's kernel
 * isn't told of it, and must not think that it is.
 */
static bool is_served(const char *name)
{
	return strlen(name) <= XATTR_NAME_MAX &&
	       (str_starts(name, "user.") || str_starts(name, "trusted.") ||
		str_starts(name, "security."));
}

/* Attributes need a file that is open, and of the rest none is: those have none. */
static int open_for(const struct fuse_server *f, const struct fuse_request *r)
{
	int fd = fuse_open_node(f, r->node, O_RDONLY);

	return fd == -ENXIO ? -EOPNOTSUPP : fd;
}

int64_t fuse_do_setxattr(struct fuse_server *f, struct fuse_request *r)
{
	/* Without FUSE_SETXATTR_EXT: its beginning only. */
	const struct fuse_setxattr_in *in = r->args;
	CLEAN(fd) int fd = -1;

	if (!is_served(r->texts[0]))
		return -EOPNOTSUPP;
	if (in->size > r->rest_bytes || in->size > XATTR_SIZE_MAX)
		return -EINVAL;
	fd = open_for(f, r);
	if (fd < 0)
		return fd;
	return fsetxattr(fd, r->texts[0], r->rest, in->size, (int)in->flags) < 0 ? -errno : 0;
}

/* How many bytes it is, where that was asked; else those. */
static int64_t answer(struct fuse_request *r, uint32_t asked, ssize_t n)
{
	struct fuse_getxattr_out *out = r->out;

	if (asked)
		return n > (ssize_t)asked || n > (ssize_t)r->room ? -ERANGE : n;
	if (r->room < sizeof(*out))
		return -EINVAL;
	*out = (struct fuse_getxattr_out){ .size = (uint32_t)n };
	return sizeof(*out);
}

int64_t fuse_do_getxattr(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_getxattr_in *in = r->args;
	CLEAN(fd) int fd = -1;
	ssize_t n;

	if (!is_served(r->texts[0]))
		return -EOPNOTSUPP;
	fd = open_for(f, r);
	if (fd < 0)
		return fd == -EOPNOTSUPP ? -ENODATA : fd;
	n = fgetxattr(fd, r->texts[0], r->out, FUSE_SMALL_MAX);
	return n < 0 ? -errno : answer(r, in->size, n);
}

/* Leave out those that can't be had. */
static size_t filter(char *names, size_t len)
{
	size_t kept = 0;

	for (size_t at = 0, n; at < len; at += n) {
		n = strnlen(names + at, len - at) + 1;
		if (at + n > len || !is_served(names + at))
			continue;
		memmove(names + kept, names + at, n);
		kept += n;
	}
	return kept;
}

int64_t fuse_do_listxattr(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_getxattr_in *in = r->args;
	CLEAN(fd) int fd = open_for(f, r);
	ssize_t n = 0;

	if (fd < 0 && fd != -EOPNOTSUPP)
		return fd;
	if (fd >= 0)
		n = flistxattr(fd, r->out, FUSE_SMALL_MAX);
	return n < 0 ? -errno : answer(r, in->size, (ssize_t)filter(r->out, (size_t)n));
}

int64_t fuse_do_removexattr(struct fuse_server *f, struct fuse_request *r)
{
	CLEAN(fd) int fd = -1;

	if (!is_served(r->texts[0]))
		return -EOPNOTSUPP;
	fd = open_for(f, r);
	if (fd < 0)
		return fd;
	return fremovexattr(fd, r->texts[0]) < 0 ? -errno : 0;
}
