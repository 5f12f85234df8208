/* What is refused before anything is changed, and with which words. */
#include "rootfs/world.h"

#include "rootfs/mnt.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

/* A bundle without busybox: a plan only looks. */
static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/ctr-unit-XXXXXX");
	if (!mkdtemp(w->dir))
		return -1;
	w->staging = xasprintf("%s/staging", w->dir);
	*state = w;
	world_put(w, "rootfs", NULL, 0755);
	spec_default(&w->spec);
	return 0;
}

static void refused(struct world *w, int code, const char *words)
{
	struct rootfs_plan plan;

	assert_int_equal(world_plan(w, &plan), -code);
	assert_int_equal(w->err.code, code);
	if (!strstr(w->err.text, words))
		fail_msg("\"%s\" is not in \"%s\"", words, w->err.text);
}

static void root_is(struct world *w, const char *path)
{
	free(w->spec.root_path);
	w->spec.root_path = path ? xstrdup(path) : NULL;
}

static void test_a_root_that_is_no_folder_is_refused(void **state)
{
	struct world *w = *state;

	root_is(w, NULL);
	refused(w, EINVAL, "root.path: missing");
	root_is(w, "nowhere");
	refused(w, ENOENT, "root.path: ");
	refused(w, ENOENT, "/nowhere: No such file or directory");
	world_put(w, "file", "x", 0644);
	root_is(w, "file");
	refused(w, ENOTDIR, "/file is not a folder; as an image it can be the root of a container");
	strv_add(&w->spec.annotations, SPEC_ANNOTATION_ROOTFS "=tape");
	refused(w, EINVAL, "annotations.dev.ctr.rootfs: \"tape\" is not known");
}

static void test_a_relative_root_is_in_the_bundle_and_followed(void **state)
{
	CLEAN(rootfs_plan) struct rootfs_plan plan = { 0 };
	CLEAN(free) char *want = NULL;
	struct world *w = *state;

	world_link(w, "rootfs", "link");
	root_is(w, "link");
	assert_int_equal(world_plan(w, &plan), 0);
	want = xasprintf("%s/rootfs", w->dir);
	assert_string_equal(plan.root_path, want);
	assert_int_equal(plan.kind, ROOT_PLAIN);
}

static void test_without_a_bundle_relative_paths_are_refused(void **state)
{
	struct world *w = *state;
	const struct rootfs_choices choices = { .staging = "/run/x" };
	struct rootfs_plan plan;

	assert_int_equal(rootfs_plan_make(&w->spec, &choices, &plan, &w->warnings, &w->err),
			 -EINVAL);
	assert_non_null(
		strstr(w->err.text, "root.path: \"rootfs\" is relative and there is no bundle"));
}

static const struct {
	const char *destination, *type, *source, *options;
	int code;
	const char *words;
} bad_mounts[] = {
	{ "/", "tmpfs", "tmpfs", "", EINVAL, "mounts[0].destination: / is the root itself" },
	{ "/..", "tmpfs", "tmpfs", "", EINVAL, "mounts[0].destination: / is the root itself" },
	{ "/a", "bind", "nowhere", "", ENOENT, "mounts[0].source: " },
	{ "/a", NULL, NULL, "rbind", EINVAL, "mounts[0].source: missing" },
	{ "/a", "none", "/", "ro", EINVAL, "mounts[0].type: missing" },
	{ "/a", "bind", "/etc", "ro,,nosuid", EINVAL, "mounts[0].options: an empty option" },
	{ "/a", "proc", "proc", "idmap", EINVAL, "mounts[0].options: idmap is for bind mounts" },
	{ "/a", "bind", "/etc", "idmap", EINVAL, "mounts[0].options: idmap needs uidMappings" },
	{ "/a", "bind", "/etc", "tmpcopyup", EINVAL, "mounts[0].options: tmpcopyup is for tmpfs" },
	{ "/a", "tmpfs", "tmpfs", "copy-symlink", EINVAL, "mounts[0].options: copy-symlink and" },
	{ "/proc", "bind", "/etc", "", EINVAL, "mounts[0].destination: only a proc filesystem" },
	{ "/x/../proc/", "tmpfs", "tmpfs", "", EINVAL, "mounts[0].destination: only a proc" },
	{ "/proc/self/attr", "bind", "/etc", "", EINVAL,
	  "mounts[0].destination: /proc/self/attr: below /proc only a few files" },
	{ "/proc/uptime", "tmpfs", "tmpfs", "", EINVAL,
	  "mounts[0].destination: /proc/uptime: below" },
};

static void test_bad_mounts_are_refused_with_their_key(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad_mounts); i++) {
		spec_free(&w->spec);
		w->spec = (struct spec){ 0 };
		spec_default(&w->spec);
		world_mounts_keep(w, 0);
		spec_add_mount(&w->spec, bad_mounts[i].destination, bad_mounts[i].type,
			       bad_mounts[i].source, bad_mounts[i].options);
		refused(w, bad_mounts[i].code, bad_mounts[i].words);
	}
}

