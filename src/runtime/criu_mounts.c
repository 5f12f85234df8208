/* Which mounts of a container come from outside, and from where they come when it is restored. */
#include "runtime/criu_terms.h"

#include "base/fd.h"
#include "base/path.h"
#include "rootfs/options.h"
#include "runtime/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* Where a destination of the spec leads in the tree `root`, symlinks followed; its own text where that
 * is not there. The caller's to free. `base` is what the kernel calls the tree itself. */
static char *resolve(int root, const char *base, const char *destination)
{
	CLEAN(fd) int fd = path_open_in_root(root, destination, O_PATH, 0, NULL);
	const char *rest;
	char path[PATH_MAX];
	struct err ignored;

	if (fd < 0 || fd_path(fd, path, sizeof(path), &ignored) < 0 ||
	    !path_below(path, base, &rest) || !*rest)
		return path_clean(destination);
	return xstrdup(rest);
}

static bool is_bind(const struct spec_mount *m)
{
	CLEAN(mount_options) struct mount_options opt = { 0 };
	struct err ignored;

	if (str_eq(m->type, "bind") || str_eq(m->type, "rbind"))
		return true;
	return mount_options_parse(&m->options, &opt, &ignored) == 0 && opt.bind && !opt.remount;
}

/* ---- dump ---------------------------------------------------------------------------- */

/* The mounts of the spec, by where they really are. */
struct wanted {
	struct strv points;
	bool *binds;
};

static void wanted_free(struct wanted *w)
{
	strv_free(&w->points);
	free(w->binds);
}
CLEAN_DEFINE(wanted, struct wanted, wanted_free)

static void wanted_make(const struct spec *spec, int root, struct wanted *ret)
{
	ret->binds = xcalloc(spec->mounts.count + 1, sizeof(*ret->binds));
	for (size_t i = 0; i < spec->mounts.count; i++) {
		strv_take(&ret->points, resolve(root, "/", spec->mounts.items[i].destination));
		ret->binds[i] = is_bind(&spec->mounts.items[i]);
	}
}

/* Does it belong to a bind mount of the spec: is that the nearest of all at or above this place? */
static bool is_bound(const struct wanted *w, const char *point)
{
	size_t longest = 0;
	bool bind = false;

	for (size_t i = 0; i < w->points.count; i++) {
		size_t len = strlen(w->points.items[i]);

		if (len >= longest && path_below(point, w->points.items[i], NULL)) {
			longest = len;
			bind = w->binds[i];
		}
	}
	return bind;
}

/* Filesystems that criu makes anew, with what is in them. */
static bool is_made_anew(const char *type)
{
	static const char *const types[] = { "proc",    "sysfs",  "tmpfs",   "devpts", "mqueue",
					     "cgroup2", "cgroup", "debugfs", "tracefs" };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(type, types[i]))
			return true;
	return false;
}

/* A filesystem of the container's own, or a part of one that it has as a whole (as readonlyPaths are). */
static bool is_own(const struct mount_table *t, const struct wanted *w,
		   const struct mount_line *line)
{
	if (is_made_anew(line->type) && str_eq(line->root, "/"))
		return true;
	for (size_t i = 0; i < t->count; i++) {
		const struct mount_line *whole = &t->lines[i];

		if (whole == line || !str_eq(whole->dev, line->dev) || is_bound(w, whole->point))
			continue;
		if (str_eq(whole->point, "/") ? path_below(line->root, whole->root, NULL) :
						str_eq(whole->root, "/"))
			return true;
	}
	return false;
}

/* A bind of the host's that isn't among mounts: a device, or the /dev/null over a masked file. */
static bool is_device(const struct spec *spec, const struct mount_line *line)
{
	if (strv_has(&spec->lin.masked_paths, line->point))
		return true;
	return path_below(line->point, "/dev", NULL) && !str_eq(line->root, "/");
}

int criu_mounts_dump(const struct spec *spec, pid_t pid, struct strv *points, struct strv *unknown,
		     struct err *err)
{
	CLEAN(mount_table) struct mount_table t = { 0 };
	CLEAN(wanted) struct wanted w = { 0 };
	CLEAN(free) char *process = xasprintf("%d", (int)pid);
	CLEAN(free) char *root_path = xasprintf("/proc/%d/root", (int)pid);
	CLEAN(fd) int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc = root < 0 ? err_sys(err, "open %s", root_path) : mount_table_read(process, &t, err);

