/* In which group the container goes, and with which limits. */
#include "runtime/plan.h"
#include "runtime/rename.h"

#include "runtime/rootless.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_CGROUP_PARENT "/ctr"

/* "NAME" below the parent of --cgroup-parent, or linux.cgroupsPath as it is. */
static char *cgroup_path(const struct plan *p)
{
	const char *asked = p->spec->lin.cgroups_path, *parent = p->opt->cgroup_parent;

	if (asked && *asked)
		return xasprintf("%s%s", asked[0] == '/' ? "" : "/", asked);
	parent = parent ? parent : DEFAULT_CGROUP_PARENT;
	return xasprintf("%s%s/%s", parent[0] == '/' ? "" : "/", str_eq(parent, "/") ? "" : parent,
			 p->name);
}

/*
 * The groups above ours that go with it in the end, when they are empty: those that are not there
 * yet, and our own default one, whoever of us made it.
 */
static int levels_missing(const struct plan *p)
{
	CLEAN(free) char *path = xstrdup(p->cgroup);
	int levels = 0;
	char *slash;

	for (slash = strrchr(path, '/'); slash && slash != path; slash = strrchr(path, '/')) {
		*slash = '\0';
		if (!str_eq(path, DEFAULT_CGROUP_PARENT) &&
		    faccessat(p->host.fd, path + 1, F_OK, 0) == 0)
			break;
		levels++;
	}
	return levels;
}

/* ---- where we may ------------------------------------------------------------------ */

/*
 * May we make a group in this one and clone into it? The kernel wants cgroup.procs of the group that
 * ours and the new one have in common to be ours to write: delegation hands both over.
 */
static bool may_make_in(const struct plan *p, const char *group)
{
	CLEAN(free) char *folder = xasprintf(".%s", group);
	CLEAN(free) char *procs = xasprintf(".%s/cgroup.procs", group);

	return faccessat(p->host.fd, folder, W_OK, AT_EACCESS) == 0 &&
	       faccessat(p->host.fd, procs, W_OK, AT_EACCESS) == 0;
}

/* The same for the nearest group above `path` that is there. */
static bool may_make(const struct plan *p, const char *path)
{
	CLEAN(free) char *at = xasprintf(".%s", path);
	char *slash;

	while ((slash = strrchr(at, '/'))) {
		*slash = '\0';
		if (faccessat(p->host.fd, at, F_OK, 0) == 0)
			return may_make_in(p, at + 1);
	}
	return false;
}

/*
 * Of an ordinary user about whose group nothing was said: beside the group that we are in, where
 * controllers can be had, or below it. NULL: neither is delegated to the user.
 */
static char *rootless_path(const struct plan *p, struct err *err)
{
	CLEAN(free) char *own = NULL, *parent = NULL;
	char *slash;

	if (cgroup_host_own(&p->host, &own, err) < 0)
		return NULL;
	parent = xstrdup(own);
	slash = strrchr(parent, '/');
	*slash = '\0';
	if (slash != parent && may_make_in(p, parent))
		return xasprintf("%s/ctr-%s", parent, p->name);
	if (!str_eq(own, "/") && may_make_in(p, own))
		return xasprintf("%s/ctr-%s", own, p->name);
	return NULL;
}

/* No group can be had. That is fine as long as nobody asked for what only a group gives. */
static int without_group(struct plan *p, struct strv *warnings, struct err *err)
{
	for (size_t i = 0; i < p->limits.count; i++)
		if (!p->limits.items[i].defaulted)
			return err_set(
				err, EPERM,
				"linux.resources.%s: no cgroup is ours to limit: run it in one "
				"that is delegated (systemd-run --user --scope -p Delegate=yes "
				"ctr ...), or leave the limit out",
				p->limits.items[i].key);
	if (p->boots)
		return err_set(err, EPERM,
			       "a system (--init=systemd) manages a cgroup of its own, and none is "
			       "ours to give: run it in one that is delegated (systemd-run --user "
			       "--scope -p Delegate=yes ctr ...)");
	if (!rootless())
		strv_printf(warnings,
			    "no group can be made for %s: the container stays in our own cgroup",
			    p->cgroup);
	cgroup_settings_free(&p->limits);
	free(take_ptr(p->cgroup));
	p->devices.allow_all = true;
	return 0;
}

/* ---- all of it --------------------------------------------------------------------- */

