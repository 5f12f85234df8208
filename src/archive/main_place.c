/* The place of a job: the container's root and user namespace, out of which there is no way. */
#include "archive/main.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <locale.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define BIT(cap) (1u << ((cap)&31))

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000u
#endif

/* What a file's owner, mode and kind need. setns and chroot are over by now. */
static int keep_file_rights(struct err *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	uint32_t low = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) |
		       BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_MKNOD) | BIT(CAP_SETFCAP);

	if (syscall(SYS_capget, &head, data) < 0)
		return err_sys(err, "look at our rights");
	data[0].permitted &= low;
	data[0].effective = data[0].permitted;
	data[0].inheritable = 0;
	data[1] = (struct __user_cap_data_struct){ 0 };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &head, data) < 0)
		return err_sys(err, "give up rights");
	return 0;
}

static int enter_userns(const struct work *w, struct err *err)
{
	/* EINVAL: it is the one that we are in. */
	if (setns(w->userns, CLONE_NEWUSER) < 0)
		return errno == EINVAL ? 0 : err_sys(err, "enter the container's user namespace");
	/* Its maps may lack 0, and it may have denied setgroups: rights we have there all the same. */
	(void)!setgroups(0, NULL);
	(void)!setresgid(0, 0, 0);
	(void)!setresuid(0, 0, 0);
	return 0;
}

int place_enter(struct work *w, struct err *err)
{
	struct rlimit files;
	int rc = 0;

	/* Both of the host, and before the root is the container's: nothing is loaded from there. */
	setlocale(LC_CTYPE, "C.UTF-8");
	w->proc = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w->proc < 0)
		return err_sys(err, "open /proc/self/fd");
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)!setrlimit(RLIMIT_NOFILE, &files);
	}
	if (w->userns >= 0)
		rc = enter_userns(w, err);
	if (rc == 0 && !has(w, ARCHIVE_HOST) && (fchdir(w->root) < 0 || chroot(".") < 0))
		rc = err_sys(err, "lock us into the container's root");
	return rc < 0 ? rc : keep_file_rights(err);
}

int place_reopen(const struct work *w, int fd)
{
	char number[16];
	int again;

	snprintf(number, sizeof(number), "%d", fd);
	again = openat(w->proc, number, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return again < 0 ? -errno : again;
}

int place_path(const struct work *w, int fd, char *ret, size_t room)
{
	char number[16];
	ssize_t len;

	snprintf(number, sizeof(number), "%d", fd);
	len = readlinkat(w->proc, number, ret, room - 1);
	if (len < 0)
		return -errno;
	ret[len] = '\0';
	return ret[0] == '/' ? 0 : -ENOENT;
}

uint64_t place_mount(int fd)
{
	struct statx stx = { 0 };

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0 || !(stx.stx_mask & STATX_MNT_ID))
		return 0;
	return stx.stx_mnt_id;
}

bool place_is_pseudo(int fd)
{
	static const unsigned int kinds[] = {
		PROC_SUPER_MAGIC,   SYSFS_MAGIC,    CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
		DEVPTS_SUPER_MAGIC, 0x19800202u,    SECURITYFS_MAGIC,   DEBUGFS_MAGIC,
		TRACEFS_MAGIC,      BPF_FS_MAGIC,   EFIVARFS_MAGIC,     SELINUX_MAGIC,
		BINFMTFS_MAGIC,     PSTOREFS_MAGIC, 0x62656570u, /* configfs */
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if ((unsigned int)fs.f_type == kinds[i])
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int place_names(int dir, struct strv *ret, struct err *err)
{
	CLEAN(fd) int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(dir) DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!entries)
		return err_sys(err, "read a folder");
	take_fd(&fd);
	while ((errno = 0, entry = readdir(entries)))
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			strv_add(ret, entry->d_name);
	if (errno)
		return err_sys(err, "read a folder");
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
	return 0;
}

const char *shown(const char *path, char *buf, size_t room)
{
	size_t i = 0;

	for (; i < room - 1 && path[i]; i++)
		buf[i] = (unsigned char)path[i] < 0x20 || path[i] == 0x7f ? '?' : path[i];
	buf[i] = '\0';
	return buf;
}

bool xattr_wanted(const char *name)
{
	if (str_eq(name, "security.capability"))
		return true;
	/* An overlay's marks would mean another thing in the next overlay. */
	return str_starts(name, "user.") && !str_starts(name, "user.overlay.");
}
