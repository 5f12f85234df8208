/* Which namespaces are made, which are joined, which stay the host's. */
#include "runtime/plan.h"

#include "runtime/rootless.h"
#include "spec/names.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#ifndef NSFS_MAGIC
#define NSFS_MAGIC 0x6e736673
#endif

/* Open a namespace's file and see that it is one, and of the kind that the key says. */
static int join_open(enum spec_ns kind, const char *path, struct err *err)
{
	CLEAN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct statfs fs;
	int type;

	if (fd < 0)
		return err_sys(err, "linux.namespaces (%s).path: open %s", spec_ns_name(kind),
			       path);
	if (fstatfs(fd, &fs) < 0 || fs.f_type != NSFS_MAGIC)
		return err_set(
			err, EINVAL,
			"linux.namespaces (%s).path: %s is not a namespace; give /proc/PID/ns/%s or a "
			"file that one is bound to",
			spec_ns_name(kind), path, spec_ns_proc(kind));
	type = ioctl(fd, NS_GET_NSTYPE);
	if (type >= 0 && (uint64_t)type != spec_ns_flag(kind))
		return err_set(err, EINVAL,
			       "linux.namespaces (%s).path: %s is a namespace of another kind",
			       spec_ns_name(kind), path);
	return take_fd(&fd);
}

/*
 * The namespace that we are in, given by its path, is the host's all the same: what the container may
 * change in namespaces of its own (sysctls, the hostname) it must not change there.
 */
static bool is_own(enum spec_ns kind, int fd)
{
	char path[64];
	struct stat a, b;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", spec_ns_proc(kind));
	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

static int one_namespace(struct plan *p, enum spec_ns kind, struct err *err)
{
	struct spec_namespace *ns = &p->spec->lin.namespaces[kind];

	if (!ns->wanted)
		return 0;
	if (ns->path) {
		p->join[kind] = join_open(kind, ns->path, err);
		if (p->join[kind] < 0)
			return p->join[kind];
		if (kind != NS_MOUNT && is_own(kind, p->join[kind]))
			close(take_fd(&p->join[kind]));
		return 0;
	}
	if (kind == NS_CGROUP)
		p->new_cgroup_ns = true;
	else if (kind == NS_TIME)
		p->new_time_ns = true;
	else
		p->clone_flags |= spec_ns_flag(kind);
	return 0;
}

/* May we come back into the namespace of this kind that we are in? Asked by going where we are. */
static bool may_return(enum spec_ns kind)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", spec_ns_proc(kind));
	{
		CLEAN(fd) int home = open(path, O_RDONLY | O_CLOEXEC);

		return home < 0 || setns(home, (int)spec_ns_flag(kind)) == 0 || errno != EPERM;
	}
}

/*
 * Who has rights over the host's namespaces enters others for a while. There is no way back from a user
 * namespace, the only way in for an ordinary user, nor for the root of one from what belongs to it.
 */
static bool needs_stone(const struct plan *p)
{
	if (p->join[NS_USER] >= 0 || rootless())
		return p->join[NS_USER] >= 0;
	if (p->new_time_ns && !may_return(NS_TIME))
		return true;
	for (enum spec_ns kind = 0; kind < NS_KINDS; kind++)
		if (p->join[kind] >= 0 && kind != NS_USER && kind != NS_MOUNT && kind != NS_CGROUP)
			return !may_return(kind);
	return false;
}

int plan_namespaces(struct plan *p, struct err *err)
{
	const struct spec_namespace *ns = p->spec->lin.namespaces;

	for (enum spec_ns kind = 0; kind < NS_KINDS; kind++) {
		int rc = one_namespace(p, kind, err);

		if (rc < 0)
			return rc;
	}
	if (!ns[NS_MOUNT].wanted)
		return err_set(
			err, EINVAL,
			"linux.namespaces: no mount namespace; a container on the host's own mounts "
			"could not be given a root of its own: add {\"type\": \"mount\"}");
	if (p->spec->hostname && !(p->clone_flags & CLONE_NEWUTS) && p->join[NS_UTS] < 0)
		return err_set(err, EINVAL,
			       "hostname: the uts namespace of linux.namespaces is the host's own");
	p->by_stone = needs_stone(p);
	p->maps_written = p->clone_flags & CLONE_NEWUSER;
	if (p->maps_written && (!p->spec->lin.uid_maps.count || !p->spec->lin.gid_maps.count))
		return err_set(
			err, EINVAL,
			"linux.uidMappings, linux.gidMappings: a new user namespace needs both");
	/* Process 1 of a joined namespace is there already: ours would not be it. */
	if ((p->small_init || p->boots) && !(p->clone_flags & CLONE_NEWPID))
		return err_set(err, EINVAL,
			       "an init (--init) needs a pid namespace of the container's own");
	if (p->boots && !p->new_cgroup_ns)
		return err_set(
			err, EINVAL,
			"a system (--init=systemd) needs a cgroup namespace of its own, whose "
			"root is the container's group");
	return 0;
}
