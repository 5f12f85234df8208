/* Real containers by the stages of src/rootfs alone, looked at from inside. */
#include "rootfs/world.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cmocka.h>

static void fails(struct world *w, int code, const char *words)
{
	if (world_run(w, NULL) != -code)
		fail_msg("%d: %s", w->err.code, w->err.text);
	if (!strstr(w->err.text, words))
		fail_msg("\"%s\" is not in \"%s\"", words, w->err.text);
}

static bool is_node(const char *path, mode_t mode, dev_t rdev)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_mode == (S_IFCHR | mode) && st.st_rdev == rdev &&
	       st.st_uid == 0;
}

static bool leads_to(const char *path, const char *text)
{
	char buf[256] = "";

	return readlink(path, buf, sizeof(buf) - 1) > 0 && str_eq(buf, text);
}

static void look_default(struct world *w)
{
	static const char *const places[] = { "/",        "/proc",       "/dev", "/dev/pts",
					      "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup" };
	char *rest = NULL, *text;

	LOOK(is_node("/dev/null", 0666, makedev(1, 3)));
	LOOK(is_node("/dev/urandom", 0666, makedev(1, 9)));
	LOOK(is_node("/dev/tty", 0666, makedev(5, 0)));
	LOOK(leads_to("/dev/ptmx", "pts/ptmx") && leads_to("/dev/fd", "/proc/self/fd"));
	LOOK(leads_to("/dev/stderr", "/proc/self/fd/2") && leads_to("/dev/core", "/proc/kcore"));
	LOOK(write_to("/dev/null", "x"));
	LOOK(leads_to("/proc/self", "1"));
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		LOOK(mount_flags_of(places[i]));
	/* Nothing of the host is left: not its paths, not a mount that we didn't ask for. */
	text = (char *)text_of("/proc/self/mountinfo");
	LOOK(!strstr(text, w->staging));
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char where[256];

		LOOK(sscanf(line, "%*s %*s %*s %*s %255s", where) == 1);
		LOOK(str_eq(where, "/") || str_starts(where, "/proc") ||
		     str_starts(where, "/dev") || str_starts(where, "/sys"));
		LOOK(!strstr(line, "shared:") && !strstr(line, "master:"));
	}
	LOOK(access("/../../etc/debian_version", F_OK) < 0);
	LOOK(getcwd((char[16]){ 0 }, 16) && chdir("..") == 0 && access("bin/busybox", F_OK) == 0);
}

static void test_a_default_container_has_its_own_mounts_and_devices_and_no_others(void **state)
{
	if (!world_skip())
		world_ok(*state, look_default);
}

static void test_without_pivot_the_root_is_moved(void **state)
{
	struct world *w = *state;

	if (world_skip())
		return;
	w->no_pivot = true;
	world_ok(w, look_default);
}

static void test_proc_on_a_symlink_is_refused(void **state)
{
	struct world *w = *state;

	if (world_skip())
		return;
	world_link(w, "../../tmp", "rootfs/proc");
	fails(w, ELOOP, "mounts[0] (/proc): there is a symlink at or above /proc in the rootfs");
	world_link(w, "/tmp", "rootfs/proc");
	fails(w, ELOOP, "proc is mounted on real folders only");
}

static void test_a_sysfs_below_a_symlink_is_refused_before_anything_is_made_there(void **state)
{
	struct world *w = *state;
	CLEAN(free) char *made = xasprintf("%s/rootfs/tmp/sys", w->dir);

	if (world_skip())
		return;
	world_link(w, "tmp", "rootfs/a");
	spec_add_mount(&w->spec, "/a/sys", "sysfs", "sysfs", "ro");
	fails(w, ELOOP, "sysfs is mounted on real folders only");
}

static void look_escape(struct world *w)
{
	(void)w;
	/* dev -> /etc: the tmpfs and the nodes are in the container's own /etc. */
	LOOK(is_node("/etc/null", 0666, makedev(1, 3)));
	LOOK(mount_flags_of("/etc") && mount_flags_of("/etc/pts"));
	/* out -> ../../../..: the root is as far as it goes. */
	LOOK(str_eq(text_of("/secret/data"), "shared"));
	LOOK(str_eq(text_of("/tmp/made"), "shared"));
}