	if (rc < 0)
		return rc;
	wanted_make(spec, root, &w);
	for (size_t i = 0; i < t.count; i++) {
		const struct mount_line *line = &t.lines[i];
		bool own = is_own(&t, &w, line);

		if (str_eq(line->point, "/"))
			continue;
		if (is_bound(&w, line->point) || (!own && is_device(spec, line)))
			strv_add(points, line->point);
		else if (!own && !str_starts(line->type, "cgroup"))
			strv_printf(unknown, "%s (%s)", line->point, line->type);
	}
	return 0;
}

/* ---- restore ------------------------------------------------------------------------- */

/*
 * Where a mount comes from: the nearest bind mount of the plan at or above it (a mount below a bound
 * folder is one below its source), /dev/null over a masked file, a device of the host's. The caller's
 * to free; NULL: from nowhere.
 */
static char *source_of(const struct rootfs_plan *r, const struct strv *bound, const char *point)
{
	const char *rest = NULL, *at;
	char *source = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < bound->count; i++) {
		size_t len = strlen(bound->items[i]);

		if (r->mounts.items[i].kind != MOUNT_BIND || len < longest ||
		    !path_below(point, bound->items[i], &at))
			continue;
		longest = len;
		rest = at;
		source = r->mounts.items[i].source;
	}
	if (source)
		return xasprintf("%s%s", source, rest);
	if (strv_has(&r->masked_paths, point))
		return xstrdup("/dev/null");
	for (size_t i = 0; i < r->devices.count; i++)
		if (str_eq(r->devices.items[i].path, point))
			return xstrdup(point);
	return NULL;
}

/* A checkpoint of runc's has no list: it is what is bound by config.json. */
static void points_guess(const struct rootfs_plan *r, const struct strv *bound, struct strv *points)
{
	for (size_t i = 0; i < bound->count; i++)
		if (r->mounts.items[i].kind == MOUNT_BIND)
			strv_add(points, bound->items[i]);
	if (r->masked_paths.count)
		strv_add(points, "/dev/null");
}

int criu_mounts_restore(const struct plan *p, const struct images *images, struct strv *external,
			struct err *err)
{
	const struct rootfs_plan *r = &p->rootfs;
	CLEAN(fd) int root = open(r->root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEAN(strv) struct strv bound = { 0 }, points = { 0 };
	int rc = root < 0 ? err_sys(err, "root.path: open %s", r->root_path) : 0;

	for (size_t i = 0; rc == 0 && i < r->mounts.count; i++)
		strv_take(&bound, resolve(root, r->root_path, r->mounts.items[i].destination));
	if (rc == 0)
		rc = criu_list_read(images, MOUNTS_FILE, &points, err);
	if (rc == -ENOENT) {
		points_guess(r, &bound, &points);
		rc = 0;
	}
	for (size_t i = 0; rc == 0 && i < points.count; i++) {
		CLEAN(free) char *source = source_of(r, &bound, points.items[i]);

		if (!source)
			return err_set(
				err, ENOENT,
				"mounts: something was bound to %s when the checkpoint was made, and "
				"nothing is in this config.json",
				points.items[i]);
		strv_printf(external, "mnt[%s]:%s", points.items[i], source);
	}
	return rc;
}

/* The mount of the plan that this one lies in: what is there is made by criu, or the source's own. */
static bool is_below_another(const struct rootfs_plan *r, const struct mount_plan *m)
{
	for (size_t i = 0; i < r->mounts.count; i++) {
		const struct mount_plan *other = &r->mounts.items[i];
		const char *rest;

		if (path_below(m->destination, other->destination, &rest) && *rest)
			return true;
	}
	return false;
}

int criu_mount_points(const struct plan *p, struct err *err)
{
	const struct rootfs_plan *r = &p->rootfs;
	CLEAN(fd) int root = open(r->root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return err_sys(err, "root.path: open %s", r->root_path);
	for (size_t i = 0; i < r->mounts.count; i++) {
		const struct mount_plan *m = &r->mounts.items[i];
		CLEAN(fd) int fd = -1;

		if ((m->kind != MOUNT_NEW && m->kind != MOUNT_BIND) || is_below_another(r, m))
			continue;
		fd = path_open_in_root(root, m->destination, O_PATH, 0, NULL);
		if (fd < 0)
			fd = path_make_in_root(root, m->destination, m->is_dir, err);
		if (fd < 0)
			return err_wrap(err, "%s: ", m->key);
	}
	return 0;
}
