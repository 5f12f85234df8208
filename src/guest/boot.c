#include "guest/boot.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "netns/loopback.h"
#include "wire/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MODULES "/modules/"
#define MODULES_LIST MODULES "load"
#define MODULES_MAX 65536
#define NEW_ROOT "/new"

/* In this order. The kernel makes the folders of those below others. */
static const struct system_mount {
	const char *source, *target, *type;
	unsigned long flags;
	const char *data;
} mounts[] = {
	{ "tmpfs", NEW_ROOT, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755" },
	{ "proc", NEW_ROOT "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
	{ "sysfs", NEW_ROOT "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
	{ "cgroup2", NEW_ROOT "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
	{ "devtmpfs", NEW_ROOT "/dev", "devtmpfs", MS_NOSUID | MS_NOEXEC, "mode=755" },
	{ "devpts", NEW_ROOT "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "ptmxmode=666" },
	{ "tmpfs", NEW_ROOT "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755" },
};

static int load_module(const char *name, struct err *err)
{
	CLEAN(free) char *path = xasprintf(MODULES "%s", name);
	CLEAN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "open %s of the initramfs", path);
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		return err_sys(err, "load the kernel module %s", name);
	unlink(path);
	return 0;
}

/* One name a line, each behind those that it needs. */
static int load_modules(struct err *err)
{
	CLEAN(free) char *text = NULL;
	CLEAN(strv) struct strv names = { 0 };
	int rc;

	if (access(MODULES_LIST, F_OK) < 0)
		return 0;
	rc = file_read(AT_FDCWD, MODULES_LIST, MODULES_MAX, &text, NULL, err);
	if (rc == 0)
		strv_split(&names, text, '\n');
	for (size_t i = 0; rc == 0 && i < names.count; i++)
		if (*names.items[i])
			rc = load_module(names.items[i], err);
	return rc;
}

static int make_folder(const char *path, struct err *err)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(err, "make the folder %s", path);
	return 0;
}

static int mount_all(struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(mounts); i++) {
		const struct system_mount *m = &mounts[i];
		int rc = make_folder(m->target, err);

		if (rc < 0)
			return rc;
		if (mount(m->source, m->target, m->type, m->flags, m->data) < 0)
			return err_sys(err, "mount %s at %s", m->type, m->target);
	}
	return 0;
}

static int go_to_root(struct err *err)
{
	if (chdir(NEW_ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		return err_sys(err, "go to a root of our own");
	return 0;
}

int boot_system(struct err *err)
{
	int rc = load_modules(err);

	umask(022);
	if (rc == 0)
		rc = mount_all(err);
	if (rc == 0)
		rc = go_to_root(err);
	return rc < 0 ? rc : netns_loopback_up(err);
}

static int mount_share(const char *target, struct err *err)
{
	int rc = make_folder(target, err);

	if (rc < 0)
		return rc;
	if (mount(WIRE_SHARE, target, "virtiofs", 0, NULL) < 0)
		return err_sys(err,
			       "mount the container's files, which the host shares (virtiofs)");
	return 0;
}

static int mount_image(const char *type, bool readonly, struct err *err)
{
	int rc = make_folder(WIRE_ROOTFS, err);

	if (rc < 0)
		return rc;
	if (mount(WIRE_IMAGE, WIRE_ROOTFS, type, readonly ? MS_RDONLY : 0, NULL) == 0)
		return 0;
	if (errno == EROFS)
		return err_sys(err,
			       "root.path: mount the image (%s), which was not unmounted and "
			       "has to be mended first: once without --read-only and "
			       "--overlay, or by e2fsck -p",
			       type);
	if (errno == ENODEV)
		return err_sys(err, "root.path: the guest's kernel doesn't know %s", type);
	return err_sys(err, "root.path: mount the image (%s); is it whole?", type);
}

int boot_rootfs(const char *image, bool readonly, struct err *err)
{
	int rc;

	if (!image)
		return mount_share(WIRE_ROOTFS, err);
	rc = mount_image(image, readonly, err);
	return rc < 0 ? rc : mount_share(WIRE_VOLUMES, err);
}

void boot_files_done(void)
{
	sync();
	/* An ext4 says then that it needs no repair. It is no matter to files that are shared. */
	(void)mount(NULL, WIRE_ROOTFS, NULL, MS_REMOUNT | MS_RDONLY, NULL);
}

int boot_dial(struct err *err)
{
	struct sockaddr_vm host = { .svm_family = AF_VSOCK,
				    .svm_port = WIRE_PORT,
				    .svm_cid = VMADDR_CID_HOST };
	CLEAN(fd) int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&host, sizeof(host)) < 0)
		return err_sys(err, "call the host (vsock, port %d)", WIRE_PORT);
	return take_fd(&fd);
}

int boot_listen(struct err *err)
{
	struct sockaddr_vm any = { .svm_family = AF_VSOCK,
				   .svm_port = WIRE_PORT,
				   .svm_cid = VMADDR_CID_ANY };
	CLEAN(fd) int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 128) < 0)
		return err_sys(err, "listen for the host (vsock, port %d)", WIRE_PORT);
	return take_fd(&fd);
}

void boot_off(void)
{
	boot_files_done();
	for (;;) {
		reboot(RB_POWER_OFF);
		pause();
	}
}
