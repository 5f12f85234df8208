/* A plan in words. */
#include "rootfs/rootfs.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

static void describe_root(const struct rootfs_plan *plan, struct str *ret)
{
	const char *mode = plan->readonly ? ", read-only" : "";

	switch (plan->kind) {
	case ROOT_HOST:
		str_printf(ret, "root: the host's programs%s:", mode);
		for (size_t i = 0; i < plan->host_dirs.count; i++)
			str_printf(ret, " /%s%s%s", plan->host_dirs.items[i].name,
				   plan->host_dirs.items[i].link ? " -> " : "",
				   plan->host_dirs.items[i].link ? plan->host_dirs.items[i].link :
								   "");
		str_add(ret, plan->readonly ? "\n" : ", below a throw-away upper layer\n");
		break;
	case ROOT_OVERLAY:
		str_printf(ret, "root: %s below a throw-away upper layer%s\n", plan->root_path,
			   mode);
		break;
	case ROOT_EMPTY:
		str_printf(ret, "root: empty%s\n", mode);
		break;
	case ROOT_PLAIN:
		str_printf(ret, "root: %s%s\n", plan->root_path, mode);
		break;
	}
	str_printf(ret, "mount point: %s, then %s\n", plan->staging,
		   plan->no_pivot ? "moved to / and chroot" : "pivot_root");
}

static void describe_mount(const struct mount_plan *m, struct str *ret)
{
	switch (m->kind) {
	case MOUNT_NEW:
		str_printf(ret, "mount: %s: %s", m->destination, m->type);
		if (m->opt.data)
			str_printf(ret, " (%s)", m->opt.data);
		if (m->late_readonly)
			str_add(ret, ", read-only in the end");
		break;
	case MOUNT_BIND:
		str_printf(ret, "mount: %s: the host's %s%s%s", m->destination, m->source,
			   m->opt.bind_rec ? " and all below" : "",
			   m->opt.idmap != IDMAP_NONE ? ", idmapped" : "");
		break;
	case MOUNT_REMOUNT:
		str_printf(ret, "mount: %s: other flags", m->destination);
		break;
	case MOUNT_SYMLINK:
		str_printf(ret, "symlink: %s -> %s", m->destination, m->source);
		break;
	}
	str_printf(ret, "; %s\n", m->key);
}

static void describe_list(const char *what, const struct strv *list, struct str *ret)
{
	if (!list->count)
		return;
	str_add(ret, what);
	for (size_t i = 0; i < list->count; i++)
		str_printf(ret, " %s", list->items[i]);
	str_add(ret, "\n");
}

void rootfs_plan_describe(const struct rootfs_plan *plan, struct str *ret)
{
	describe_root(plan, ret);
	for (size_t i = 0; i < plan->mounts.count; i++)
		describe_mount(&plan->mounts.items[i], ret);
	for (size_t i = 0; plan->make_dev && i < plan->devices.count; i++) {
		const struct device_plan *d = &plan->devices.items[i];

		str_printf(ret, "device: %s: %s %u:%u, mode %o%s\n", d->path,
			   S_ISBLK(d->mode)  ? "block" :
			   S_ISFIFO(d->mode) ? "pipe" :
					       "character",
			   major(d->rdev), minor(d->rdev), d->mode & 07777,
			   plan->userns && !S_ISFIFO(d->mode) ? ", bound from the host" : "");
	}
	if (plan->terminal)
		str_add(ret, "terminal: from the container's own devpts, on /dev/console\n");
	describe_list("read-only paths:", &plan->readonly_paths, ret);
	describe_list("masked paths:", &plan->masked_paths, ret);
}