static int plan_limits(struct plan *p, struct strv *warnings, struct err *err)
{
	struct spec_resources *res = &p->spec->lin.resources;
	int rc = cgroup_check(&p->host, p->cgroup, &p->limits, warnings, err);

	/* An ordinary user has no right to attach a program, and none to make a device either. */
	p->devices.allow_all = rootless() || p->unit_user || !res->devices.count;
	if (rc == 0 && !p->devices.allow_all) {
		spec_allow_default_devices(res);
		rc = cgroup_devices_make(res->devices.items, res->devices.count, &p->devices, err);
	}
	if (rc == 0 && p->unit.name)
		rc = plan_unit_props(p, err);
	else if (rc == 0)
		p->cgroup_levels = levels_missing(p);
	return rc;
}

/* ---- whose it is ------------------------------------------------------------------- */

/* Is cgroupfs mounted for it to write in, in a namespace of its own? The words are the standard's. */
static bool is_managed_inside(const struct plan *p)
{
	for (size_t i = 0; p->new_cgroup_ns && i < p->spec->mounts.count; i++) {
		const struct spec_mount *m = &p->spec->mounts.items[i];

		if (str_eq(m->source, "cgroup") && str_eq(m->destination, "/sys/fs/cgroup"))
			return !strv_has(&m->options, "ro") && !strv_has(&m->options, "rro");
	}
	return false;
}

/*
 * The host's id of the user that the payload runs as; 0: root, or an id that is mapped by somebody else
 * (a user namespace that is joined) or not at all.
 */
static uid_t owner(const struct plan *p)
{
	const spec_id_maps *maps = &p->spec->lin.uid_maps;
	uint32_t uid = p->process->uid;

	if (p->join[NS_USER] >= 0 || rootless() || !p->cgroup_delegated)
		return 0;
	if (!p->maps_written)
		return uid;
	for (size_t i = 0; i < maps->count; i++)
		if (uid >= maps->items[i].container_id &&
		    uid - maps->items[i].container_id < maps->items[i].size)
			return maps->items[i].host_id + (uid - maps->items[i].container_id);
	return 0;
}

/*
 * What it is held to it could change, as the owner of the files, were it not for the kernel, which
 * forbids that at the root of a namespace where it was told to.
 */
static void warn_of_limits(const struct plan *p, struct strv *warnings)
{
	if (!p->cgroup_delegated || p->cgroup_owner || cgroup_host_guards_namespaces())
		return;
	for (size_t i = 0; i < p->limits.count; i++) {
		if (p->limits.items[i].defaulted)
			continue;
		strv_printf(
			warnings,
			"linux.resources.%s: root in the container can change it, as cgroup2 is "
			"mounted without nsdelegate here (mount -o remount,nsdelegate %s) and it "
			"has no user namespace of its own",
			p->limits.items[i].key, p->host.mount);
		return;
	}
}

static bool asks_for_path(const struct plan *p)
{
	return p->spec->lin.cgroups_path && *p->spec->lin.cgroups_path;
}

/* The one by our name belongs to a container that had it before. */
static void another_path(struct plan *p)
{
	char *path = xasprintf("%s-%.12s", p->cgroup, p->id);

	free(p->cgroup);
	p->cgroup = path;
}

int plan_cgroup(struct plan *p, struct strv *warnings, struct err *err)
{
	bool said = asks_for_path(p) || p->opt->cgroup_parent;
	int rc = cgroup_host_find(&p->host, err);

	if (rc == 0 && p->boots && p->opt->no_cgroup)
		rc = err_set(err, EINVAL,
			     "a system (--init=systemd) needs a cgroup; not with --cgroup-manager "
			     "disabled");
	if (rc < 0 || p->opt->no_cgroup)
		return rc;
	rc = cgroup_settings_make(&p->spec->lin.resources, &p->limits, warnings, err);
	if (rc < 0)
		return rc;
	if (p->opt->systemd) {
		rc = plan_unit(p, err);
		return rc < 0 ? rc : plan_limits(p, warnings, err);
	}
	p->cgroup = rootless() && !said && p->host.fd >= 0 ? rootless_path(p, err) : cgroup_path(p);
	if (p->cgroup)
		rc = cgroup_path_check(p->cgroup, err);
	if (rc < 0)
		return rc;
	if (p->cgroup && !asks_for_path(p) && rename_took(p->root_path, p->cgroup))
		another_path(p);
	p->cgroup_delegated = is_managed_inside(p);
	p->cgroup_owner = owner(p);
	if (p->host.fd >= 0 && (!p->cgroup || !may_make(p, p->cgroup)))
		return without_group(p, warnings, err);
	p->limits.all_controllers = p->cgroup_delegated || p->opt->all_controllers;
	rc = plan_limits(p, warnings, err);
	if (rc == 0)
		warn_of_limits(p, warnings);
	return rc;
}