static void test_lxcfs_files_and_proc_itself_may_be_bound(void **state)
{
	CLEAN(rootfs_plan) struct rootfs_plan plan = { 0 };
	struct world *w = *state;

	spec_add_mount(&w->spec, "/proc/uptime", "bind", "/proc/uptime", "bind,ro");
	spec_add_mount(&w->spec, "/proc", "bind", "/proc", "rbind");
	assert_int_equal(world_plan(w, &plan), 0);
}

static void test_a_relative_destination_is_made_absolute_with_a_warning(void **state)
{
	CLEAN(rootfs_plan) struct rootfs_plan plan = { 0 };
	struct world *w = *state;

	spec_add_mount(&w->spec, "../data/", "bind", "rootfs", "bind,size=3");
	assert_int_equal(world_plan(w, &plan), 0);
	assert_string_equal(plan.mounts.items[plan.mounts.count - 1].destination, "/data");
	assert_int_equal(w->warnings.count, 2);
	assert_non_null(strstr(w->warnings.items[0], "\"../data/\" is relative; taken as /data"));
	assert_non_null(strstr(w->warnings.items[1], "\"size=3\" means nothing to a bind mount"));
}

static void test_maps_of_one_kind_only_are_refused(void **state)
{
	struct world *w = *state;
	struct spec_mount *m = spec_add_mount(&w->spec, "/data", "bind", "rootfs", "bind,idmap");

	*SPEC_ADD(&m->uid_maps) = (struct spec_id_map){ 0, 1000, 1 };
	refused(w, EINVAL, ".gidMappings: missing");
}

static const struct {
	struct spec_device device;
	int code;
	const char *words;
} bad_devices[] = {
	{ { .path = "dev/x", .type = 'c' },
	  EINVAL,
	  "linux.devices[0] (dev/x): path must be absolute" },
	{ { .path = "/dev/x", .type = 'x' }, EINVAL, "type must be" },
	{ { .path = "/dev/x", .type = 'c', .major = 5000 },
	  ERANGE,
	  "major 5000 is not in 0..4095" },
	{ { .path = "/dev/x", .type = 'b', .minor = -1 }, ERANGE, "minor -1 is not in" },
	{ { .path = "/dev/x", .type = 'c', .mode = { true, 010000 } },
	  ERANGE,
	  "fileMode 10000 is no mode" },
	{ { .path = "/dev/x", .type = 'c', .uid = { true, 4294967295u } },
	  ERANGE,
	  "uid and gid must be" },
	{ { .path = "/..", .type = 'c' }, EINVAL, "path must name a file" },
};

static void test_bad_devices_are_refused_with_their_key(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad_devices); i++) {
		struct spec_device *d;

		w->spec.lin.devices.count = 0;
		d = SPEC_ADD(&w->spec.lin.devices);
		*d = bad_devices[i].device;
		refused(w, bad_devices[i].code, bad_devices[i].words);
		w->spec.lin.devices.count = 0; /* its path is not the spec's to free */
	}
}

static void test_a_device_of_the_spec_replaces_the_default_one(void **state)
{
	CLEAN(rootfs_plan) struct rootfs_plan plan = { 0 };
	struct world *w = *state;
	struct spec_device *d = SPEC_ADD(&w->spec.lin.devices);
	size_t seen = 0;

	*d = (struct spec_device){
		.path = xstrdup("/dev//null"), .type = 'c', .major = 1, .minor = 3
	};
	d->mode = (struct opt_u64){ true, 0600 };
	assert_int_equal(world_plan(w, &plan), 0);
	assert_int_equal(plan.devices.count, 6);
	for (size_t i = 0; i < plan.devices.count; i++)
		if (str_eq(plan.devices.items[i].path, "/dev/null")) {
			assert_int_equal(plan.devices.items[i].mode, S_IFCHR | 0600);
			seen++;
		}
	assert_int_equal(seen, 1);
}

static void test_a_device_in_a_user_namespace_must_be_the_hosts(void **state)
{
	struct world *w = *state;
	struct spec_device *d = SPEC_ADD(&w->spec.lin.devices);

	world_userns(w);
	*d = (struct spec_device){
		.path = xstrdup("/dev/null"), .type = 'c', .major = 1, .minor = 5
	};
	refused(w, ENODEV, "linux.devices[0] (/dev/null): in a user namespace a device is bound");
}

static void test_a_bound_dev_is_left_alone(void **state)
{
	CLEAN(rootfs_plan) struct rootfs_plan plan = { 0 };
	struct world *w = *state;

	spec_add_mount(&w->spec, "/dev", "bind", "/dev", "rbind");
	assert_int_equal(world_plan(w, &plan), 0);
	assert_false(plan.make_dev);
}

static const struct mount_plan *planned(const struct rootfs_plan *plan, const char *destination)
{
	for (size_t i = 0; i < plan->mounts.count; i++)
		if (str_eq(plan->mounts.items[i].destination, destination))
			return &plan->mounts.items[i];
	return NULL;
}

