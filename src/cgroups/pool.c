/* Pools made, changed and removed, over libcgroup. */
#include "cgroups/leaf.h"
#include "cgroups/pool_lib.h"

#include "base/file.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libcgroup.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* libcgroup cuts longer values off without a word. */
#define VALUE_MAX 4000

static int check_name(const char *name, struct err *err)
{
	static const char *const systemds[] = { ".slice", ".scope", ".service", ".mount" };
	size_t i, len = strlen(name);

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && (i == 0 || !strchr("_.-", name[i])))
			break;
	if (!len || i < len || len > POOL_NAME_MAX)
		return err_set(
			err, EINVAL,
			"pool \"%s\": a name is up to %d letters, digits, \"_\", \".\" and \"-\", "
			"a letter or digit first",
			name, POOL_NAME_MAX);
	for (i = 0; i < ARRAY_LEN(systemds); i++)
		if (str_ends(name, systemds[i]))
			return err_set(err, EINVAL,
				       "pool \"%s\": names that end in %s are systemd's", name,
				       systemds[i]);
	if (str_eq(name, "ctr") || str_starts(name, "cgroup.") || str_eq(name, "init.scope"))
		return err_set(err, EINVAL,
			       "pool \"%s\": that name is taken: \"ctr\" is where containers "
			       "without a parent are, and \"cgroup.\" is the kernel's",
			       name);
	return 0;
}

/* ---- one limit --------------------------------------------------------------------- */

/* A "KEY=VALUE" taken apart. */
struct limit {
	char *controller, *key, *value;
};

static void limit_free(struct limit *l)
{
	free(l->controller);
	free(l->key);
	free(l->value);
}
CLEAN_DEFINE(limit, struct limit, limit_free)

/* "1.5G" where a file counts bytes; everything else is the kernel's to judge. */
static char *limit_value(const struct limit *l, const char *text)
{
	uint64_t bytes;

	if ((str_eq(l->controller, "memory") || str_eq(l->controller, "hugetlb")) && *text &&
	    str_to_bytes(text, &bytes) == 0)
		return xasprintf("%" PRIu64, bytes);
	return xstrdup(text);
}

static int limit_parse(const char *text, struct limit *ret, struct err *err)
{
	/* Whoever could write these would do more than limit. */
	static const char *const refused[] = { "cgroup.procs",  "cgroup.threads",
					       "cgroup.type",   "cgroup.subtree_control",
					       "cgroup.freeze", "cgroup.kill" };
	const char *equals = strchr(text, '=');
	size_t i;

	ret->key = xstrndup(text, equals ? (size_t)(equals - text) : strlen(text));
	ret->controller = pool_controller_of(ret->key);
	if (!equals || !ret->controller)
		return err_set(err, EINVAL,
			       "limit \"%s\": has to be CONTROLLER.FILE=VALUE, for example "
			       "memory.max=2G or cpu.max=\"50000 100000\"",
			       text);
	for (i = 0; i < ARRAY_LEN(refused); i++)
		if (str_eq(ret->key, refused[i]))
			return err_set(err, EINVAL, "limit \"%s\": %s is no limit", text, ret->key);
	if (strlen(equals + 1) > VALUE_MAX || strchr(equals + 1, '\n'))
		return err_set(err, EINVAL,
			       "limit %s: the value has to be one line of at most %d bytes",
			       ret->key, VALUE_MAX);
	ret->value = limit_value(ret, equals + 1);
	return 0;
}

/* A partition that can't be says so only when it is read back. */
static int check_partition(int fd, const struct limit *l, struct err *err)
{
	char now[256], *reason;

	if (!str_eq(l->key, "cpuset.cpus.partition") ||
	    cgroup_read(fd, l->key, now, sizeof(now)) < 0)
		return 0;
	reason = strstr(now, " invalid");
	return reason ? err_set(err, EINVAL, "limit %s: no partition \"%s\" here:%s", l->key,
				l->value, reason) :
			0;
}

