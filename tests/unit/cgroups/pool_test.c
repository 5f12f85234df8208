/*
 * Pools are made with limits and an owner, seen, changed and removed; bad ones leave nothing. On a
 * hybrid host all that can be shown is that they are refused with words: the rest is in the list
 * only where cgroup v2 has the controllers (tests/integration/vm-cgroups-units.bats).
 */
#include "util.h"

#include "base/process.h"
#include "cgroups/leaf.h"
#include "cgroups/pool.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct err err;

static int begin(void **state)
{
	(void)state;
	err = (struct err){ 0 };
	return 0;
}

/* "memory.max=1G;cpu.max=50000 100000" */
static int create(const char *name, const char *limits, uid_t uid, gid_t gid)
{
	CLEAN(strv) struct strv list = { 0 };

	if (*limits)
		strv_split(&list, limits, ';');
	return pool_create(name, &list, uid, gid, &err);
}

static int set(const char *name, const char *limits)
{
	CLEAN(strv) struct strv list = { 0 };

	strv_split(&list, limits, ';');
	return pool_set(name, &list, &err);
}

static bool exists(const char *name)
{
	return faccessat(util_host.fd, name, F_OK, 0) == 0;
}

static void read_file(const char *path, char *ret, size_t room)
{
	CLEAN(free) char *at = xasprintf("./%s", path);

	assert_true(cgroup_read(util_host.fd, at, ret, room) >= 0);
}

/* ---- everywhere ---------------------------------------------------------------------- */

static void test_bad_names_are_refused(void **state)
{
	static const char *const bad[] = { "",         "a/b",     "/a",        "..",
					   ".x",       "-x",      "a b",       "ctr",
					   "cgroup.x", "x.slice", "a.service", "caf\xc3\xa9" };
	CLEAN(free) char *longest = xcalloc(1, POOL_NAME_MAX + 2);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++)
		assert_fails(create(bad[i], "", 0, 0), &err, EINVAL, "pool \"");
	memset(longest, 'x', POOL_NAME_MAX + 1);
	assert_fails(create(longest, "", 0, 0), &err, EINVAL, "a name is up to 64 letters, digits");
}

static void test_parent_by_path_or_by_name(void **state)
{
	CLEAN(free) char *path = NULL;

	(void)state;
	assert_works(pool_resolve("/some/where", &path, &err), &err);
	assert_string_equal(path, "/some/where");
	assert_fails(pool_resolve("no-such-pool", &path, &err), &err, ENOENT,
		     "no pool \"no-such-pool\"");
	assert_fails(pool_resolve("/a/../b", &path, &err), &err, EINVAL, "cgroup path");
	assert_fails(pool_resolve("", &path, &err), &err, EINVAL, "cgroup path");
}

static void test_controllers_are_listed(void **state)
{
	CLEAN(strv) struct strv all = { 0 };
	bool v2 = false;
	size_t i;

	(void)state;
	assert_works(controllers_list(&all, &err), &err);
	for (i = 0; i < all.count; i++)
		v2 |= !strchr(all.items[i], ' ');
	assert_true(v2);
	assert_true(all.count >= 1);
	if (util_host.layout == CGROUP_HYBRID)
		assert_true(strv_has(&all, "memory (v1 at /sys/fs/cgroup/memory)"));
	else
		assert_true(strv_has(&all, "memory"));
}

static void test_hybrid_host_is_refused_with_words(void **state)
{
	CLEAN(strv) struct strv names = { 0 };

	(void)state;
	assert_fails(create("unit-pool", "hugetlb.2MB.max=0", 0, 0), &err, ENOTSUP,
		     "pools need pure cgroup v2; this host is hybrid: ");
	assert_false(exists("unit-pool"));
	assert_fails(pool_list(&names, &err), &err, ENOTSUP, "pools need pure cgroup v2");
	assert_fails(set("unit-pool", "memory.max=1"), &err, ENOTSUP, "pools need pure cgroup v2");
	assert_fails(pool_remove("unit-pool", &err), &err, ENOTSUP, "pools need pure cgroup v2");
}

/* ---- pure cgroup v2 ------------------------------------------------------------------- */

