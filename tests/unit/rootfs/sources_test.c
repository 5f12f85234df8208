/* Detached trees: their flags, owners and propagation; layers; user namespaces. */
#include "rootfs/world.h"

#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

static void annotate(struct world *w, const char *kind)
{
	strv_take(&w->spec.annotations, xasprintf(SPEC_ANNOTATION_ROOTFS "=%s", kind));
}

static bool owned_by(const char *path, uid_t uid, gid_t gid)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_uid == uid && st.st_gid == gid;
}

static void look_idmap(struct world *w)
{
	(void)w;
	LOOK(owned_by("/plain/f", 1000, 1000));
	LOOK(owned_by("/mapped/f", 5, 6));
	/* And back: what 5:6 makes there is 1000:1000's on disk. */
	LOOK(setegid(6) == 0 && seteuid(5) == 0);
	LOOK(close(open("/mapped/made", O_CREAT | O_WRONLY | O_CLOEXEC, 0644)) == 0);
}

static void test_an_idmapped_bind_shows_mapped_owners(void **state)
{
	struct world *w = *state;
	CLEAN(free) char *vol = xasprintf("%s/vol", w->dir);
	CLEAN(free) char *file = xasprintf("%s/f", vol);
	CLEAN(free) char *made = xasprintf("%s/vol/made", w->dir);
	struct spec_mount *m;

	if (world_skip())
		return;
	world_put(w, "vol", NULL, 0777);
	world_put(w, "vol/f", "x", 0644);
	assert_int_equal(chown(file, 1000, 1000) | chown(vol, 1000, 1000), 0);
	spec_add_mount(&w->spec, "/plain", "bind", "vol", "bind");
	m = spec_add_mount(&w->spec, "/mapped", "bind", "vol", "bind,idmap");
	*SPEC_ADD(&m->uid_maps) = (struct spec_id_map){ 1000, 5, 1 };
	*SPEC_ADD(&m->gid_maps) = (struct spec_id_map){ 1000, 6, 1 };
	world_ok(w, look_idmap);
	assert_true(owned_by(made, 1000, 1000));
}

static void test_idmap_on_a_filesystem_that_cant_is_named(void **state)
{
	struct world *w = *state;
	struct spec_mount *m;

	if (world_skip())
		return;
	m = spec_add_mount(&w->spec, "/mapped", "bind", "/proc/sys", "bind,idmap");
	*SPEC_ADD(&m->uid_maps) = (struct spec_id_map){ 0, 5, 1 };
	*SPEC_ADD(&m->gid_maps) = (struct spec_id_map){ 0, 6, 1 };
	assert_int_equal(world_run(w, NULL), -EINVAL);
	assert_non_null(strstr(w->err.text, "(/mapped): idmap: the filesystem of /proc/sys"));
}

static void test_a_map_that_the_kernel_refuses_is_shown(void **state)
{
	struct world *w = *state;
	struct spec_mount *m;

	if (world_skip())
		return;
	m = spec_add_mount(&w->spec, "/mapped", "bind", "rootfs", "bind,idmap");
	*SPEC_ADD(&m->uid_maps) = (struct spec_id_map){ 0, 5, 10 };
	*SPEC_ADD(&m->uid_maps) = (struct spec_id_map){ 5, 50, 10 }; /* overlaps */
	*SPEC_ADD(&m->gid_maps) = (struct spec_id_map){ 0, 6, 1 };
	assert_int_equal(world_run(w, NULL), -EINVAL);
	assert_non_null(strstr(
		w->err.text,
		"idmap: the kernel refuses this id map (uid_map): \"0 5 10\n5 50 10\": Invalid argument; ids"));
}

static void look_recursive(struct world *w)
{
	(void)w;
	LOOK(!write_to("/ro/f", "x") && errno == EROFS);
	LOOK(write_to("/ro/sub/g", "x"));
	LOOK(!write_to("/rro/f", "x") && errno == EROFS);
	LOOK(!write_to("/rro/sub/g", "x") && errno == EROFS);
	LOOK(access("/bind/sub/g", F_OK) < 0);
	LOOK(strstr(mount_flags_of("/rro/sub"), "ro,nosuid"));
}

static void work_recursive(struct world *w)
{
	CLEAN(free) char *sub = xasprintf("%s/vol/sub", w->dir);
	CLEAN(free) char *file = xasprintf("%s/g", sub);

	LOOK(mount("tmpfs", sub, "tmpfs", 0, NULL) == 0);
	LOOK(close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0644)) == 0);
	world_ok(w, look_recursive);
}

static void test_ro_is_for_the_top_and_rro_for_all(void **state)
{
	struct world *w = *state;

	if (world_skip())
		return;
	world_put(w, "vol/sub", NULL, 0755);
	world_put(w, "vol/f", "x", 0644);
	spec_add_mount(&w->spec, "/bind", "bind", "vol", "bind");
	spec_add_mount(&w->spec, "/ro", "bind", "vol", "rbind,ro");
	spec_add_mount(&w->spec, "/rro", "bind", "vol", "rbind,rro,rnosuid");
	world_apart(w, work_recursive);
}

