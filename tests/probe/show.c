/* What a process sees of itself. */
#include "probe.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

/* "caps: inheritable permitted effective bounding ambient" as hex words */
static int run_caps(int argc, char **argv)
{
	static const char *const names[] = { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" };
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");

	(void)argc;
	(void)argv;
	while (f && fgets(line, sizeof(line), f))
		for (int i = 0; i < 5; i++)
			if (!strncmp(line, names[i], 6))
				printf("%.6s %llx\n", line, strtoull(line + 7, NULL, 16));
	return f ? 0 : 1;
}

/* One line per open fd: "N TARGET". */
static int run_fds(int argc, char **argv)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;

	(void)argc;
	(void)argv;
	while (dir && (e = readdir(dir))) {
		char path[300], target[512];
		ssize_t n;

		if (e->d_name[0] == '.' || atoi(e->d_name) == dirfd(dir))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%s", e->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		printf("%s %.*s\n", e->d_name, n < 0 ? 0 : (int)n, target);
	}
	return dir ? 0 : 1;
}

static void show_rlimits(void)
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit r;

		if (getrlimit(i, &r) == 0)
			printf("rlimit %d %llu %llu\n", i, (unsigned long long)r.rlim_cur,
			       (unsigned long long)r.rlim_max);
	}
}

static void show_file(const char *label, const char *path)
{
	char text[256] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	printf("%s %s\n", label, text);
	if (fd >= 0)
		close(fd);
}

/* Everything that config.json's process object sets, one word and its value a line. */
static int run_self(int argc, char **argv)
{
	struct sched_param sp = { 0 };
	cpu_set_t cpus;
	gid_t groups[64];
	mode_t mask = umask(0);
	int n = getgroups(64, groups), mode = -1;
	char cwd[4096];

	(void)argc;
	(void)argv;
	printf("uid %u\ngid %u\ngroups", getuid(), getgid());
	for (int i = 0; i < n; i++)
		printf(" %u", groups[i]);
	printf("\numask %04o\n", mask);
	printf("cwd %s\n", getcwd(cwd, sizeof(cwd)) ? cwd : "?");
	printf("no_new_privs %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	printf("seccomp %d\n", prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
	printf("dumpable %d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	printf("personality %x\n", personality(0xffffffff));
	sched_getparam(0, &sp);
	printf("scheduler %d %d\n", sched_getscheduler(0), sp.sched_priority);
	printf("nice %d\n", getpriority(PRIO_PROCESS, 0));
	printf("ioprio %ld\n", syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0));
	if (syscall(SYS_get_mempolicy, &mode, NULL, 0ul, NULL, 0ul) == 0)
		printf("mempolicy %d\n", mode);
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		printf("cpus %d\n", CPU_COUNT(&cpus));
	printf("sid %d pgrp %d pid %d\n", getsid(0), getpgrp(), getpid());
	show_file("oom_score_adj", "/proc/self/oom_score_adj");
	show_rlimits();
	return 0;
}

static int run_tty(int argc, char **argv)
{
	struct winsize w = { 0 };

	(void)argc;
	(void)argv;
	for (int fd = 0; fd < 3; fd++)
		printf("fd %d %s\n", fd, isatty(fd) ? ttyname(fd) ? ttyname(fd) : "tty" : "no");
	if (ioctl(0, TIOCGWINSZ, &w) == 0)
		printf("size %u %u\n", w.ws_row, w.ws_col);
	printf("controlling %s\n", tcgetpgrp(0) == getpgrp() ? "yes" : "no");
	return 0;
}

const struct verb show_verbs[] = {
	{ "caps", "", run_caps },
	{ "fds", "", run_fds },
	{ "self", "", run_self },
	{ "tty", "", run_tty },
	{ 0 },
};