static void test_limits_are_set_and_shown(void **state)
{
	struct pool p = { 0 };
	CLEAN(strv) struct strv names = { 0 };
	CLEAN(free) char *path = NULL;
	size_t i;
	bool usage = false;

	(void)state;
	assert_works(create("unit-a", "memory.max=1.5G;cpu.max=50000 100000;pids.max=50", 0, 0),
		     &err);
	assert_works(pool_list(&names, &err), &err);
	assert_true(strv_has(&names, "unit-a"));
	assert_works(pool_resolve("unit-a", &path, &err), &err);
	assert_string_equal(path, "/unit-a");
	assert_works(pool_inspect("unit-a", &p, &err), &err);
	assert_string_equal(p.path, "/unit-a");
	assert_int_equal(p.limits.count, 3);
	assert_true(strv_has(&p.limits, "memory.max=1610612736"));
	assert_true(strv_has(&p.limits, "cpu.max=50000 100000"));
	assert_true(strv_has(&p.limits, "pids.max=50"));
	assert_true(strv_has(&p.controllers, "memory") && strv_has(&p.controllers, "cpuset"));
	assert_int_equal(p.members.count + p.processes, 0);
	for (i = 0; i < p.stats.count; i++)
		usage |= str_starts(p.stats.items[i], "cpu.usage_usec=");
	assert_true(usage && strv_has(&p.stats, "memory.current=0"));
	assert_true(strv_has(&p.stats, "pids.current=0") && strv_has(&p.stats, "memory.anon=0"));
	pool_free(&p);
	assert_works(set("unit-a", "memory.max=max;pids.max=60;cpuset.cpus=0"), &err);
	assert_works(set("unit-a", "cpuset.cpus="), &err);
	assert_works(pool_inspect("unit-a", &p, &err), &err);
	assert_int_equal(p.limits.count, 2);
	assert_true(strv_has(&p.limits, "pids.max=60"));
	pool_free(&p);
	assert_works(pool_remove("unit-a", &err), &err);
	assert_false(exists("unit-a"));
	assert_fails(pool_remove("unit-a", &err), &err, ENOENT, "no pool \"unit-a\"");
}

