/* libcgroup started and its errors translated; the folders of pools. */
#include "cgroups/pool_lib.h"

#include <dirent.h>
#include <fcntl.h>
#include <libcgroup.h>
#include <stdarg.h>
#include <string.h>
#include <sys/xattr.h>

/* Its own logger writes to stderr; a library of ours doesn't. */
static void say_nothing(void *data, int level, const char *fmt, va_list ap)
{
	(void)data;
	(void)level;
	(void)fmt;
	(void)ap;
}

static int start_once(struct err *err)
{
	static bool started;
	int r;

	if (started)
		return 0;
	cgroup_set_logger(say_nothing, CGROUP_LOG_ERROR, NULL);
	r = cgroup_init();
	if (r)
		return pool_lib_fail(r, err, "libcgroup: look for the mounted controllers");
	started = true;
	return 0;
}

int pool_lib_start(struct cgroup_host *host, struct err *err)
{
	int r = cgroup_host_find(host, err);

	if (r < 0)
		return r;
	if (host->layout != CGROUP_UNIFIED) {
		CLEAN(free) char *words = cgroup_host_words(host);

		return err_set(err, ENOTSUP,
			       "pools need pure cgroup v2; this host is %s; boot with "
			       "systemd.unified_cgroup_hierarchy=1, or name a group by its path "
			       "(--cgroup-parent /PATH)",
			       words);
	}
	return start_once(err);
}

int pool_lib_fail(int code, struct err *err, const char *fmt, ...)
{
	static const struct {
		int theirs, ours;
	} codes[] = {
		{ ECGROUPNOTMOUNTED, ENODEV },        { ECGROUPNOTEXIST, ENOENT },
		{ ECGROUPSUBSYSNOTMOUNTED, ENOTSUP }, { ECGROUPNOTOWNER, EPERM },
		{ ECGROUPNOTALLOWED, EACCES },        { ECGINVAL, EINVAL },
		{ ECGROUPVALUENOTEXIST, ENOENT },     { ECGNONEMPTY, EBUSY },
	};
	int ours = EIO, saved = cgroup_get_last_errno();
	char text[ERR_TEXT_MAX];
	va_list ap;
	size_t i;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (code == ECGOTHER && saved > 0)
		return err_set(err, saved, "%s: %s", text, strerror(saved));
	for (i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].theirs == code)
			ours = codes[i].ours;
	return err_set(err, ours, "%s: %s", text, cgroup_strerror(code));
}

char *pool_controller_of(const char *key)
{
	size_t len = strcspn(key, ".");

	if (!len || key[len] != '.' || !key[len + 1] || strchr(key, '/'))
		return NULL;
	return xstrndup(key, len);
}

int pool_open(const struct cgroup_host *host, const char *name, struct err *err)
{
	CLEAN(fd) int fd = -1;

	if (host->fd < 0 || !*name || strchr(name, '/') || name[0] == '.')
		return err_set(err, ENOENT, "no pool \"%s\"", name);
	fd = openat(host->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		return err_sys(err, "pool \"%s\"", name);
	if (fd < 0)
		return err_set(err, ENOENT, "no pool \"%s\"; see ctr pool ls", name);
	if (fgetxattr(fd, POOL_MARK, NULL, 0) < 0)
		return err_set(err, ENOENT,
			       "no pool \"%s\": there is a group of that name, but ctr pool create "
			       "didn't make it; name it by its path, /%s",
			       name, name);
	return take_fd(&fd);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int pool_children(int fd, struct strv *ret, struct err *err)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(dir) DIR *dir = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;

	if (!dir) {
		if (own >= 0)
			close(own);
		return err_sys(err, "list the groups");
	}
	while ((e = readdir(dir)))
		if (e->d_type == DT_DIR && !str_eq(e->d_name, ".") && !str_eq(e->d_name, ".."))
			strv_add(ret, e->d_name);
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
	return 0;
}

int controllers_list(struct strv *ret, struct err *err)
{
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;
	struct cgroup_mount_point at;
	void *handle = NULL;
	int r = cgroup_host_find(&host, err);

	if (r == 0 && host.layout == CGROUP_NONE)
		return 0;
	if (r == 0)
		r = start_once(err);
	if (r < 0)
		return r;
	for (r = cgroup_get_controller_begin(&handle, &at); r == 0;
	     r = cgroup_get_controller_next(&handle, &at)) {
		if (str_starts(at.name, "name="))
			continue; /* a hierarchy of systemd's, no controller */
		if (host.mount && str_eq(at.path, host.mount))
			strv_add(ret, at.name);
		else
			strv_printf(ret, "%s (v1 at %s)", at.name, at.path);
	}
	cgroup_get_controller_end(&handle);
	if (r != ECGEOF)
		return pool_lib_fail(r, err, "libcgroup: list the controllers");
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
	return 0;
}
