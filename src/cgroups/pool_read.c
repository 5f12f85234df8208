/* Pools listed, looked into and found by name. */
#include "cgroups/leaf.h"
#include "cgroups/pool_lib.h"

#include <dirent.h>
#include <fcntl.h>
#include <libcgroup.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define LINE_MAX_BYTES 4096

/* Limits, and what a new group has: only what differs is shown. */
static const struct {
	const char *file, *usual;
} limits[] = {
	{ "cpu.weight", "100" },
	{ "cpu.idle", "0" },
	{ "cpu.max", "max 100000" },
	{ "cpu.max.burst", "0" },
	{ "cpu.uclamp.min", "0.00" },
	{ "cpu.uclamp.max", "max" },
	{ "cpuset.cpus", "" },
	{ "cpuset.cpus.exclusive", "" },
	{ "cpuset.cpus.partition", "member" },
	{ "cpuset.mems", "" },
	{ "memory.min", "0" },
	{ "memory.low", "0" },
	{ "memory.high", "max" },
	{ "memory.max", "max" },
	{ "memory.oom.group", "0" },
	{ "memory.swap.high", "max" },
	{ "memory.swap.max", "max" },
	{ "memory.zswap.max", "max" },
	{ "pids.max", "max" },
	{ "io.weight", "default 100" },
	{ "io.bfq.weight", "default 100" },
	{ "io.max", "" },
	{ "io.latency", "" },
	{ "rdma.max", "" },
	{ "misc.max", "" },
	{ "cgroup.max.depth", "max" },
	{ "cgroup.max.descendants", "max" },
};

/* Files of lines "NAME NUMBER" that libcgroup reads as statistics, and others: one number, or lines
 * whose first word is a name. */
static const char *const stat_controllers[] = { "cpu", "memory" };
static const struct {
	const char *file, *prefix;
	bool named;
} stat_files[] = {
	{ "memory.current", "memory.current", false },
	{ "memory.peak", "memory.peak", false },
	{ "memory.swap.current", "memory.swap.current", false },
	{ "memory.events", "memory.events", true },
	{ "pids.current", "pids.current", false },
	{ "pids.peak", "pids.peak", false },
	{ "pids.events", "pids.events", true },
	{ "io.stat", "io", true },
};

void pool_free(struct pool *p)
{
	free(p->name);
	free(p->path);
	strv_free(&p->limits);
	strv_free(&p->controllers);
	strv_free(&p->members);
	strv_free(&p->stats);
	*p = (struct pool){ 0 };
}

int pool_list(struct strv *ret, struct err *err)
{
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;
	CLEAN(strv) struct strv all = { 0 };
	size_t i;
	int r = pool_lib_start(&host, err);

	if (r < 0)
		return r;
	r = pool_children(host.fd, &all, err);
	for (i = 0; r == 0 && i < all.count; i++) {
		struct err ignored;
		CLEAN(fd) int fd = pool_open(&host, all.items[i], &ignored);

		if (fd >= 0)
			strv_add(ret, all.items[i]);
	}
	return r;
}

/* Every line of a pool's file; one that isn't there has none. */
static void read_lines(const char *pool, const char *file, struct strv *ret)
{
	CLEAN(free) char *controller = pool_controller_of(file);
	CLEAN(free) char *line = xcalloc(1, LINE_MAX_BYTES), *name = xstrdup(file);
	void *handle = NULL;
	int r = cgroup_read_value_begin(controller, pool, name, &handle, line, LINE_MAX_BYTES);

	for (; r == 0; r = cgroup_read_value_next(&handle, line, LINE_MAX_BYTES)) {
		line[strcspn(line, "\n")] = '\0';
		strv_add(ret, line);
	}
	if (handle)
		cgroup_read_value_end(&handle);
}

static void read_limit(int fd, struct pool *p, const char *file, const char *usual)
{
	CLEAN(strv) struct strv lines = { 0 };
	size_t i;

	if (faccessat(fd, file, R_OK, 0) == 0)
		read_lines(p->name, file, &lines);
	for (i = 0; i < lines.count; i++)
		if (!str_eq(lines.items[i], usual))
			strv_printf(&p->limits, "%s=%s", file, lines.items[i]);
}

static void read_limits(int fd, struct pool *p)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(limits); i++)
		read_limit(fd, p, limits[i].file, limits[i].usual);
}