static void test_bad_limits_name_the_key_and_leave_nothing(void **state)
{
	static const struct {
		const char *limits;
		int code;
		const char *words;
	} rows[] = {
		{ "memory.max", EINVAL, "limit \"memory.max\": has to be CONTROLLER.FILE=VALUE" },
		{ "memory=5", EINVAL, "has to be CONTROLLER.FILE=VALUE" },
		{ "../x.y=5", EINVAL, "has to be CONTROLLER.FILE=VALUE" },
		{ "cgroup.procs=1", EINVAL, "cgroup.procs is no limit" },
		{ "blkio.weight=1", ENOTSUP, "this host's cgroup v2 has no controller \"blkio\"" },
		{ "memory.nosuch=1", ENOENT,
		  "limit memory.nosuch: pool \"unit-b\" has no such file" },
		{ "memory.high=1G;memory.max=lots", EINVAL,
		  "pool \"unit-b\": limit memory.max: the kernel refuses \"lots\": Invalid argument" },
		{ "cpuset.mems=63", EINVAL, "limit cpuset.mems: the kernel refuses \"63\"" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		assert_fails(create("unit-b", rows[i].limits, 0, 0), &err, rows[i].code,
			     rows[i].words);
		assert_false(exists("unit-b"));
	}
}

static void test_names_in_use_are_refused(void **state)
{
	(void)state;
	assert_works(create("unit-c", "", 0, 0), &err);
	assert_fails(create("unit-c", "", 0, 0), &err, EEXIST, "pool \"unit-c\" exists already");
	assert_works(pool_remove("unit-c", &err), &err);
	assert_int_equal(mkdirat(util_host.fd, "unit-c", 0755), 0);
	assert_fails(create("unit-c", "", 0, 0), &err, EEXIST,
		     "a group of that name exists and is no pool");
	assert_fails(pool_remove("unit-c", &err), &err, ENOENT, "ctr pool create didn't make it");
	assert_fails(set("unit-c", "pids.max=5"), &err, ENOENT, "name it by its path, /unit-c");
	assert_int_equal(unlinkat(util_host.fd, "unit-c", AT_REMOVEDIR), 0);
}

static void test_pool_in_use_is_not_removed(void **state)
{
	struct pool p = { 0 };
	int fd = -1, pidfd = -1;

	(void)state;
	assert_works(create("unit-d", "pids.max=10", 0, 0), &err);
	assert_works(cgroup_make(&util_host, "/unit-d/one", NULL, &fd, NULL, &err), &err);
	util_child(fd, &pidfd);
	assert_fails(pool_remove("unit-d", &err), &err, EBUSY,
		     "pool \"unit-d\" is in use: one; remove");
	assert_works(pool_inspect("unit-d", &p, &err), &err);
	assert_int_equal(p.members.count, 1);
	assert_string_equal(p.members.items[0], "/unit-d/one");
	assert_int_equal(p.processes, 1);
	assert_true(strv_has(&p.stats, "pids.current=1"));
	pool_free(&p);
	util_end(&pidfd);
	close(fd);
	assert_works(cgroup_remove(&util_host, "/unit-d/one", 0, 1000, &err), &err);
	assert_works(pool_remove("unit-d", &err), &err);
}

static void test_owner_may_share_out_but_not_raise_the_limit(void **state)
{
	char now[32];
	int pidfd = -1, status;
	struct stat st;
	pid_t pid;

	(void)state;
	assert_works(create("unit-e", "memory.max=64M", 1234, 5678), &err);
	assert_int_equal(fstatat(util_host.fd, "unit-e/cgroup.procs", &st, 0), 0);
	assert_int_equal(st.st_uid, 1234);
	assert_int_equal(st.st_gid, 5678);
	pid = process_clone(0, -1, &pidfd);
	if (pid == 0) {
		int fd = openat(util_host.fd, "unit-e", O_RDONLY | O_DIRECTORY), bad = 0;

		if (setresgid(5678, 5678, 5678) || setresuid(1234, 1234, 1234))
			_exit(100);
		bad |= mkdirat(fd, "sub", 0755) != 0;
		bad |= (openat(fd, "memory.max", O_WRONLY) >= 0) << 1;
		bad |= (openat(fd, "cgroup.subtree_control", O_WRONLY) < 0) << 2;
		bad |= (openat(fd, "sub/memory.max", O_WRONLY) < 0) << 3;
		bad |= (unlinkat(fd, "sub", AT_REMOVEDIR) != 0) << 4;
		bad |= (unlinkat(util_host.fd, "unit-e", AT_REMOVEDIR) == 0) << 5;
		_exit(bad);
	}
	assert_int_equal(process_wait(pidfd, &status), 0);
	close(pidfd);
	assert_int_equal(WEXITSTATUS(status), 0);
	read_file("unit-e/memory.max", now, sizeof(now));
	assert_string_equal(now, "67108864");
	assert_works(pool_remove("unit-e", &err), &err);
}

static void test_others_tools_see_and_change_it(void **state)
{
	char now[32];

	(void)state;
	assert_works(create("unit-f", "memory.max=64M", 0, 0), &err);
	assert_int_equal(system("lscgroup | grep -q '^cpu,.*:/unit-f$\\|:/unit-f/*$'"), 0);
	assert_int_equal(system("cgget -n -v -r memory.max unit-f | grep -qx 67108864"), 0);
	assert_int_equal(system("cgset -r memory.max=32M unit-f"), 0);
	read_file("unit-f/memory.max", now, sizeof(now));
	assert_string_equal(now, "33554432");
	assert_works(pool_remove("unit-f", &err), &err);
}

static void test_partition_is_checked(void **state)
{
	struct pool p = { 0 };

	(void)state;
	/* Of all processors there are, none would be left for the root. */
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		assert_fails(create("unit-g", "cpuset.cpus.partition=root;cpuset.cpus=0", 0, 0),
			     &err, EINVAL,
			     "limit cpuset.cpus.partition: no partition \"root\" here: invalid (");
		assert_false(exists("unit-g"));
		return;
	}
	assert_works(create("unit-g", "cpuset.cpus.partition=root;cpuset.cpus=1", 0, 0), &err);
	assert_works(pool_inspect("unit-g", &p, &err), &err);
	assert_true(strv_has(&p.limits, "cpuset.cpus.partition=root"));
	pool_free(&p);
	assert_works(pool_remove("unit-g", &err), &err);
}

#define T(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest everywhere[] = {
		T(test_bad_names_are_refused),
		T(test_parent_by_path_or_by_name),
		T(test_controllers_are_listed),
	};
	const struct CMUnitTest hybrid[] = {
		T(test_hybrid_host_is_refused_with_words),
	};
	const struct CMUnitTest unified[] = {
		T(test_limits_are_set_and_shown),
		T(test_bad_limits_name_the_key_and_leave_nothing),
		T(test_names_in_use_are_refused),
		T(test_pool_in_use_is_not_removed),
		T(test_owner_may_share_out_but_not_raise_the_limit),
		T(test_others_tools_see_and_change_it),
		T(test_partition_is_checked),
	};
	int failed = cmocka_run_group_tests(everywhere, util_setup, util_teardown);

	if (util_has("memory"))
		return failed + cmocka_run_group_tests(unified, util_setup, util_teardown);
	return failed + cmocka_run_group_tests(hybrid, util_setup, util_teardown);
}