/* One key per call, so that a refusal has a name. fd: the pool's folder. */
static int limit_set(int fd, const char *pool, const struct limit *l, struct err *err)
{
	struct cgroup *group;
	struct cgroup_controller *controller;
	int r;

	/* The kernel takes an empty line to clear a list; libcgroup skips it. */
	if (!*l->value) {
		r = file_poke(fd, l->key, "\n");
		return r < 0 ? err_set(err, -r, "clear %s: %s", l->key, strerror(-r)) : 0;
	}
	if (faccessat(fd, l->key, F_OK, 0) < 0)
		return err_set(
			err, ENOENT,
			"limit %s: pool \"%s\" has no such file; is \"%s\" one of its controllers?",
			l->key, pool, l->controller);
	group = cgroup_new_cgroup(pool);
	controller = group ? cgroup_add_controller(group, l->controller) : NULL;
	if (!controller || cgroup_add_value_string(controller, l->key, l->value)) {
		cgroup_free(&group);
		return err_set(err, EINVAL, "limit %s: libcgroup doesn't take it", l->key);
	}
	r = cgroup_modify_cgroup(group);
	cgroup_free(&group);
	if (r)
		return pool_lib_fail(r, err, "limit %s: the kernel refuses \"%s\"", l->key,
				     l->value);
	return check_partition(fd, l, err);
}

/* A partition is made of the cpus that are set before it, whatever order they were named in. */
static int limits_set(int fd, const char *pool, const struct strv *limits, struct err *err)
{
	size_t i;
	int pass;

	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < limits->count; i++) {
			CLEAN(limit) struct limit l = { 0 };
			int r = limit_parse(limits->items[i], &l, err);

			if (l.value && pass == str_eq(l.key, "cpuset.cpus.partition"))
				r = limit_set(fd, pool, &l, err);
			if (r < 0)
				return err_wrap(err, "pool \"%s\": ", pool);
		}
	}
	return 0;
}

/* ---- create ------------------------------------------------------------------------ */

/* Every limit can be read, and its controller is one of the host's: before anything is made. */
static int limits_check(const struct strv *limits, const struct strv *controllers, struct err *err)
{
	size_t i;

	for (i = 0; i < limits->count; i++) {
		CLEAN(limit) struct limit l = { 0 };
		int r = limit_parse(limits->items[i], &l, err);

		if (r < 0)
			return r;
		if (!str_eq(l.controller, "cgroup") && !strv_has(controllers, l.controller))
			return err_set(err, ENOTSUP,
				       "limit %s: this host's cgroup v2 has no controller \"%s\"",
				       l.key, l.controller);
	}
	return 0;
}

static bool limits_need(const struct strv *limits, const char *controller)
{
	CLEAN(free) char *prefix = xasprintf("%s.", controller);
	size_t i;

	for (i = 0; i < limits->count; i++)
		if (str_starts(limits->items[i], prefix))
			return true;
	return false;
}

/*
 * Give the pool one controller (libcgroup enables it from the root down) and hand it to the members.
 * One that no limit needs may be missing: a realtime process keeps cpu away on some kernels.
 */
static int give_controller(int fd, const char *pool, const char *name, bool needed, struct err *err)
{
	CLEAN(free) char *plus = xasprintf("+%s", name);
	struct cgroup *group = cgroup_new_cgroup(pool);
	int r = group && cgroup_add_controller(group, name) ? cgroup_create_cgroup(group, 1) :
							      ECGFAIL;

	cgroup_free(&group);
	if (r)
		return needed ? pool_lib_fail(r, err, "pool \"%s\": enable the controller %s", pool,
					      name) :
				0;
	r = file_poke(fd, "cgroup.subtree_control", plus);
	if (r < 0 && needed)
		return err_set(err, -r, "pool \"%s\": hand the controller %s to its members: %s",
			       pool, name, strerror(-r));
	return 0;
}