static void test_symlinks_in_destinations_stay_inside(void **state)
{
	struct world *w = *state;
	struct stat st;

	if (world_skip())
		return;
	world_link(w, "/etc", "rootfs/dev");
	world_link(w, "../../../../../..", "rootfs/out");
	world_link(w, "/tmp/made", "rootfs/file");
	world_put(w, "vol/data", "shared", 0644);
	world_put(w, "rootfs/tmp/made", "", 0644);
	spec_add_mount(&w->spec, "/out/secret", "bind", "vol", "bind");
	spec_add_mount(&w->spec, "/file", "bind", "vol/data", "bind");
	world_ok(w, look_escape);
	assert_true(stat("/secret", &st) < 0 && stat("/etc/null", &st) < 0);
}

static void test_a_symlink_that_leads_a_volume_into_proc_is_refused(void **state)
{
	struct world *w = *state;

	if (world_skip())
		return;
	world_link(w, "/proc/self/attr", "rootfs/data");
	world_put(w, "vol", NULL, 0755);
	spec_add_mount(&w->spec, "/data", "bind", "vol", "bind");
	fails(w, EPERM, "(/data): a symlink in the rootfs leads the destination into /proc");
}

static void look_volumes(struct world *w)
{
	(void)w;
	LOOK(str_eq(text_of("/plain/f"), "text"));
	LOOK(write_to("/plain/f", "text"));
	LOOK(!write_to("/ro/f", "x") && errno == EROFS);
	LOOK(strstr(mount_flags_of("/ro"), "ro,nosuid,nodev,noexec"));
	LOOK(strstr(mount_flags_of("/atime"), "noatime") &&
	     strstr(mount_flags_of("/atime"), "nodiratime"));
	LOOK(str_eq(text_of("/new/deep/file"), "text"));
	LOOK(mkdir("/scratch/d", 0755) == 0);
	LOOK(strstr(mount_flags_of("/scratch"), "nosuid"));
	/* Read-only in the end, but a mount below it could be made. */
	LOOK(mkdir("/late/d", 0755) < 0 && errno == EROFS);
	LOOK(str_eq(text_of("/late/vol/f"), "text"));
	LOOK(leads_to("/copied", "/some/where"));
	LOOK(mkdir("/etc/x", 0755) < 0 && errno == EROFS && mkdir("/tmp/x", 0755) < 0);
}

static void test_volumes_with_their_flags_and_a_readonly_root(void **state)
{
	struct world *w = *state;

	if (world_skip())
		return;
	world_put(w, "vol/f", "text", 0644);
	world_link(w, "/some/where", "link");
	spec_add_mount(&w->spec, "/plain", "bind", "vol", NULL);
	spec_add_mount(&w->spec, "/ro", "bind", "vol", "bind,ro,nosuid,nodev,noexec");
	spec_add_mount(&w->spec, "/atime", "none", "vol", "rbind,noatime,nodiratime");
	spec_add_mount(&w->spec, "/new/deep/file", "bind", "vol/f", "bind");
	spec_add_mount(&w->spec, "/scratch", "tmpfs", "tmpfs", "nosuid,size=64k");
	spec_add_mount(&w->spec, "/late", "tmpfs", "tmpfs", "ro");
	spec_add_mount(&w->spec, "/late/vol", "bind", "vol", "rbind");
	spec_add_mount(&w->spec, "/copied", "bind", "link", "bind,copy-symlink");
	w->spec.root_readonly = true;
	world_ok(w, look_volumes);
}

static void look_copyup(struct world *w)
{
	struct stat st;

	(void)w;
	LOOK(str_eq(text_of("/data/d/f"), "kept"));
	LOOK(stat("/data/d/f", &st) == 0 && st.st_mode == (S_IFREG | 04751) && st.st_uid == 7);
	LOOK(leads_to("/data/l", "d/f"));
	LOOK(write_to("/data/d/f", "gone"));
}

static void test_tmpcopyup_brings_what_the_tmpfs_hides(void **state)
{
	struct world *w = *state;
	CLEAN(free) char *file = xasprintf("%s/rootfs/data/d/f", w->dir);

	if (world_skip())
		return;
	world_put(w, "rootfs/data/d/f", "kept", 0644);
	world_link(w, "d/f", "rootfs/data/l");
	assert_int_equal(chown(file, 7, 8) | chmod(file, 04751), 0);
	spec_add_mount(&w->spec, "/data", "tmpfs", "tmpfs", "tmpcopyup");
	world_ok(w, look_copyup);
	assert_string_equal(text_of(file), "kept");
}

