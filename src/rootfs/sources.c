/*
 * Everything of the host's tree that the container gets, as detached trees: opened in the host's
 * view and by the one who has the rights for it, read-only, idmapped and so on before anybody can
 * reach them. An ordinary user has no right to that; then the child does the same in its own user
 * namespace, where what the user may see is all there is.
 */
#include "rootfs/sources.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "rootfs/mnt.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

/* The last id map that was asked for: nearly always the next mount wants the same. */
struct idmap_cache {
	const spec_id_maps *uids, *gids;
	int fd;
};

static void idmap_cache_free(struct idmap_cache *c)
{
	clean_fd(&c->fd);
}
CLEAN_DEFINE(idmap_cache, struct idmap_cache, idmap_cache_free)

static bool maps_equal(const spec_id_maps *a, const spec_id_maps *b)
{
	return a->count == b->count &&
	       (!a->count || memcmp(a->items, b->items, a->count * sizeof(a->items[0])) == 0);
}

/* The user namespace fd for these maps (none: the container's own); owned by the cache. */
static int idmap_get(struct idmap_cache *c, const struct rootfs_plan *plan,
		     const spec_id_maps *uids, const spec_id_maps *gids, struct err *err)
{
	if (!uids->count) {
		uids = &plan->uid_maps;
		gids = &plan->gid_maps;
	}
	if (c->fd >= 0 && maps_equal(uids, c->uids) && maps_equal(gids, c->gids))
		return c->fd;
	clean_fd(&c->fd);
	if (!uids->count && plan->userns_path) {
		c->fd = open(plan->userns_path, O_RDONLY | O_CLOEXEC);
		if (c->fd < 0)
			return err_sys(err, "open %s; linux.namespaces (user)", plan->userns_path);
	} else {
		c->fd = mnt_idmap_open(uids, gids, err);
	}
	c->uids = uids;
	c->gids = gids;
	return c->fd;
}

/* What one tree is to become: on all of it, then on its top. */
struct tree_attrs {
	struct mount_attr all, top;
	bool recursive;
	bool has_all, has_top;
};

static bool attr_any(const struct mount_attr *a)
{
	return a->attr_set || a->attr_clr || a->propagation;
}

static void attrs_from_options(const struct mount_options *o, struct tree_attrs *ret)
{
	unsigned long propagation = o->propagation ? o->propagation : MS_PRIVATE;
	bool everywhere = o->propagation_rec || !o->propagation || !o->bind_rec;

	*ret = (struct tree_attrs){ .recursive = o->bind_rec };
	ret->all.attr_set = o->rec_set;
	ret->all.attr_clr = o->rec_clr;
	ret->top.attr_set = o->attr_set;
	ret->top.attr_clr = o->attr_clr;
	/* "rbind,shared": what is below keeps its peers; making it private first would part it. */
	*(everywhere ? &ret->all.propagation : &ret->top.propagation) = propagation;
	if (!o->bind_rec) {
		/* One mount: both are the same, and one call does it. */
		ret->all.attr_set = (o->rec_set & ~o->attr_clr) | o->attr_set;
		ret->all.attr_clr = (o->rec_clr & ~o->attr_set) | o->attr_clr;
		ret->top = (struct mount_attr){ 0 };
	}
	if (o->idmap != IDMAP_NONE)
		(o->bind_rec && o->idmap == IDMAP_TOP ? &ret->top : &ret->all)->attr_set |=
			MOUNT_ATTR_IDMAP;
	ret->has_all = attr_any(&ret->all);
	ret->has_top = attr_any(&ret->top);
}

/* Returns the detached tree or -errno, without words. */
static int tree_make_at(const struct rootfs_plan *plan, int dir, const char *path,
			unsigned int flags, const struct tree_attrs *attrs)
{
	CLEAN(fd) int tree = -1;
	int rc;

	if (attrs->recursive)
		flags |= AT_RECURSIVE;
	tree = mnt_clone(dir, path, flags, attrs->has_all ? &attrs->all : NULL);
	/* In a user namespace, mounts that hide something are locked to what they hide. */
	if (tree == -EINVAL && !attrs->recursive && plan->in_child)
		tree = mnt_clone(dir, path, flags | AT_RECURSIVE,
				 attrs->has_all ? &attrs->all : NULL);
	if (tree < 0)
		return tree;
	if (attrs->has_top) {
		rc = mnt_change(tree, false, &attrs->top);
		if (rc < 0)
			return rc;
	}
	return take_fd(&tree);
}