/* mkdir is what decides between two that make the same name at once; libcgroup takes any. */
static int reserve(const struct cgroup_host *host, const char *name, struct err *err)
{
	struct err ignored;
	int fd;

	if (mkdirat(host->fd, name, 0755) < 0) {
		if (errno != EEXIST)
			return err_sys(err, "pool \"%s\": make the group", name);
		fd = pool_open(host, name, &ignored);
		if (fd < 0)
			return err_set(err, EEXIST,
				       "pool \"%s\": a group of that name exists and is no pool",
				       name);
		close(fd);
		return err_set(err, EEXIST, "pool \"%s\" exists already", name);
	}
	fd = openat(host->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fsetxattr(fd, POOL_MARK, "1", 1, 0) == 0)
		return fd;
	err_sys(err, "pool \"%s\": mark the group with %s", name, POOL_MARK);
	if (fd >= 0)
		close(fd);
	unlinkat(host->fd, name, AT_REMOVEDIR);
	return -err->code;
}

static int fill(int fd, const char *name, const struct strv *controllers, const struct strv *limits,
		uid_t uid, gid_t gid, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < controllers->count; i++)
		r = give_controller(fd, name, controllers->items[i],
				    limits_need(limits, controllers->items[i]), err);
	if (r == 0)
		r = limits_set(fd, name, limits, err);
	return r == 0 && (uid || gid) ? cgroup_delegate(fd, uid, gid, err) : r;
}

int pool_create(const char *name, const struct strv *limits, uid_t uid, gid_t gid, struct err *err)
{
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;
	CLEAN(strv) struct strv controllers = { 0 };
	CLEAN(fd) int fd = -1;
	int r = check_name(name, err);

	if (r == 0)
		r = pool_lib_start(&host, err);
	if (r == 0)
		r = cgroup_controllers(&host, "/", &controllers, err);
	if (r == 0)
		r = limits_check(limits, &controllers, err);
	if (r < 0)
		return r;
	fd = reserve(&host, name, err);
	if (fd < 0)
		return fd;
	r = fill(fd, name, &controllers, limits, uid, gid, err);
	if (r < 0)
		unlinkat(host.fd, name, AT_REMOVEDIR);
	return r;
}

/* ---- set, remove ------------------------------------------------------------------- */

int pool_set(const char *name, const struct strv *limits, struct err *err)
{
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;
	CLEAN(strv) struct strv controllers = { 0 };
	CLEAN(fd) int fd = -1;
	int r = pool_lib_start(&host, err);

	if (r < 0)
		return r;
	fd = pool_open(&host, name, err);
	if (fd < 0)
		return fd;
	r = cgroup_controllers(&host, "/", &controllers, err);
	if (r == 0)
		r = limits_check(limits, &controllers, err);
	return r == 0 ? limits_set(fd, name, limits, err) : r;
}

static int fail_in_use(int fd, const char *name, struct err *err)
{
	CLEAN(strv) struct strv members = { 0 };
	CLEAN(str) struct str list = { 0 };
	size_t i;
	int r = pool_children(fd, &members, err);

	if (r < 0)
		return r;
	for (i = 0; i < members.count && i < 16; i++)
		str_printf(&list, " %s", members.items[i]);
	return err_set(err, EBUSY, "pool \"%s\" is in use:%s%s; remove what is in it first", name,
		       list.len ? list.text : " processes are in it",
		       members.count > 16 ? " ..." : "");
}

int pool_remove(const char *name, struct err *err)
{
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;
	CLEAN(strv) struct strv controllers = { 0 };
	CLEAN(fd) int fd = -1;
	struct cgroup *group;
	int r = pool_lib_start(&host, err);

	if (r < 0)
		return r;
	fd = pool_open(&host, name, err);
	if (fd < 0)
		return fd;
	/* libcgroup wants one controller named; on v2 they all mean the same folder. */
	r = cgroup_controllers(&host, "/", &controllers, err);
	if (r < 0)
		return r;
	group = cgroup_new_cgroup(name);
	if (group && controllers.count && cgroup_add_controller(group, controllers.items[0]))
		r = cgroup_delete_cgroup_ext(group, CGFLAG_DELETE_EMPTY_ONLY);
	else
		r = ECGFAIL;
	cgroup_free(&group);
	/* Its code for "not empty" gets lost inside: what counts is whether the folder is there. */
	if (faccessat(host.fd, name, F_OK, 0) < 0 && errno == ENOENT)
		return 0;
	if (r == ECGNONEMPTY || r == 0)
		return fail_in_use(fd, name, err);
	return pool_lib_fail(r, err, "remove the pool \"%s\"", name);
}