static void look_protected(struct world *w)
{
	struct stat st;

	(void)w;
	LOOK(str_eq(text_of("/secret"), "") && write_to("/secret", "x"));
	LOOK(stat("/secret", &st) == 0 && st.st_rdev == makedev(1, 3));
	LOOK(access("/hidden/key", F_OK) < 0 && access("/hidden2/key", F_OK) < 0);
	LOOK(mkdir("/hidden/x", 0755) < 0 && errno == EROFS);
	LOOK(mkdir("/hidden2/x", 0755) < 0 && errno == EROFS);
	LOOK(!write_to("/fixed/f", "x") && errno == EROFS);
	LOOK(write_to("/fixed/vol/f", "y"));
	LOOK(strstr(mount_flags_of("/proc/sys"), "ro,nosuid,nodev,noexec"));
	LOOK(!write_to("/proc/sys/kernel/hostname", "x") && errno == EROFS);
	LOOK(access("/proc/sysrq-trigger", W_OK) < 0);
	LOOK(str_eq(text_of("/proc/keys"), ""));
}

static void test_masked_and_readonly_paths(void **state)
{
	struct world *w = *state;

	if (world_skip())
		return;
	world_put(w, "rootfs/secret", "key", 0600);
	world_put(w, "rootfs/hidden/key", "key", 0600);
	world_put(w, "rootfs/hidden2/key", "key", 0600);
	world_put(w, "rootfs/fixed/f", "text", 0644);
	world_put(w, "vol/f", "text", 0644);
	spec_add_mount(&w->spec, "/fixed/vol", "bind", "vol", "bind");
	strv_add(&w->spec.lin.readonly_paths, "/fixed");
	strv_add(&w->spec.lin.readonly_paths, "/not/there");
	strv_add(&w->spec.lin.masked_paths, "/secret");
	strv_add(&w->spec.lin.masked_paths, "/hidden/");
	strv_add(&w->spec.lin.masked_paths, "/hidden2");
	strv_add(&w->spec.lin.masked_paths, "/secret/below-a-file");
	world_ok(w, look_protected);
}

static void test_a_forged_dev_null_masks_nothing(void **state)
{
	struct world *w = *state;

	if (world_skip())
		return;
	world_put(w, "rootfs/secret", "key", 0600);
	world_put(w, "forged/null", "mine", 0666);
	world_mounts_keep(w, 1);
	spec_add_mount(&w->spec, "/dev", "bind", "forged", "bind");
	strv_add(&w->spec.lin.masked_paths, "/secret");
	fails(w, ENODEV, "/dev/null is not the device 1:3");
}

static void look_devices(struct world *w)
{
	struct stat st;

	(void)w;
	LOOK(is_node("/dev/mine", 0600, makedev(1, 5)));
	LOOK(stat("/dev/deep/block", &st) == 0 && st.st_mode == (S_IFBLK | 0666) &&
	     st.st_uid == 3 && st.st_gid == 4);
	LOOK(stat("/srv/pipe", &st) == 0 && st.st_mode == (S_IFIFO | 0622));
	LOOK(is_node("/dev/u", 0666, makedev(1, 8)));
}

static void device(struct world *w, const char *path, char type, int64_t minor, unsigned int mode)
{
	struct spec_device *d = SPEC_ADD(&w->spec.lin.devices);

	*d = (struct spec_device){
		.path = xstrdup(path), .type = type, .major = 1, .minor = minor
	};
	if (mode)
		d->mode = (struct opt_u64){ true, mode };
}

static void test_devices_of_the_spec_with_owner_and_mode(void **state)
{
	struct world *w = *state;

	if (world_skip())
		return;
	device(w, "/dev/mine", 'c', 5, 0600);
	device(w, "/dev/deep/block", 'b', 0, 0);
	w->spec.lin.devices.items[1].uid = (struct opt_u64){ true, 3 };
	w->spec.lin.devices.items[1].gid = (struct opt_u64){ true, 4 };
	device(w, "/srv/pipe", 'p', 0, 0622);
	device(w, "/dev/u", 'u', 8, 0);
	world_ok(w, look_devices);
}

