/* Try a thing that should not be possible, and say what the kernel said: "ok" or the errno's name. */
#include "probe.h"

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static long call_reboot(void)
{
	/* Only switches ctrl-alt-del; harmless where it is allowed. */
	return syscall(SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef, NULL);
}

static long call_init_module(void)
{
	return syscall(SYS_init_module, "", 0ul, "");
}

static long call_finit_module(void)
{
	return syscall(SYS_finit_module, -1, "", 0);
}

static long call_delete_module(void)
{
	return syscall(SYS_delete_module, "nosuchmodule", O_NONBLOCK);
}

static long call_kexec(void)
{
	return syscall(SYS_kexec_load, 0ul, 0ul, NULL, 0ul);
}

static long call_bpf(void)
{
	char attr[128] = { 1 };

	return syscall(SYS_bpf, 0, attr, sizeof(attr));
}

static long call_perf(void)
{
	unsigned int attr[32] = { 1, 128 };

	return syscall(SYS_perf_event_open, attr, 0, -1, -1, 0ul);
}

static long call_io_uring(void)
{
	unsigned int params[30] = { 0 };

	return syscall(SYS_io_uring_setup, 4u, params);
}

static long call_keyctl(void)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
}

static long call_add_key(void)
{
	return syscall(SYS_add_key, "user", "probe", "x", 1ul, KEY_SPEC_PROCESS_KEYRING);
}

static long call_userfaultfd(void)
{
	/* 1: faults of user space only, which needs no right on any kernel. */
	return syscall(SYS_userfaultfd, O_CLOEXEC | 1);
}

static long call_unshare_user(void)
{
	return unshare(CLONE_NEWUSER);
}

static long call_unshare_mount(void)
{
	return unshare(CLONE_NEWNS);
}

static long call_clone_user(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0ul, 0ul, 0ul, 0ul);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long call_clone3_user(void)
{
	struct {
		unsigned long long flags, rest[10];
	} args = { .flags = CLONE_NEWUSER };
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	return pid;
}

static long call_mount(void)
{
	return mount("none", "/mnt", "tmpfs", 0, NULL);
}

static long call_umount(void)
{
	return umount2("/proc", MNT_DETACH);
}

static long call_pivot_root(void)
{
	return syscall(SYS_pivot_root, "/", "/");
}

static long call_fsopen(void)
{
	return syscall(SYS_fsopen, "tmpfs", 0);
}

static long call_open_by_handle(void)
{
	struct {
		unsigned int bytes;
		int type;
		unsigned char handle[8];
	} h = { 8, 1, { 2 } };

	return syscall(SYS_open_by_handle_at, AT_FDCWD, &h, O_RDONLY);
}

static long call_setns(void)
{
	int fd = open("/proc/1/ns/net", O_RDONLY);

	return fd < 0 ? -1 : setns(fd, 0);
}

static long call_swapon(void)
{
	return swapon("/nosuchfile", 0);
}

static long call_settimeofday(void)
{
	struct timeval tv;

	gettimeofday(&tv, NULL);
	return settimeofday(&tv, NULL);
}

static long call_iopl(void)
{
	return iopl(3);
}

static long call_quotactl(void)
{
	return syscall(SYS_quotactl, 0x80000100, NULL, 0, NULL);
}

static long call_acct(void)
{
	return acct(NULL);
}

static long call_syslog(void)
{
	char text[16];

	return syscall(SYS_syslog, 3, text, (int)sizeof(text));
}

static long call_sethostname(void)
{
	return sethostname("taken", 5);
}

static long call_personality(void)
{
	return personality(0x0400000 /* READ_IMPLIES_EXEC */);
}

static long call_ptrace(void)
{
	pid_t pid = fork();
	long r;

	if (pid == 0) {
		pause();
		_exit(0);
	}
	r = ptrace(PTRACE_ATTACH, pid, NULL, NULL);
	kill(pid, SIGKILL);
	return r;
}

static long call_tiocsti(void)
{
	return ioctl(0, TIOCSTI, "x");
}

static long call_raw_disk(void)
{
	return mknod("/probe-disk", S_IFBLK | 0600, 8 << 8) < 0 ? -1 :
								  open("/probe-disk", O_RDONLY);
}

static const struct {
	const char *name;
	long (*call)(void);
} calls[] = {
	{ "reboot", call_reboot },
	{ "init_module", call_init_module },
	{ "finit_module", call_finit_module },
	{ "delete_module", call_delete_module },
	{ "kexec_load", call_kexec },
	{ "bpf", call_bpf },
	{ "perf_event_open", call_perf },
	{ "io_uring_setup", call_io_uring },
	{ "keyctl", call_keyctl },
	{ "add_key", call_add_key },
	{ "userfaultfd", call_userfaultfd },
	{ "unshare-user", call_unshare_user },
	{ "unshare-mount", call_unshare_mount },
	{ "clone-user", call_clone_user },
	{ "clone3-user", call_clone3_user },
	{ "mount", call_mount },
	{ "umount", call_umount },
	{ "pivot_root", call_pivot_root },
	{ "fsopen", call_fsopen },
	{ "open_by_handle_at", call_open_by_handle },
	{ "setns", call_setns },
	{ "swapon", call_swapon },
	{ "settimeofday", call_settimeofday },
	{ "iopl", call_iopl },
	{ "quotactl", call_quotactl },
	{ "acct", call_acct },
	{ "syslog", call_syslog },
	{ "sethostname", call_sethostname },
	{ "personality", call_personality },
	{ "ptrace", call_ptrace },
	{ "tiocsti", call_tiocsti },
	{ "raw-disk", call_raw_disk },
};

static void said(const char *name, long r)
{
	printf("%s %s\n", name, r >= 0 ? "ok" : strerrorname_np(errno));
}

static int run_try(int argc, char **argv)
{
	for (int a = 1; a < argc; a++) {
		unsigned int i = 0;

		while (i < sizeof(calls) / sizeof(calls[0]) && strcmp(calls[i].name, argv[a]) != 0)
			i++;
		if (i == sizeof(calls) / sizeof(calls[0])) {
			fprintf(stderr, "probe: nothing called %s to try\n", argv[a]);
			return 64;
		}
		errno = 0;
		said(argv[a], calls[i].call());
		fflush(stdout);
	}
	return 0;
}

/* socket FAMILY TYPE PROTOCOL, as numbers */
static int run_socket(int argc, char **argv)
{
	if (argc != 4)
		return 64;
	said("socket", socket(atoi(argv[1]), atoi(argv[2]), atoi(argv[3])));
	return 0;
}

/* Write a byte to a file that must not be changed. */
static int run_write(int argc, char **argv)
{
	int fd;

	if (argc != 2)
		return 64;
	fd = open(argv[1], O_WRONLY);
	said("open", fd);
	if (fd >= 0)
		said("write", write(fd, "x", 1));
	return 0;
}

const struct verb call_verbs[] = {
	{ "try", "CALL...", run_try },
	{ "socket", "FAMILY TYPE PROTOCOL", run_socket },
	{ "write", "FILE", run_write },
	{ 0 },
};