/* `look` of the container waits here until the host has mounted something, and again. */
static int meet[2];

static void look_propagation(struct world *w)
{
	char byte;

	(void)w;
	LOOK(mount("tmpfs", "/shared/in", "tmpfs", 0, NULL) == 0);
	LOOK(mount("tmpfs", "/slave/in", "tmpfs", 0, NULL) == 0);
	LOOK(mount("tmpfs", "/private/in", "tmpfs", 0, NULL) == 0);
	LOOK(write(meet[1], "x", 1) == 1 && read(meet[1], &byte, 1) == 1);
	LOOK(mount_flags_of("/slave/out") && mount_flags_of("/shared/out"));
	LOOK(!mount_flags_of("/private/out"));
}

/* The host's part, in a process of its own, as world_run() waits for the container. */
static _Noreturn void host_part(struct world *w)
{
	CLEAN(free) char *in = xasprintf("%s/vol/in", w->dir);
	CLEAN(free) char *out = xasprintf("%s/vol/out", w->dir);
	char *text, *found;
	char byte;

	alarm(30);
	LOOK(read(meet[0], &byte, 1) == 1);
	text = (char *)text_of("/proc/self/mountinfo");
	found = strstr(text, in);
	/* One of the three came out: the shared one. */
	LOOK(found && !strstr(found + 1, in));
	LOOK(mount("tmpfs", out, "tmpfs", 0, NULL) == 0);
	LOOK(write(meet[0], "x", 1) == 1);
	_exit(0);
}

static void work_propagation(struct world *w)
{
	CLEAN(free) char *vol = xasprintf("%s/vol", w->dir);
	CLEAN(fd) int pidfd = -1;
	int status;
	pid_t pid;

	LOOK(mount("tmpfs", vol, "tmpfs", 0, NULL) == 0);
	LOOK(mount(NULL, vol, NULL, MS_SHARED, NULL) == 0);
	world_put(w, "vol/in", NULL, 0755);
	world_put(w, "vol/out", NULL, 0755);
	pid = process_clone(0, -1, &pidfd);
	LOOK(pid >= 0);
	if (pid == 0)
		host_part(w);
	world_ok(w, look_propagation);
	LOOK(process_wait(pidfd, &status) == 0 && status == 0);
}

static void test_propagation_is_as_asked_and_private_when_nothing_is_said(void **state)
{
	struct world *w = *state;

	if (world_skip())
		return;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, meet), 0);
	world_put(w, "vol", NULL, 0755);
	spec_add_mount(&w->spec, "/shared", "bind", "vol", "rbind,rshared");
	spec_add_mount(&w->spec, "/slave", "bind", "vol", "rbind,rslave");
	spec_add_mount(&w->spec, "/private", "bind", "vol", "rbind");
	world_apart(w, work_propagation);
}

static void look_root_shared(struct world *w)
{
	const char *root = strstr(text_of("/proc/self/mountinfo"), "/rootfs / ");

	(void)w;
	LOOK(root && strstr(root, "shared:") < strchr(root, '\n'));
}

static void look_root_unbindable(struct world *w)
{
	(void)w;
	LOOK(mount("/", "/mnt", NULL, MS_BIND, NULL) < 0 && errno == EINVAL);
	LOOK(mount("/proc", "/mnt", NULL, MS_BIND, NULL) == 0);
}

static void test_the_roots_own_propagation(void **state)
{
	struct world *w = *state;

	if (world_skip())
		return;
	w->spec.lin.rootfs_propagation = xstrdup("rshared");
	world_ok(w, look_root_shared);
	free(w->spec.lin.rootfs_propagation);
	w->spec.lin.rootfs_propagation = xstrdup("unbindable");
	world_ok(w, look_root_unbindable);
}

static void look_layers(void)
{
	LOOK(str_eq(text_of("/etc/mine"), "below") && write_to("/etc/mine", "above"));
	LOOK(str_eq(text_of("/etc/mine"), "above"));
	LOOK(mkdir("/made", 0755) == 0 && unlink("/bin/cat") == 0);
	LOOK(owned_by("/", 0, 0) && owned_by("/bin/busybox", 0, 0) && owned_by("/made", 0, 0));
	LOOK(access("/lower-root", F_OK) < 0 && access("/up-root", F_OK) < 0);
}

static void look_overlay(struct world *w)
{
	look_layers();
	LOOK(!strstr(text_of("/proc/self/mountinfo"), w->dir));
}