/* One limit per size of huge page that the kernel has: the names are in the folder only. */
static void read_hugetlb(int fd, struct pool *p)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(dir) DIR *dir = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;

	if (!dir && own >= 0)
		close(own);
	while (dir && (e = readdir(dir)))
		if (str_starts(e->d_name, "hugetlb.") && str_ends(e->d_name, ".max"))
			read_limit(fd, p, e->d_name, "max");
}

static void read_stat_file(int fd, struct pool *p, size_t at)
{
	CLEAN(strv) struct strv lines = { 0 };
	size_t i;

	if (faccessat(fd, stat_files[at].file, R_OK, 0) == 0)
		read_lines(p->name, stat_files[at].file, &lines);
	for (i = 0; i < lines.count; i++) {
		char *line = lines.items[i], *space = strchr(line, ' ');

		if (!stat_files[at].named) {
			strv_printf(&p->stats, "%s=%s", stat_files[at].prefix, line);
		} else if (space) {
			*space = '\0';
			strv_printf(&p->stats, "%s.%s=%s", stat_files[at].prefix, line, space + 1);
		}
	}
}

static void read_stats(int fd, struct pool *p)
{
	struct cgroup_stat stat;
	void *handle = NULL;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_LEN(stat_controllers); i++) {
		if (!strv_has(&p->controllers, stat_controllers[i]))
			continue;
		for (r = cgroup_read_stats_begin(stat_controllers[i], p->name, &handle, &stat);
		     r == 0; r = cgroup_read_stats_next(&handle, &stat)) {
			stat.value[strcspn(stat.value, "\n")] = '\0';
			strv_printf(&p->stats, "%s.%s=%s", stat_controllers[i], stat.name,
				    stat.value);
		}
		/* Behind a failed begin there is no handle. */
		if (r == ECGEOF)
			cgroup_read_stats_end(&handle);
	}
	for (i = 0; i < ARRAY_LEN(stat_files); i++)
		read_stat_file(fd, p, i);
}

static int read_members(int fd, struct pool *p, struct err *err)
{
	CLEAN(strv) struct strv names = { 0 };
	CLEAN(free) pid_t *pids = NULL;
	size_t i, count = 0;
	int r = pool_children(fd, &names, err);

	for (i = 0; r == 0 && i < names.count; i++)
		strv_printf(&p->members, "/%s/%s", p->name, names.items[i]);
	if (r == 0)
		r = cgroup_pids(fd, true, &pids, &count, err);
	p->processes = count;
	return r;
}

static int fill(int fd, const char *name, struct pool *p, struct err *err)
{
	char words[512], *word, *save = NULL;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "pool \"%s\"", name);
	p->name = xstrdup(name);
	p->path = xasprintf("/%s", name);
	p->uid = st.st_uid;
	p->gid = st.st_gid;
	r = cgroup_read(fd, "cgroup.subtree_control", words, sizeof(words));
	if (r < 0)
		return err_set(err, -r, "pool \"%s\": read cgroup.subtree_control: %s", name,
			       strerror(-r));
	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		strv_add(&p->controllers, word);
	read_limits(fd, p);
	read_hugetlb(fd, p);
	read_stats(fd, p);
	return read_members(fd, p, err);
}

int pool_inspect(const char *name, struct pool *ret, struct err *err)
{
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;
	CLEAN(fd) int fd = -1;
	int r = pool_lib_start(&host, err);

	if (r < 0)
		return r;
	fd = pool_open(&host, name, err);
	if (fd < 0)
		return fd;
	r = fill(fd, name, ret, err);
	if (r < 0)
		pool_free(ret);
	return r;
}

int pool_resolve(const char *name_or_path, char **ret, struct err *err)
{
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;
	CLEAN(free) char *name = NULL, *path = NULL;
	CLEAN(fd) int fd = -1;
	int r;

	path = xasprintf("%s%s", name_or_path[0] == '/' ? "" : "/", name_or_path);
	r = cgroup_path_check(path, err);
	if (r < 0)
		return r;
	if (name_or_path[0] != '/') {
		name = xstrndup(name_or_path, strcspn(name_or_path, "/"));
		r = cgroup_host_find(&host, err);
		if (r < 0)
			return r;
		fd = pool_open(&host, name, err);
		if (fd < 0)
			return fd;
	}
	*ret = take_ptr(path);
	return 0;
}
