/*
 * What our sources use of glibc 2.36 and musl 1.2 lacks: included in front of every file that is compiled
 * for musl, so that the sources themselves know one C library. Each call returns as in glibc.
 */
#ifndef CTR_MK_MUSL_FILL_H
#define CTR_MK_MUSL_FILL_H

#include <linux/mount.h>
#include <linux/stat.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* In glibc an enum; here the argument is an int. */
typedef int __rlimit_resource_t;

/* The first real-time signal is what payloads mean by that, and theirs is nearly always glibc's. musl keeps one
 * more for itself. */
#undef SIGRTMIN
#define SIGRTMIN 34

#define RENAME_NOREPLACE (1 << 0)
#define RWF_NOWAIT 0x00000008

/* ---- system calls without a wrapper ------------------------------------------------ */

static inline int open_tree(int dir, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, dir, path, flags);
}

static inline int move_mount(int from, const char *from_path, int to, const char *to_path,
			     unsigned int flags)
{
	return (int)syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

static inline int mount_setattr(int dir, const char *path, unsigned int flags,
				struct mount_attr *attr, size_t size)
{
	return (int)syscall(SYS_mount_setattr, dir, path, flags, attr, size);
}

static inline int fsopen(const char *type, unsigned int flags)
{
	return (int)syscall(SYS_fsopen, type, flags);
}

static inline int fsconfig(int fd, unsigned int cmd, const char *key, const void *value, int aux)
{
	return (int)syscall(SYS_fsconfig, fd, cmd, key, value, aux);
}

static inline int fsmount(int fd, unsigned int flags, unsigned int attributes)
{
	return (int)syscall(SYS_fsmount, fd, flags, attributes);
}

static inline int close_range(unsigned int first, unsigned int last, int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

static inline int execveat(int dir, const char *path, char *const argv[], char *const envp[],
			   int flags)
{
	return (int)syscall(SYS_execveat, dir, path, argv, envp, flags);
}

static inline int pidfd_open(pid_t pid, unsigned int flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static inline int pidfd_send_signal(int fd, int sig, siginfo_t *info, unsigned int flags)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}

static inline int renameat2(int from, const char *old, int to, const char *name, unsigned int flags)
{
	return (int)syscall(SYS_renameat2, from, old, to, name, flags);
}

static inline int statx(int dir, const char *path, int flags, unsigned int mask, struct statx *ret)
{
	return (int)syscall(SYS_statx, dir, path, flags, mask, ret);
}

/* The offset is two words for the kernel; the upper one is for processors of 32 bits. */
static inline ssize_t pwritev2(int fd, const struct iovec *v, int count, off_t offset, int flags)
{
	return syscall(SYS_pwritev2, fd, v, count, offset, 0L, flags);
}

/* ---- and functions (mk/musl/names.c) ----------------------------------------------- */

/* "EPERM" of 1, "HUP" of 1; NULL for a number without a name. */
const char *strerrorname_np(int code);
const char *sigabbrev_np(int sig);

/* Gives free pages back to the kernel (mk/musl/pages.c). */
int malloc_trim(size_t pad);

#endif