static void test_an_overlay_leaves_the_folder_below_as_it_was(void **state)
{
	struct world *w = *state;
	CLEAN(free) char *mine = xasprintf("%s/rootfs/etc/mine", w->dir);
	CLEAN(free) char *made = xasprintf("%s/rootfs/made", w->dir);
	CLEAN(free) char *cat = xasprintf("%s/rootfs/bin/cat", w->dir);
	struct stat st;

	if (world_skip())
		return;
	world_put(w, "rootfs/etc/mine", "below", 0644);
	annotate(w, "overlay");
	world_ok(w, look_overlay);
	assert_string_equal(text_of(mine), "below");
	assert_true(lstat(made, &st) < 0 && lstat(cat, &st) == 0);
}

static void look_userns(struct world *w)
{
	struct stat st;

	(void)w;
	look_layers();
	LOOK(str_eq(text_of("/proc/self/uid_map"), "         0     100000      65536\n"));
	LOOK(stat("/dev/null", &st) == 0 && st.st_rdev == makedev(1, 3) &&
	     write_to("/dev/null", "x"));
	LOOK(mount_flags_of("/dev/urandom"));
	LOOK(owned_by("/vol/f", 0, 0));
	LOOK(owned_by("/foreign/f", 65534, 65534));
}

static void test_in_a_user_namespace_layers_and_idmapped_volumes_are_its_roots(void **state)
{
	struct world *w = *state;

	if (world_skip())
		return;
	world_put(w, "rootfs/etc/mine", "below", 0644);
	world_put(w, "vol/f", "x", 0644);
	annotate(w, "overlay");
	world_userns(w);
	spec_add_mount(&w->spec, "/vol", "bind", "vol", "bind,idmap");
	spec_add_mount(&w->spec, "/foreign", "bind", "vol", "bind");
	world_ok(w, look_userns);
	assert_int_equal(w->warnings.count, 0);
}

static void look_rootless(struct world *w)
{
	(void)w;
	LOOK(str_eq(text_of("/proc/self/uid_map"), "         0       1000          1\n"));
	LOOK(write_to("/dev/null", "x") && mount_flags_of("/dev/null"));
	LOOK(str_eq(text_of("/vol/f"), "x") && !write_to("/vol/f", "y") && errno == EROFS);
	LOOK(str_eq(text_of("/proc/keys"), "") && mount_flags_of("/proc/sys"));
	LOOK(mkdir("/made", 0755) == 0 && mkdir("/dev/shm/x", 0755) == 0);
}

/* Who isn't root is refused detached trees; the child takes them in its own user namespace. */
static void work_rootless(struct world *w)
{
	CLEAN(rootfs_plan) struct rootfs_plan plan = { 0 };

	LOOK(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
	LOOK(prctl(PR_SET_DUMPABLE, 1) == 0);
	LOOK(world_plan(w, &plan) == 0 && rootfs_sources_open(&plan, &w->err) == 0);
	LOOK(plan.root_tree < 0);
	world_ok(w, look_rootless);
}

static void test_an_ordinary_user_can(void **state)
{
	struct world *w = *state;
	CLEAN(free) char *file = xasprintf("%s/vol/f", w->dir);

	if (world_skip())
		return;
	world_put(w, "vol/f", "x", 0644);
	assert_int_equal(chown(file, 1000, 1000), 0);
	annotate(w, "overlay");
	world_userns(w);
	w->spec.lin.uid_maps.items[0] = w->spec.lin.gid_maps.items[0] =
		(struct spec_id_map){ 0, 1000, 1 };
	spec_add_mount(&w->spec, "/vol", "bind", "vol", "rbind,ro");
	world_apart(w, work_rootless);
}

static void test_a_closed_plan_can_be_closed_again_and_freed(void **state)
{
	CLEAN(rootfs_plan) struct rootfs_plan plan = { 0 };
	struct world *w = *state;

	if (world_skip())
		return;
	assert_int_equal(world_plan(w, &plan), 0);
	assert_int_equal(rootfs_sources_open(&plan, &w->err), 0);
	assert_true(plan.root_tree >= 0);
	rootfs_sources_close(&plan);
	assert_int_equal(plan.root_tree, -1);
	rootfs_sources_close(&plan);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_idmapped_bind_shows_mapped_owners),
		TEST(test_idmap_on_a_filesystem_that_cant_is_named),
		TEST(test_a_map_that_the_kernel_refuses_is_shown),
		TEST(test_ro_is_for_the_top_and_rro_for_all),
		TEST(test_propagation_is_as_asked_and_private_when_nothing_is_said),
		TEST(test_the_roots_own_propagation),
		TEST(test_an_overlay_leaves_the_folder_below_as_it_was),
		TEST(test_in_a_user_namespace_layers_and_idmapped_volumes_are_its_roots),
		TEST(test_an_ordinary_user_can),
		TEST(test_a_closed_plan_can_be_closed_again_and_freed),
	};

	return cmocka_run_group_tests(tests, world_group_make, world_group_remove);
}
