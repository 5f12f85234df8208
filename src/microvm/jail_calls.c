/* The system calls of each kind of thread, as a filter. */
#include "microvm/jail_calls.h"

#include "base/str.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define CALLS_MAX 96

/* Memory, locks between threads, signals among them, their ends: what each thread's C library does. */
static const uint16_t common[] = {
	SYS_futex,           SYS_mmap,        SYS_munmap,        SYS_mprotect,
	SYS_mremap,          SYS_madvise,     SYS_brk,           SYS_rt_sigreturn,
	SYS_rt_sigprocmask,  SYS_exit,        SYS_exit_group,    SYS_gettid,
	SYS_getpid,          SYS_tkill,       SYS_clock_gettime, SYS_sched_yield,
	SYS_restart_syscall, SYS_read,        SYS_write,         SYS_writev,
	SYS_close,           SYS_poll,        SYS_epoll_ctl,     SYS_prctl,
	SYS_set_robust_list, SYS_sigaltstack, /* a sanitized build's threads */
};

static const uint16_t cpu[] = { SYS_ioctl, SYS_timerfd_settime };

static const uint16_t device[] = {
	SYS_epoll_pwait, SYS_readv,    SYS_preadv, SYS_pwritev,  SYS_fdatasync, SYS_getrandom,
	SYS_accept4,     SYS_recvfrom, SYS_sendto, SYS_shutdown, SYS_ioctl,     SYS_timerfd_settime,
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
};

/* Beside those of a device: only unix sockets are there to connect to. */
static const uint16_t caller[] = {
	SYS_epoll_pwait, SYS_readv,    SYS_getrandom, SYS_accept4, SYS_recvfrom,
	SYS_sendto,      SYS_shutdown, SYS_socket,    SYS_connect,
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
};

/* fuse.h */
static const uint16_t share[] = {
	SYS_capget,     SYS_capset,       SYS_copy_file_range, SYS_fallocate, SYS_fchmodat,
	SYS_fchown,     SYS_fchmod,       SYS_fchownat,        SYS_fdatasync, SYS_fgetxattr,
	SYS_flistxattr, SYS_fremovexattr, SYS_fsetxattr,       SYS_fstatfs,   SYS_fsync,
	SYS_ftruncate,  SYS_getdents64,   SYS_linkat,          SYS_lseek,     SYS_mkdirat,
	SYS_mknodat,    SYS_openat,       SYS_preadv,          SYS_pwritev,   SYS_readlinkat,
	SYS_renameat2,  SYS_setfsgid,     SYS_setfsuid,        SYS_statx,     SYS_symlinkat,
	SYS_syncfs,     SYS_umask,        SYS_unlinkat,        SYS_unshare,   SYS_utimensat,
	SYS_fstat,      SYS_newfstatat,   SYS_epoll_pwait,     SYS_fcntl,     SYS_geteuid,
	SYS_getegid,    SYS_sysinfo, /* a glibc's qsort() asks for it once */
};

/* control.h */
static const uint16_t control[] = {
	SYS_ioctl,           SYS_accept4,         SYS_recvfrom,  SYS_sendto,     SYS_epoll_pwait,
	SYS_timerfd_gettime, SYS_timerfd_settime, SYS_recvmsg,   SYS_fstat,      SYS_ftruncate,
	SYS_lseek,           SYS_pwrite64,        SYS_getrandom, SYS_newfstatat,
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
};

/* Processors are its threads: what they may do, it must be able to. */
static const uint16_t owner[] = {
	SYS_timerfd_gettime,
	SYS_timerfd_settime,
	SYS_ioctl,
	SYS_fcntl,
	SYS_clone,
	SYS_clone3,
	SYS_rt_sigaction,
	SYS_fstat,
	SYS_sendto,
	SYS_recvfrom,
	SYS_seccomp,
	SYS_capget,
	SYS_capset,
	/* For the threads that it makes, which confine themselves. */
	SYS_landlock_create_ruleset,
	SYS_landlock_add_rule,
	SYS_landlock_restrict_self,
};

static const uint16_t relay[] = {
	SYS_ioctl, SYS_fcntl, SYS_fstat, SYS_sendto, SYS_recvfrom,
};

static const uint16_t hearer[] = {
	SYS_recvmsg, SYS_sendto, SYS_fcntl,           SYS_fstat,
	SYS_waitid,  SYS_ioctl,  SYS_timerfd_settime, SYS_pidfd_send_signal,
};

static const struct {
	const uint16_t *calls;
	size_t count;
} threads[] = {
	[JAIL_CPU] = { cpu, ARRAY_LEN(cpu) },
	[JAIL_DEVICE] = { device, ARRAY_LEN(device) },
	[JAIL_CALLER] = { caller, ARRAY_LEN(caller) },
	[JAIL_CONSOLE] = { NULL, 0 },
	[JAIL_SHARE] = { share, ARRAY_LEN(share) },
	[JAIL_CONTROL] = { control, ARRAY_LEN(control) },
	[JAIL_OWNER] = { owner, ARRAY_LEN(owner) },
	[JAIL_RELAY] = { relay, ARRAY_LEN(relay) },
	[JAIL_HEARER] = { hearer, ARRAY_LEN(hearer) },
};

/* Allowed numbers one by one: a jump over what is left of them to the last instruction. */
static size_t add(struct sock_filter *to, const uint16_t *calls, size_t count, size_t left)
{
	for (size_t i = 0; i < count; i++)
		to[i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i],
						     (uint8_t)(left - i), 0);
	return count;
}

int jail_calls(enum jail_thread what, struct err *err)
{
	struct sock_filter filter[CALLS_MAX + 8] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog program = { .filter = filter };
	size_t n = 4, all;

	all = ARRAY_LEN(common) + threads[what].count;
	n += add(filter + n, common, ARRAY_LEN(common), all);
	n += add(filter + n, threads[what].calls, threads[what].count, threads[what].count);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = (unsigned short)n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return err_sys(err, "filter a thread's system calls");
	return 0;
}
