#include "rootfs/plan.h"

#include "base/path.h"
#include "rootfs/host.h"
#include "rootfs/mnt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool plan_ns_wanted(const struct plan_input *in, enum spec_ns ns)
{
	return in->spec->lin.namespaces[ns].wanted;
}

int plan_host_path(const struct plan_input *in, const char *path, char **ret, struct err *err)
{
	if (path[0] == '/') {
		*ret = xstrdup(path);
		return 0;
	}
	if (!in->choices->bundle)
		return err_set(err, EINVAL,
			       "\"%s\" is relative and there is no bundle that it could be in; "
			       "give an absolute path",
			       path);
	*ret = xasprintf("%s/%s", in->choices->bundle, path);
	return 0;
}

void plan_copy_maps(spec_id_maps *to, const spec_id_maps *from)
{
	*to = (spec_id_maps){ 0 };
	if (!from->count)
		return;
	to->items = xcalloc(from->count, sizeof(from->items[0]));
	to->count = from->count;
	memcpy(to->items, from->items, from->count * sizeof(from->items[0]));
}

static int plan_root_path(const struct plan_input *in, struct rootfs_plan *plan, struct err *err)
{
	CLEAN(free) char *path = NULL;
	struct stat st;
	int rc;

	if (!in->spec->root_path || !*in->spec->root_path)
		return err_set(err, EINVAL,
			       "root.path: missing; it says which folder becomes the root");
	rc = plan_host_path(in, in->spec->root_path, &path, err);
	if (rc < 0)
		return err_wrap(err, "root.path: ");
	/* Overlay and the mount table want the folder itself, not a link to it. */
	plan->root_path = realpath(path, NULL);
	if (!plan->root_path)
		return err_sys(err, "root.path: %s", path);
	if (stat(plan->root_path, &st) < 0)
		return err_sys(err, "root.path: %s", path);
	if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
		return err_set(err, ENOTDIR,
			       "root.path: %s is not a folder; as an image it can be the root of a "
			       "container with a kernel of its own (--isolation vm)",
			       path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, "root.path: %s is not a folder", path);
	return 0;
}

static int plan_root(const struct plan_input *in, struct rootfs_plan *plan, struct err *err)
{
	const char *kind = spec_annotation(in->spec, SPEC_ANNOTATION_ROOTFS);

	plan->readonly = in->spec->root_readonly;
	if (kind && str_eq(kind, "host")) {
		plan->kind = ROOT_HOST;
		plan->root_path = xstrdup("/");
		plan->host_network = !plan_ns_wanted(in, NS_NETWORK);
		if (in->spec->hostname)
			plan->hostname = xasprintf("%s\n", in->spec->hostname);
		return host_plan(plan, err);
	}
	if (kind && str_eq(kind, "empty")) {
		plan->kind = ROOT_EMPTY;
		plan->root_path = xstrdup("/");
		return 0;
	}
	if (kind && !str_eq(kind, "overlay"))
		return err_set(err, EINVAL,
			       "annotations.%s: \"%s\" is not known; \"host\", \"overlay\" and "
			       "\"empty\" are",
			       SPEC_ANNOTATION_ROOTFS, kind);
	plan->kind = kind ? ROOT_OVERLAY : ROOT_PLAIN;
	return plan_root_path(in, plan, err);
}

static const struct {
	const char *word;
	unsigned long flag;
	bool recursive;
} propagations[] = {
	{ "private", 0, false },
	{ "rprivate", 0, false },
	{ "slave", MS_SLAVE, false },
	{ "rslave", MS_SLAVE, true },
	{ "shared", MS_SHARED, false },
	{ "rshared", MS_SHARED, true },
	{ "unbindable", MS_UNBINDABLE, false },
	{ "runbindable", MS_UNBINDABLE, true },
};

static int plan_propagation(const struct plan_input *in, struct rootfs_plan *plan, struct err *err)
{
	const char *word = in->spec->lin.rootfs_propagation;

	if (!word || !*word)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(propagations); i++) {
		if (!str_eq(word, propagations[i].word))
			continue;
		plan->propagation = propagations[i].flag;
		plan->propagation_rec = propagations[i].recursive;
		return 0;
	}
	return err_set(err, EINVAL,
		       "linux.rootfsPropagation: \"%s\" is not known; private, slave, shared, "
		       "unbindable, and these with an r in front are",
		       word);
}

static int plan_protected(const char *key, const struct strv *from, struct strv *to,
			  struct err *err)
{
	for (size_t i = 0; i < from->count; i++) {
		const char *path = from->items[i];
		CLEAN(free) char *clean = path_clean(path);

		if (path[0] != '/')
			return err_set(err, EINVAL,
				       "linux.%s[%zu]: \"%s\" must be an absolute path", key, i,
				       path);
		if (str_eq(clean, "/"))
			return err_set(
				err, EINVAL,
				"linux.%s[%zu]: / is the whole root; root.readonly makes it read-only",
				key, i);
		strv_add(to, clean);
	}
	return 0;
}

static bool are_same(const spec_id_maps *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		if (maps->items[i].container_id != maps->items[i].host_id)
			return false;
	return maps->count > 0;
}

