/*
 * What stands in the way of a checkpoint or restore, said before anything is tried. criu itself finds
 * most of it only when all processes stand still, and says it in words of its own trade.
 */
#include "runtime/criu_terms.h"

#include "base/fd.h"
#include "runtime/criu_look.h"
#include "runtime/vm_checkpoint.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a look has to go by. */
struct checking {
	const struct checkpoint_options *opt;
	struct container *c;
	struct spec spec;
	struct strv *ret;
};

static void note(struct strv *ret, const struct err *err)
{
	strv_add(ret, err->text);
}

/* ---- this machine -------------------------------------------------------------------- */

static void look_features(const struct checkpoint_options *opt, const char *criu, struct strv *ret)
{
	const struct criu_call call = { .program = criu, .job = CRIU_FEATURES, .cgroup = -1 };
	struct criu_answer has = { 0 };
	struct err err = { 0 };

	if (!opt->pre_dump && !opt->lazy_pages && !opt->parent_path)
		return;
	if (criu_run(&call, &has, &err) < 0) {
		note(ret, &err);
		return;
	}
	if ((opt->pre_dump || opt->parent_path) && !has.mem_track)
		strv_add(ret,
			 "this kernel does not track changed pages (soft-dirty), which --pre-dump "
			 "and --parent-path need");
	if (opt->lazy_pages && !has.lazy_pages)
		strv_add(ret,
			 "this kernel has no userfaultfd that criu could use, which --lazy-pages "
			 "needs");
}

static void look_criu(const struct checkpoint_options *opt, struct strv *ret)
{
	CLEAN(free) char *criu = NULL;
	struct err err = { 0 };

	if (criu_ready(opt, &criu, &err) < 0) {
		note(ret, &err);
		return;
	}
	if (criu_check(criu, &err) < 0)
		note(ret, &err);
	else
		look_features(opt, criu, ret);
}

/* criu runs it by PATH to hold back packets while no process is there to take them. */
static void look_iptables(struct strv *ret)
{
	static const char *const names[] = { "iptables-restore", "ip6tables-restore" };
	static const char *const folders[] = { "/usr/sbin", "/usr/bin",        "/sbin",
					       "/bin",      "/usr/local/sbin", "/usr/local/bin" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		bool found = false;

		for (size_t j = 0; j < ARRAY_LEN(folders) && !found; j++) {
			CLEAN(free) char *path = xasprintf("%s/%s", folders[j], names[i]);

			found = access(path, X_OK) == 0;
		}
		if (found)
			continue;
		strv_printf(ret,
			    "%s is not there, by which criu holds back the network: install the "
			    "package iptables",
			    names[i]);
		return;
	}
}

/* ---- the container ------------------------------------------------------------------- */

int criu_rootfs_check(const struct spec *spec, struct err *err)
{
	const char *rootfs = spec_annotation(spec, SPEC_ANNOTATION_ROOTFS);

	if (!rootfs)
		return 0;
	return err_set(
		err, ENOTSUP,
		"annotations." SPEC_ANNOTATION_ROOTFS
		": what was written above the root (%s) is in a throw-away layer that goes with "
		"the processes; only a container on a root that stays (--rootfs or --bundle "
		"without --overlay) can be restored",
		rootfs);
}

static void look_spec(const struct checking *k)
{
	CLEAN(criu_options) struct criu_options scratch = CRIU_OPTIONS_INIT;
	const struct images nowhere = IMAGES_INIT;
	struct err err = { 0 };

	if (criu_rootfs_check(&k->spec, &err) < 0)
		note(k->ret, &err);
	if (criu_namespaces_dump(&k->spec, k->c->state.pid, &scratch, &err) < 0)
		note(k->ret, &err);
	if (criu_terms(k->opt, &nowhere, &k->spec, "", &scratch, &err) < 0)
		note(k->ret, &err);
	if (k->spec.lin.seccomp.listener_path)
		strv_add(k->ret, "linux.seccomp.listenerPath: a filter with a listener can't be "
				 "checkpointed");
	if (k->spec.lin.intel_rdt.set)
		strv_add(k->ret, "linux.intelRdt: not supported");
}

static int look_mounts(const struct checking *k, struct err *err)
{
	CLEAN(strv) struct strv external = { 0 }, unknown = { 0 };
	int rc = criu_mounts_dump(&k->spec, k->c->state.pid, &external, &unknown, err);

	for (size_t i = 0; i < unknown.count; i++)
		strv_printf(k->ret,
			    "the mount %s is neither in config.json nor one that criu can make "
			    "again: unmount it",
			    unknown.items[i]);
	return rc;
}