static void test_a_gid_that_the_user_namespace_lacks_is_dropped_from_devpts(void **state)
{
	CLEAN(rootfs_plan) struct rootfs_plan plan = { 0 };
	CLEAN(rootfs_plan) struct rootfs_plan narrow = { 0 };
	struct world *w = *state;

	world_userns(w);
	assert_int_equal(world_plan(w, &plan), 0);
	assert_non_null(strstr(planned(&plan, "/dev/pts")->opt.data, "gid=5"));
	w->spec.lin.gid_maps.items[0].size = 1;
	assert_int_equal(world_plan(w, &narrow), 0);
	assert_null(strstr(planned(&narrow, "/dev/pts")->opt.data, "gid=5"));
	assert_non_null(strstr(planned(&narrow, "/dev/pts")->opt.data, "mode=0620"));
}

static void test_views_of_the_hosts_namespaces_are_bound(void **state)
{
	CLEAN(rootfs_plan) struct rootfs_plan plan = { 0 };
	struct world *w = *state;

	w->spec.lin.namespaces[NS_CGROUP].wanted = false;
	w->spec.lin.namespaces[NS_NETWORK].wanted = false;
	world_userns(w);
	spec_add_mount(&w->spec, "/cg", "cgroup", "cgroup", "ro,nosuid,name=x");
	assert_int_equal(world_plan(w, &plan), 0);
	assert_int_equal(planned(&plan, "/cg")->kind, MOUNT_BIND);
	assert_string_equal(planned(&plan, "/cg")->source, "/sys/fs/cgroup/unified");
	assert_int_equal(planned(&plan, "/sys")->kind, MOUNT_BIND);
	assert_true(planned(&plan, "/sys")->opt.bind_rec);
	assert_int_equal(planned(&plan, "/proc")->kind, MOUNT_NEW);
}

static void test_a_readonly_tmpfs_becomes_so_at_the_end(void **state)
{
	CLEAN(rootfs_plan) struct rootfs_plan plan = { 0 };
	struct world *w = *state;

	spec_add_mount(&w->spec, "/ro", "tmpfs", "tmpfs", "ro,size=1m");
	assert_int_equal(world_plan(w, &plan), 0);
	assert_true(planned(&plan, "/ro")->late_readonly);
}

static void test_namespaces_and_other_words(void **state)
{
	struct world *w = *state;

	strv_add(&w->spec.lin.readonly_paths, "proc/sys");
	refused(w, EINVAL, "linux.readonlyPaths[5]: \"proc/sys\" must be an absolute path");
	strv_free(&w->spec.lin.readonly_paths);
	strv_add(&w->spec.lin.masked_paths, "/x/..");
	refused(w, EINVAL, "]: / is the whole root");
	w->spec.lin.rootfs_propagation = xstrdup("upwards");
	refused(w, EINVAL, "linux.rootfsPropagation: \"upwards\" is not known");
	w->spec.lin.namespaces[NS_MOUNT].path = xstrdup("/proc/1/ns/mnt");
	refused(w, ENOTSUP, "linux.namespaces: a mount namespace can't be joined by path");
	w->spec.lin.namespaces[NS_MOUNT].wanted = false;
	refused(w, EINVAL, "linux.namespaces: a mount namespace is needed");
}

static void test_the_plan_tells_itself_in_words(void **state)
{
	CLEAN(rootfs_plan) struct rootfs_plan plan = { 0 };
	CLEAN(str) struct str text = { 0 };
	struct world *w = *state;

	w->spec.root_readonly = true;
	assert_int_equal(world_plan(w, &plan), 0);
	rootfs_plan_describe(&plan, &text);
	assert_non_null(strstr(text.text, "/rootfs, read-only\n"));
	assert_non_null(strstr(text.text, "mount: /proc: proc; mounts[0] (/proc)\n"));
	assert_non_null(strstr(text.text, "device: /dev/null: character 1:3, mode 666\n"));
	assert_non_null(strstr(text.text, "masked paths: "));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_root_that_is_no_folder_is_refused),
		TEST(test_a_relative_root_is_in_the_bundle_and_followed),
		TEST(test_without_a_bundle_relative_paths_are_refused),
		TEST(test_bad_mounts_are_refused_with_their_key),
		TEST(test_lxcfs_files_and_proc_itself_may_be_bound),
		TEST(test_a_relative_destination_is_made_absolute_with_a_warning),
		TEST(test_maps_of_one_kind_only_are_refused),
		TEST(test_bad_devices_are_refused_with_their_key),
		TEST(test_a_device_of_the_spec_replaces_the_default_one),
		TEST(test_a_device_in_a_user_namespace_must_be_the_hosts),
		TEST(test_a_bound_dev_is_left_alone),
		TEST(test_a_gid_that_the_user_namespace_lacks_is_dropped_from_devpts),
		TEST(test_views_of_the_hosts_namespaces_are_bound),
		TEST(test_a_readonly_tmpfs_becomes_so_at_the_end),
		TEST(test_namespaces_and_other_words),
		TEST(test_the_plan_tells_itself_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