static int plan_namespaces(const struct plan_input *in, struct rootfs_plan *plan, struct err *err)
{
	const struct spec_linux *lin = &in->spec->lin;
	const struct spec_namespace *user = &lin->namespaces[NS_USER];

	if (!plan_ns_wanted(in, NS_MOUNT))
		return err_set(err, EINVAL,
			       "linux.namespaces: a mount namespace is needed; without one the "
			       "host's own mounts would be changed");
	if (lin->namespaces[NS_MOUNT].path)
		return err_set(err, ENOTSUP,
			       "linux.namespaces: a mount namespace can't be joined by path (%s): "
			       "the root is made in a new one",
			       lin->namespaces[NS_MOUNT].path);
	plan->userns = user->wanted;
	if (user->wanted && user->path)
		plan->userns_path = xstrdup(user->path);
	plan->same_ids = user->wanted && !user->path && are_same(&lin->uid_maps) &&
			 are_same(&lin->gid_maps);
	/* Such a one has nothing to show otherwise. */
	if (plan->same_ids)
		return 0;
	plan_copy_maps(&plan->uid_maps, &lin->uid_maps);
	plan_copy_maps(&plan->gid_maps, &lin->gid_maps);
	return 0;
}

/* The folder with the container's notify socket is not there yet, and no part of config.json. */
static void plan_notify(const struct rootfs_choices *c, struct rootfs_plan *plan)
{
	struct mount_plan *m = SPEC_ADD(&plan->mounts);

	*m = (struct mount_plan){
		.kind = MOUNT_BIND,
		.key = xasprintf("the notify socket (%s)", c->notify_to),
		.destination = xstrdup(c->notify_to),
		.source = xstrdup(c->notify_from),
		.is_dir = true,
		.opt = { .bind = true,
			 .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				     MOUNT_ATTR_NOEXEC },
		.tree = -1,
		.fd = -1,
	};
}

static int plan_all(const struct plan_input *in, struct rootfs_plan *plan, struct err *err)
{
	const struct spec *spec = in->spec;
	int rc = plan_namespaces(in, plan, err);

	if (rc == 0)
		rc = plan_root(in, plan, err);
	if (rc == 0)
		rc = plan_propagation(in, plan, err);
	if (rc == 0)
		rc = plan_mounts(in, plan, err);
	if (rc == 0 && in->choices->notify_from)
		plan_notify(in->choices, plan);
	if (rc == 0)
		rc = plan_devices(in, plan, err);
	if (rc == 0)
		rc = plan_protected("maskedPaths", &spec->lin.masked_paths, &plan->masked_paths,
				    err);
	if (rc == 0)
		rc = plan_protected("readonlyPaths", &spec->lin.readonly_paths,
				    &plan->readonly_paths, err);
	return rc;
}

int rootfs_plan_make(const struct spec *spec, const struct rootfs_choices *choices,
		     struct rootfs_plan *ret, struct strv *warnings, struct err *err)
{
	const struct plan_input in = { .spec = spec, .choices = choices, .warnings = warnings };
	int rc;

	*ret = (struct rootfs_plan){ .root_tree = -1, .root = -1 };
	ret->staging = xasprintf("%s/rootfs", choices->staging);
	ret->no_pivot = choices->no_pivot;
	ret->terminal = spec->has_process && spec->process.terminal;
	ret->console_uid = spec->process.uid;
	rc = plan_all(&in, ret, err);
	if (rc < 0)
		rootfs_plan_free(ret);
	return rc;
}

static void mount_plan_free(struct mount_plan *m)
{
	free(m->key);
	free(m->destination);
	free(m->type);
	free(m->source);
	mount_options_free(&m->opt);
	free(m->uid_maps.items);
	free(m->gid_maps.items);
	clean_fd(&m->tree);
	clean_fd(&m->fd);
}

void rootfs_plan_free(struct rootfs_plan *plan)
{
	for (size_t i = 0; i < plan->mounts.count; i++)
		mount_plan_free(&plan->mounts.items[i]);
	free(plan->mounts.items);
	for (size_t i = 0; i < plan->devices.count; i++) {
		free(plan->devices.items[i].key);
		free(plan->devices.items[i].path);
	}
	free(plan->devices.items);
	for (size_t i = 0; i < plan->host_dirs.count; i++) {
		free(plan->host_dirs.items[i].link);
		clean_fd(&plan->host_dirs.items[i].tree);
	}
	free(plan->host_dirs.items);
	strv_free(&plan->host_copies);
	free(plan->root_path);
	free(plan->staging);
	free(plan->hostname);
	free(plan->userns_path);
	free(plan->uid_maps.items);
	free(plan->gid_maps.items);
	strv_free(&plan->masked_paths);
	strv_free(&plan->readonly_paths);
	strv_free(&plan->warnings);
	/* A plan that was only zeroed has no fds. */
	if (plan->root_tree > 0)
		clean_fd(&plan->root_tree);
	if (plan->root > 0)
		clean_fd(&plan->root);
	*plan = (struct rootfs_plan){ .root_tree = -1, .root = -1 };
}
