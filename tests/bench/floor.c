/*
 * The floor: a container by the fewest system calls that give the same walls as the default one
 * (no seccomp), with no options, no state and no care for failure. What a runtime takes beyond this
 * is its own. `floor ROOTFS CGROUP CMD`: CGROUP is a folder to be made in a cgroup2 tree.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(call)                      \
	do {                            \
		if ((long)(call) < 0) { \
			perror(#call);  \
			_exit(125);     \
		}                       \
	} while (0)

#define PLAIN (MS_NOSUID | MS_NODEV | MS_NOEXEC)

static const struct {
	const char *type, *at, *data;
	unsigned long flags;
} mounts[] = {
	{ "proc", "proc", NULL, PLAIN },
	{ "tmpfs", "dev", "mode=755,size=65536k", MS_NOSUID },
	{ "devpts", "dev/pts", "newinstance,ptmxmode=0666,mode=0620,gid=5", MS_NOSUID | MS_NOEXEC },
	{ "tmpfs", "dev/shm", "mode=1777,size=65536k", PLAIN },
	{ "mqueue", "dev/mqueue", NULL, PLAIN },
	{ "sysfs", "sys", NULL, PLAIN | MS_RDONLY },
	{ "cgroup2", "sys/fs/cgroup", NULL, PLAIN | MS_RDONLY },
};

static const struct {
	const char *at;
	unsigned int minor;
} nodes[] = { { "dev/null", 3 },
	      { "dev/zero", 5 },
	      { "dev/full", 7 },
	      { "dev/random", 8 },
	      { "dev/urandom", 9 } };

static const char *const read_only[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys",
					 "proc/sysrq-trigger" };
static const char *const masked[] = { "proc/kcore", "proc/keys", "proc/timer_list" };

static void loopback(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	MUST(ioctl(s, SIOCSIFFLAGS, &lo));
}

static void tree(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].at, 0755);
		MUST(mount(mounts[i].type, mounts[i].at, mounts[i].type, mounts[i].flags,
			   mounts[i].data));
	}
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		MUST(mknod(nodes[i].at, S_IFCHR | 0666, makedev(1, nodes[i].minor)));
	MUST(mknod("dev/tty", S_IFCHR | 0666, makedev(5, 0)));
	MUST(symlink("pts/ptmx", "dev/ptmx"));
	MUST(symlink("/proc/self/fd", "dev/fd"));
	for (size_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++) {
		if (mount(read_only[i], read_only[i], NULL, MS_BIND, NULL) < 0)
			continue; /* not every kernel has each of them */
		MUST(mount(NULL, read_only[i], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | PLAIN,
			   NULL));
	}
	for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++)
		(void)!mount("dev/null", masked[i], NULL, MS_BIND, NULL);
}

static void rights(void)
{
	/* Docker's default 14. */
	const uint32_t keep = 0xa80425fb;
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { keep, keep, 0 }, { 0, 0, 0 } };

	for (unsigned long cap = 0; cap <= 40; cap++)
		if (cap > 31 || !(keep >> cap & 1))
			MUST(prctl(PR_CAPBSET_DROP, cap));
	MUST(syscall(SYS_capset, &head, data));
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static void child(const char *rootfs, char **argv)
{
	char *const env[] = { "PATH=/bin", NULL };

	MUST(setsid());
	MUST(unshare(CLONE_NEWCGROUP));
	MUST(sethostname("floor", 5));
	loopback();
	MUST(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL));
	MUST(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL));
	MUST(chdir(rootfs));
	tree();
	MUST(syscall(SYS_pivot_root, ".", "."));
	MUST(umount2(".", MNT_DETACH));
	rights();
	execve(argv[0], argv, env);
	_exit(127);
}

int main(int argc, char **argv)
{
	struct clone_args args = {
		.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
			 CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
	};
	int status, group;
	long pid;

	if (argc < 4)
		return 64;
	MUST(mkdir(argv[2], 0755));
	group = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	args.cgroup = (uint64_t)group;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		child(argv[1], argv + 3);
	MUST(pid);
	MUST(waitpid((pid_t)pid, &status, 0));
	MUST(rmdir(argv[2]));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