static void look_console(struct world *w)
{
	struct winsize size;
	struct stat st;
	char buf[16];
	int fd;

	LOOK(stat("/dev/console", &st) == 0 && major(st.st_rdev) == 136 && st.st_uid == 77);
	fd = open("/dev/console", O_RDWR | O_NOCTTY);
	LOOK(fd >= 0 && isatty(fd));
	LOOK(ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row == 31 && size.ws_col == 117);
	LOOK(write(fd, "hello", 5) == 5);
	LOOK(read(w->master, buf, sizeof(buf)) == 5 && memcmp(buf, "hello", 5) == 0);
}

static void test_the_console_is_the_containers_own_terminal(void **state)
{
	struct world *w = *state;

	if (world_skip())
		return;
	w->spec.process.terminal = true;
	w->spec.process.uid = 77;
	w->rows = 31;
	w->columns = 117;
	world_ok(w, look_console);
}

static void test_a_console_without_devpts_or_on_a_symlink_is_refused(void **state)
{
	struct world *w = *state;

	if (world_skip())
		return;
	w->spec.process.terminal = true;
	world_put(w, "fake/pts/ptmx", "x", 0666);
	world_put(w, "fake/shm/x", "x", 0666);
	world_mounts_keep(w, 1);
	spec_add_mount(&w->spec, "/dev", "bind", "fake", "rbind");
	fails(w, ENODEV, "process.terminal: /dev/pts/ptmx is not a devpts's");
	world_mounts_keep(w, 1);
	fails(w, ENOENT, "process.terminal: mounts has no devpts at /dev/pts");
	world_link(w, "/etc/passwd", "rootfs/dev/console");
	spec_add_mount(&w->spec, "/dev/pts", "devpts", "devpts", "newinstance,ptmxmode=0666");
	fails(w, ELOOP, "process.terminal: /dev/console in the rootfs");
}

static void test_mount_errors_name_the_mount_and_guess_the_reason(void **state)
{
	struct world *w = *state;
	size_t n = w->spec.mounts.count;

	if (world_skip())
		return;
	spec_add_mount(&w->spec, "/x", "nofs", "nofs", "");
	fails(w, ENODEV, "(/x): mount nofs: No such device (the kernel has no such filesystem");
	world_mounts_keep(w, n);
	spec_add_mount(&w->spec, "/x", "tmpfs", "tmpfs", "size=many");
	fails(w, EINVAL,
	      "(/x): mount tmpfs with the options \"size=many\": Invalid argument (an option");
	world_mounts_keep(w, n);
	spec_add_mount(&w->spec, "/etc/passwd", "tmpfs", "tmpfs", "");
	fails(w, ENOTDIR, "(/etc/passwd): ");
	world_mounts_keep(w, n);
	spec_add_mount(&w->spec, "/etc/passwd", "bind", "rootfs", "bind");
	fails(w, ENOTDIR, "is a folder, and what the rootfs has at /etc/passwd is not");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_remove)

/*
 * From here on an older kernel: no openat2, so paths are walked; no open_tree_attr, so attributes
 * take a call of their own.
 */
static int grow_old(void **state)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 467 /* open_tree_attr */, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = ARRAY_LEN(code), .filter = code };

	(void)state;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) |
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_default_container_has_its_own_mounts_and_devices_and_no_others),
		TEST(test_without_pivot_the_root_is_moved),
		TEST(test_proc_on_a_symlink_is_refused),
		TEST(test_a_sysfs_below_a_symlink_is_refused_before_anything_is_made_there),
		TEST(test_symlinks_in_destinations_stay_inside),
		TEST(test_a_symlink_that_leads_a_volume_into_proc_is_refused),
		TEST(test_volumes_with_their_flags_and_a_readonly_root),
		TEST(test_tmpcopyup_brings_what_the_tmpfs_hides),
		TEST(test_masked_and_readonly_paths),
		TEST(test_a_forged_dev_null_masks_nothing),
		TEST(test_devices_of_the_spec_with_owner_and_mode),
		TEST(test_the_console_is_the_containers_own_terminal),
		TEST(test_a_console_without_devpts_or_on_a_symlink_is_refused),
		TEST(test_mount_errors_name_the_mount_and_guess_the_reason),
	};

	return cmocka_run_group_tests(tests, world_group_make, NULL) |
	       cmocka_run_group_tests_name("on an older kernel", tests, grow_old,
					   world_group_remove);
}