static int tree_make(const struct rootfs_plan *plan, const char *path, unsigned int flags,
		     const struct tree_attrs *attrs)
{
	return tree_make_at(plan, AT_FDCWD, path, flags, attrs);
}

/* The helper's part: in the other's mount namespace, where `path` is looked up in its root alone. */
static int tree_in_namespace(const struct rootfs_plan *plan, const struct mount_plan *m,
			     const struct tree_attrs *attrs)
{
	CLEAN(free) char *ns = xasprintf("/proc/%d/ns/mnt", (int)m->source_pid);
	CLEAN(fd) int mnt = open(ns, O_RDONLY | O_CLOEXEC);
	CLEAN(fd) int root = -1;
	CLEAN(fd) int at = -1;
	struct err ignored;

	if (mnt < 0 || setns(mnt, CLONE_NEWNS) < 0)
		return -errno;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	at = path_open_in_root(root, m->source, O_PATH, 0, &ignored);
	return at < 0 ? at : tree_make_at(plan, at, "", AT_EMPTY_PATH, attrs);
}

/*
 * What another container has mounted: the kernel clones a mount only for who is in its namespace,
 * and from there it may go anywhere. A helper goes in, for there is no simple way back.
 */
static int tree_of_process(const struct rootfs_plan *plan, const struct mount_plan *m,
			   const struct tree_attrs *attrs)
{
	CLEAN(fd) int ours = -1;
	CLEAN(fd) int theirs = -1;
	CLEAN(fd) int pidfd = -1;
	int pair[2], tree = -1, rc = 0, status;
	size_t count = 1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	pid = process_clone(0, -1, &pidfd);
	if (pid < 0)
		return pid;
	if (pid == 0) {
		tree = tree_in_namespace(plan, m, attrs);
		rc = tree < 0 ? tree : 0;
		_exit(fd_send(theirs, &rc, sizeof(rc), &tree, rc == 0) < 0 ? 1 : 0);
	}
	close(take_fd(&theirs));
	if (fd_recv(ours, &rc, sizeof(rc), &tree, &count) != sizeof(rc))
		rc = -ECHILD;
	(void)!process_wait(pidfd, &status);
	return rc < 0 ? rc : tree;
}

/* True when an ordinary user was refused here and the child is going to do it. */
static bool left_to_child(const struct rootfs_plan *plan, int rc)
{
	return rc == -EPERM && plan->userns && !plan->in_child && geteuid() != 0;
}

static int mount_open(struct rootfs_plan *plan, struct mount_plan *m, struct idmap_cache *cache,
		      struct err *err)
{
	unsigned int flags = m->opt.src_nofollow ? AT_SYMLINK_NOFOLLOW : 0;
	struct tree_attrs attrs;
	int rc;

	attrs_from_options(&m->opt, &attrs);
	if (m->opt.idmap != IDMAP_NONE) {
		rc = idmap_get(cache, plan, &m->uid_maps, &m->gid_maps, err);
		if (rc < 0)
			return err_wrap(err, "%s: idmap: ", m->key);
		attrs.all.userns_fd = attrs.top.userns_fd = (uint64_t)rc;
	}
	m->tree = m->source_pid ? tree_of_process(plan, m, &attrs) :
				  tree_make(plan, m->source, flags, &attrs);
	if (m->tree == -EINVAL && m->opt.idmap != IDMAP_NONE)
		return err_set(
			err, EINVAL,
			"%s: idmap: the filesystem of %s (or one below it) can't show other owners; "
			"use one that can (ext4, xfs, btrfs, ...) or leave idmap out",
			m->key, m->source);
	if (m->tree >= 0 || left_to_child(plan, m->tree) || (m->optional && m->tree == -ENOENT))
		return 0;
	return err_set(err, -m->tree, "%s: take %s from the host: %s", m->key, m->source,
		       strerror(-m->tree));
}

/*
 * A lower layer, or a folder of programs: as the host has it, owned by the container's root where
 * the filesystem can do that.
 */
