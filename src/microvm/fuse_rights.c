#include "microvm/fuse_parts.h"

#include <sched.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>

/*
 * By system calls alone, for this thread alone: a C library's setuid() and the like are for all threads. Each
 * request of another user costs five of them more; those of the server's own, root in most guests, none.
 */
static struct __user_cap_header_struct self(void)
{
	return (struct __user_cap_header_struct){ .version = _LINUX_CAPABILITY_VERSION_3 };
}

static void set_caps(const struct __user_cap_data_struct caps[2])
{
	struct __user_cap_header_struct head = self();

	/* What is permitted can be in effect. */
	(void)syscall(SYS_capset, &head, caps);
}

static bool has(const struct fuse_rights *r, unsigned int cap)
{
	return r->caps[cap / 32].effective >> cap % 32 & 1;
}

int fuse_rights_take(struct fuse_rights *r)
{
	struct __user_cap_header_struct head = self();

	/* A umask of its own. */
	if (unshare(CLONE_FS) < 0 || syscall(SYS_capget, &head, r->caps) < 0)
		return -errno;
	r->uid = geteuid();
	r->gid = getegid();
	return 0;
}

int fuse_rights_become(struct fuse_rights *r, const struct fuse_in_header *head, uint32_t mask)
{
	umask(mask & 0777);
	if ((head->uid == r->uid && head->gid == r->gid) || !has(r, CAP_SETUID) ||
	    !has(r, CAP_SETGID))
		return 0;
	r->other = true;
	setfsgid(head->gid);
	setfsuid(head->uid);
	/*
	 * Another user than root has no right to go past permissions, and the guest's kernel, which knows its
	 * groups as well, has already checked them.
	 */
	set_caps(r->caps);
	/* They don't say whether they have done it: a user that isn't in the user namespace, for one. */
	if ((uid_t)setfsuid((uid_t)-1) == head->uid && (gid_t)setfsgid((gid_t)-1) == head->gid)
		return 0;
	fuse_rights_back(r);
	return -EOVERFLOW;
}

void fuse_rights_back(struct fuse_rights *r)
{
	if (!r->other)
		return;
	setfsuid(r->uid);
	setfsgid(r->gid);
	set_caps(r->caps);
	r->other = false;
}

void fuse_rights_lower(const struct fuse_rights *r)
{
	struct __user_cap_data_struct caps[2] = { r->caps[0], r->caps[1] };

	caps[CAP_FSETID / 32].effective &= ~(1U << CAP_FSETID % 32);
	if (has(r, CAP_FSETID))
		set_caps(caps);
}

void fuse_rights_raise(const struct fuse_rights *r)
{
	if (has(r, CAP_FSETID))
		set_caps(r->caps);
}
