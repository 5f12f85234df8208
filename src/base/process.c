#include "base/process.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

pid_t process_clone(uint64_t flags, int cgroup_fd, int *ret_pidfd)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		/* CLONE_PARENT takes the parent's and refuses one of ours. */
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
	};
	long pid;

	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		return -errno;
	if (pid > 0)
		*ret_pidfd = pidfd;
	return (pid_t)pid;
}

static int wait_for(int pidfd, int flags, int *ret_status)
{
	siginfo_t info = { 0 };

	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | flags) < 0)
		if (errno != EINTR)
			return -errno;
	if (info.si_code == CLD_EXITED)
		*ret_status = (info.si_status & 0xff) << 8;
	else
		*ret_status = (info.si_status & 0x7f) | (info.si_code == CLD_DUMPED ? 0x80 : 0);
	return 0;
}

int process_wait(int pidfd, int *ret_status)
{
	return wait_for(pidfd, 0, ret_status);
}

int process_peek(int pidfd, int *ret_status)
{
	return wait_for(pidfd, WNOWAIT, ret_status);
}

/* As <linux/pidfd.h> has it from 6.15 on. */
#define PIDFD_INFO_WITH_EXIT (UINT64_C(1) << 3)
struct pidfd_info_exit {
	uint64_t mask, cgroupid;
	uint32_t ids[11];
	int32_t exit_code;
};
#define PIDFD_ASK_INFO _IOWR(0xFF, 11, struct pidfd_info_exit)

int process_exit_status(int pidfd, int *ret_status)
{
	struct pidfd_info_exit info = { .mask = PIDFD_INFO_WITH_EXIT };

	if (ioctl(pidfd, PIDFD_ASK_INFO, &info) < 0)
		return -errno;
	if (!(info.mask & PIDFD_INFO_WITH_EXIT))
		return -ESRCH;
	*ret_status = info.exit_code;
	return 0;
}

bool process_ended(int pidfd, int timeout_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, timeout_ms);
	while (n < 0 && errno == EINTR && timeout_ms <= 0);
	return n > 0;
}

int process_signal(int pidfd, int signal)
{
	return pidfd_send_signal(pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int process_exit_code(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* A number of /proc/PID/stat. */
static int stat_field(pid_t pid, int which, uint64_t *ret)
{
	char path[32], text[1024], *p;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	{
		CLEAN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			return errno == ENOENT ? -ESRCH : -errno;
		n = fd_read_all(fd, text, sizeof(text) - 1);
	}
	if (n <= 0)
		return n < 0 ? (int)n : -ESRCH;
	text[n] = '\0';
	/* The name in field 2 may hold anything, also ") ": its end is the last one. */
	p = strrchr(text, ')');
	for (int field = 2; p && field < which; field++)
		p = strchr(p + 1, ' ');
	if (!p)
		return -EIO;
	*ret = strtoull(p + 1, NULL, 10);
	return 0;
}

int process_start_time(pid_t pid, uint64_t *ret_ticks)
{
	return stat_field(pid, 22, ret_ticks);
}

int process_parent(pid_t pid, pid_t *ret)
{
	uint64_t number = 0;
	int rc = stat_field(pid, 4, &number);

	*ret = (pid_t)number;
	return rc;
}

static int open_started(pid_t pid, uint64_t from_ticks, uint64_t to_ticks)
{
	CLEAN(fd) int fd = pidfd_open(pid, 0);
	uint64_t start;
	int rc;

	/* By now it may be the number of a thread: EINVAL or, on newer kernels, ENOENT. */
	if (fd < 0)
		return errno == EINVAL || errno == ENOENT ? -ESRCH : -errno;
	/* Looked at after the open: if the number was given away in between, the time differs. */
	rc = process_start_time(pid, &start);
	if (rc < 0)
		return rc;
	return start >= from_ticks && start <= to_ticks ? take_fd(&fd) : -ESRCH;
}

int process_open(pid_t pid, uint64_t start_ticks)
{
	return open_started(pid, start_ticks, start_ticks);
}

int process_open_of(pid_t pid, uint64_t seen_ticks)
{
	return open_started(pid, 0, seen_ticks);
}

bool process_named_by(const char *variable)
{
	const char *text = getenv(variable);
	uint64_t pid;

	return text && str_to_u64(text, 1, INT_MAX, &pid) == 0 && (pid_t)pid == getpid();
}

int process_signal_from_name(const char *name)
{
	uint64_t number;

	if (str_to_u64(name, 1, 64, &number) == 0)
		return (int)number;
	if (!strncasecmp(name, "SIG", 3))
		name += 3;
	for (int i = 1; i < NSIG; i++) {
		const char *known = sigabbrev_np(i);

		if (known && !strcasecmp(known, name))
			return i;
	}
	if (!strncasecmp(name, "RTMIN", 5) && (!name[5] || name[5] == '+') &&
	    str_to_u64(name[5] ? name + 6 : "0", 0, 30, &number) == 0)
		return SIGRTMIN + (int)number;
	return -EINVAL;
}

const char *process_signal_name(int signal)
{
	static char text[16];
	const char *name = signal > 0 && signal < NSIG ? sigabbrev_np(signal) : NULL;

	if (!name)
		return NULL;
	snprintf(text, sizeof(text), "SIG%s", name);
	return text;
}