static int layer_open(struct rootfs_plan *plan, const char *path, uint64_t attrs, bool recursive,
		      struct idmap_cache *cache, int *ret_tree, struct err *err)
{
	struct tree_attrs want = {
		.all = { .attr_set = attrs, .propagation = MS_PRIVATE },
		.has_all = true,
		.recursive = recursive,
	};
	int fd;

	if (plan->userns && !plan->same_ids && geteuid() == 0 && !plan->in_child) {
		fd = idmap_get(cache, plan, &(spec_id_maps){ 0 }, &(spec_id_maps){ 0 }, err);
		if (fd < 0)
			return err_wrap(err, "root.path: idmap: ");
		want.all.attr_set |= MOUNT_ATTR_IDMAP;
		want.all.userns_fd = (uint64_t)fd;
		*ret_tree = tree_make(plan, path, 0, &want);
		if (*ret_tree >= 0)
			return 0;
		want.all.attr_set &= ~(uint64_t)MOUNT_ATTR_IDMAP;
		if (plan->warnings.count == 0)
			strv_take(
				&plan->warnings,
				xasprintf(
					"the filesystem of %s can't show other owners: in this user "
					"namespace its files belong to nobody",
					path));
	}
	*ret_tree = tree_make(plan, path, 0, &want);
	if (*ret_tree >= 0 || left_to_child(plan, *ret_tree))
		return 0;
	return err_set(err, -*ret_tree, "root.path: take %s from the host: %s", path,
		       strerror(-*ret_tree));
}

static int root_open(struct rootfs_plan *plan, struct idmap_cache *cache, struct err *err)
{
	struct tree_attrs plain = {
		.recursive = true,
		.has_all = true,
		.all = { .propagation = plan->propagation == MS_SLAVE ? MS_SLAVE : MS_PRIVATE },
	};
	int rc;

	switch (plan->kind) {
	case ROOT_OVERLAY:
		return layer_open(plan, plan->root_path, 0, false, cache, &plan->root_tree, err);
	case ROOT_HOST:
		for (size_t i = 0; i < plan->host_dirs.count; i++) {
			struct host_dir *d = &plan->host_dirs.items[i];
			CLEAN(free) char *path = xasprintf("/%s", d->name);

			if (d->link || d->tree >= 0)
				continue;
			rc = layer_open(plan, path, plan->readonly ? MOUNT_ATTR_RDONLY : 0, false,
					cache, &d->tree, err);
			if (rc < 0)
				return rc;
		}
		return 0;
	case ROOT_EMPTY:
		return 0;
	case ROOT_PLAIN:
		break;
	}
	plan->root_tree = tree_make(plan, plan->root_path, 0, &plain);
	if (plan->root_tree >= 0 || left_to_child(plan, plan->root_tree))
		return 0;
	return err_set(err, -plan->root_tree, "root.path: take %s: %s", plan->root_path,
		       strerror(-plan->root_tree));
}

int sources_open_missing(struct rootfs_plan *plan, struct err *err)
{
	CLEAN(idmap_cache) struct idmap_cache cache = { .fd = -1 };
	int rc = 0;

	if (plan->root_tree < 0)
		rc = root_open(plan, &cache, err);
	for (size_t i = 0; rc >= 0 && i < plan->mounts.count; i++) {
		struct mount_plan *m = &plan->mounts.items[i];

		if (m->kind == MOUNT_BIND && m->tree < 0)
			rc = mount_open(plan, m, &cache, err);
	}
	return rc < 0 ? rc : 0;
}

int rootfs_sources_open(struct rootfs_plan *plan, struct err *err)
{
	int rc = sources_open_missing(plan, err);

	if (rc < 0)
		rootfs_sources_close(plan);
	return rc;
}

void rootfs_sources_close(struct rootfs_plan *plan)
{
	clean_fd(&plan->root_tree);
	plan->root_tree = -1;
	for (size_t i = 0; i < plan->host_dirs.count; i++) {
		clean_fd(&plan->host_dirs.items[i].tree);
		plan->host_dirs.items[i].tree = -1;
	}
	for (size_t i = 0; i < plan->mounts.count; i++) {
		clean_fd(&plan->mounts.items[i].tree);
		plan->mounts.items[i].tree = -1;
	}
}
