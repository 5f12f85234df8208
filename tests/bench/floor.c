/*
 * The floor: each verb of a runtime by the fewest system calls that give the same walls as the default
 * container has, with no options, no bundle and no care for failure. What a runtime takes
 * beyond this is its own. CGROUP is a folder of a cgroup2 tree, FOLDER one for what is kept.
 *
 *   floor run ROOTFS CGROUP FOLDER CMD...       make it, wait for its end, remove it
 *   floor create ROOTFS CGROUP FOLDER CMD...
 *   floor start FOLDER
 *   floor state FOLDER
 *   floor exec CGROUP FOLDER CMD...
 *   floor delete CGROUP FOLDER                  by force
 *
 * FLOOR_FILTER in the environment: a file with the instructions of a seccomp filter.
 */
#include <fcntl.h>
#include <linux/bpf_common.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(call)                      \
	do {                            \
		if ((long)(call) < 0) { \
			perror(#call);  \
			_exit(125);     \
		}                       \
	} while (0)

/* Read before anything is made: the container has other files. */
static struct sock_fprog filter_prog;

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

static void filter(void)
{
	static struct sock_filter insns[BPF_MAXINSNS];
	struct sock_fprog prog = { .filter = insns };
	const char *path = getenv("FLOOR_FILTER");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (!path)
		return;
	MUST(fd);
	prog.len = (unsigned short)(read(fd, insns, sizeof(insns)) / (long)sizeof(*insns));
	filter_prog = prog;
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
	if (filter_prog.len)
		MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter_prog));
}

static int sock_in(const char *folder, struct sockaddr_un *addr)
{
	addr->sun_family = AF_UNIX;
	snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/start", folder);
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

static int pid_read(const char *folder)
{
	char path[4096], text[16] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/pid", folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	MUST(read(fd, text, sizeof(text) - 1));
	return atoi(text);
}

static void become(char **argv)
{
	char *const env[] = { "PATH=/bin", NULL };

	rights();
	execve(argv[0], argv, env);
	_exit(127);
}

/* listener: where the word to start comes from, < 0: none is waited for; ready: a pipe to tell it. */
static void child(const char *rootfs, int listener, int ready, char **argv)
{
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
	if (listener >= 0) {
		MUST(write(ready, "", 1));
		MUST(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	}
	become(argv);
}

static int clone_into(const char *cgroup, uint64_t flags)
{
	int group = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct clone_args args = {
		.flags = flags | CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)group,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	MUST(group);
	MUST(pid);
	return (int)pid;
}

static int reap(int pid)
{
	int status;

	MUST(waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}

#define SPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

/* ROOTFS CGROUP FOLDER CMD... */
static int run(char **arg)
{
	int pid, status;

	MUST(mkdir(arg[1], 0755));
	pid = clone_into(arg[1], SPACES);
	if (pid == 0)
		child(arg[0], -1, -1, arg + 3);
	status = reap(pid);
	MUST(rmdir(arg[1]));
	return status;
}

static int create(char **arg)
{
	struct sockaddr_un addr;
	int pid, fd, listener, ready[2];
	char path[4096], word;

	MUST(mkdir(arg[2], 0700));
	MUST(mkdir(arg[1], 0755));
	listener = sock_in(arg[2], &addr);
	MUST(bind(listener, (struct sockaddr *)&addr, sizeof(addr)));
	MUST(listen(listener, 1));
	MUST(pipe2(ready, O_CLOEXEC));
	pid = clone_into(arg[1], SPACES);
	if (pid == 0)
		child(arg[0], listener, ready[1], arg + 3);
	snprintf(path, sizeof(path), "%s/pid", arg[2]);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	MUST(dprintf(fd, "%d", pid));
	MUST(read(ready[0], &word, 1));
	return 0;
}

static int start(char **arg)
{
	struct sockaddr_un addr;
	int fd = sock_in(arg[0], &addr);
	char end;

	MUST(connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
	/* Its end closes with the exec. */
	MUST(read(fd, &end, 1));
	return 0;
}

static int state(char **arg)
{
	struct pollfd p = { .fd = pidfd_open(pid_read(arg[0]), 0), .events = POLLIN };

	MUST(p.fd);
	MUST(poll(&p, 1, 0));
	MUST(printf("{\"pid\": %d, \"status\": \"%s\"}\n", pid_read(arg[0]),
		    p.revents ? "stopped" : "running"));
	return 0;
}

static int exec(char **arg)
{
	int target = pidfd_open(pid_read(arg[1]), 0), pid;

	MUST(target);
	MUST(setns(target, CLONE_NEWPID));
	pid = clone_into(arg[0], 0);
	if (pid == 0) {
		MUST(setsid());
		MUST(setns(target, CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
					   CLONE_NEWCGROUP));
		become(arg + 2);
	}
	return reap(pid);
}

static int delete (char **arg)
{
	char path[4096];
	struct pollfd p = { .fd = pidfd_open(pid_read(arg[1]), 0), .events = POLLIN };
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.kill", arg[0]);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	MUST(write(fd, "1", 1));
	if (p.fd >= 0)
		MUST(poll(&p, 1, -1));
	MUST(rmdir(arg[0]));
	snprintf(path, sizeof(path), "%s/start", arg[1]);
	unlink(path);
	snprintf(path, sizeof(path), "%s/pid", arg[1]);
	unlink(path);
	MUST(rmdir(arg[1]));
	return 0;
}

static const struct {
	const char *name;
	int args;
	int (*act)(char **arg);
} verbs[] = { { "run", 4, run },     { "create", 4, create }, { "start", 1, start },
	      { "state", 1, state }, { "exec", 3, exec },     { "delete", 2, delete } };

int main(int argc, char **argv)
{
	int (*found)(char **arg) = NULL;

	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, argv[1]) == 0 && argc >= 2 + verbs[i].args)
			found = verbs[i].act;

	if (found) {
		filter();
		return found(argv + 2);
	}
	fprintf(stderr, "usage: see the top of floor.c\n");
	return 64;
}