static void look_parent(const struct checking *k)
{
	const char *image = k->opt->image_path ? k->opt->image_path : CHECKPOINT_FOLDER;
	CLEAN(free) char *path = NULL;
	struct stat st;

	if (!k->opt->parent_path)
		return;
	path = xasprintf("%s/%s", image, k->opt->parent_path);
	if (k->opt->parent_path[0] == '/')
		strv_printf(k->ret, "--parent-path %s: it must be relative to --image-path",
			    k->opt->parent_path);
	/* The image folder may be made yet: then the way up from it leads from where it will be. */
	else if (access(image, F_OK) == 0 && (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)))
		strv_printf(k->ret, "--parent-path %s: there is no such folder", path);
}

static int look_running(struct checking *k, struct err *err)
{
	CLEAN(strv) struct strv keys = { 0 }, external = { 0 };
	int rc = container_spec(k->c, &k->spec, err);

	if (rc == 0)
		look_spec(k);
	if (rc == 0 && k->spec.lin.namespaces[NS_NETWORK].wanted)
		look_iptables(k->ret);
	if (rc == 0)
		rc = look_mounts(k, err);
	if (rc == 0)
		rc = criu_streams_look(k->c->state.pid, &keys, &external, err);
	return rc < 0 ? rc : criu_look(k->c, k->opt, &external, k->ret, err);
}

/* criu has no part in it, nor has what only criu can't do. */
static int look_vm(struct checking *k, struct err *err)
{
	struct err why = { 0 };
	int rc = container_spec(k->c, &k->spec, err);

	if (rc == 0 && vm_checkpoint_check(&k->spec, k->c->state.bundle, false, k->opt, &why) < 0)
		note(k->ret, &why);
	return rc;
}

int container_checkpoint_check(struct container *c, const struct checkpoint_options *opt,
			       struct strv *ret, struct err *err)
{
	struct checking k = { .opt = opt, .c = c, .ret = ret };
	int rc = 0;

	if (!c->state.vm) {
		look_criu(opt, ret);
		look_parent(&k);
	}
	if (c->state.status == STATUS_RUNNING || c->state.status == STATUS_PAUSED)
		rc = c->state.vm ? look_vm(&k, err) : look_running(&k, err);
	else
		strv_printf(ret,
			    "container \"%s\" is %s, and only one that runs can be checkpointed",
			    c->state.name, status_name(c->state.status));
	spec_free(&k.spec);
	/* Who may not do it often may not look either: that has been said then. */
	return rc < 0 && ret->count ? 0 : rc;
}

/* ---- restore ------------------------------------------------------------------------- */

static void look_name(int root, const char *name, struct strv *ret)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	struct err ignored;

	if (container_open(root, name, &c, &ignored) < 0 || !str_eq(c.state.name, name))
		return;
	if (c.state.status != STATUS_STOPPED ||
	    faccessat(c.dir, STATE_CHECKPOINT_MARK, F_OK, 0) < 0)
		strv_printf(ret,
			    "container \"%s\" is there already (%s): choose another name or "
			    "remove it",
			    name, status_name(c.state.status));
}

int container_restore_check(int root, struct spec *spec, const struct create_options *opt,
			    const struct checkpoint_options *how, struct strv *ret, struct err *err)
{
	/* The work folder would be made, and a look makes nothing. */
	const struct checkpoint_options where = { .image_path = how->image_path };
	CLEAN(images) struct images images = IMAGES_INIT;
	CLEAN(plan) struct plan p = PLAN_INIT;
	CLEAN(strv) struct strv ignored = { 0 };
	struct err why = { 0 };
	char path[PATH_MAX];
	bool vm = spec_wants_vm(spec);
	int rc = fd_path(root, path, sizeof(path), err);

	if (rc < 0)
		return rc;
	if (!vm)
		look_criu(how, ret);
	look_name(root, opt->name, ret);
	if (images_open(&where, false, &images, &why) < 0 ||
	    (vm ? vm_image_check(&images, &why) : criu_image_check(&images, &why)) < 0)
		note(ret, &why);
	if ((vm ? vm_checkpoint_check(spec, opt->bundle, opt->copy, how, &why) :
		  criu_rootfs_check(spec, &why)) < 0)
		note(ret, &why);
	if (!vm && spec->lin.namespaces[NS_NETWORK].wanted)
		look_iptables(ret);
	if (plan_make(path, spec, opt, &p, &ignored, &why) < 0)
		note(ret, &why);
	return 0;
}
