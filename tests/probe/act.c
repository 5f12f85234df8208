/* Things to do while somebody looks: take memory, wait for signals, give the processor no rest. */
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* Take that many MiB, touch them, say "held" and keep them. */
static int run_memory(int argc, char **argv)
{
	size_t mb = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	char *p = malloc(mb << 20);

	if (!p)
		return 1;
	memset(p, 1, mb << 20);
	/* Who only fills it and never looks at it is spared the work by the compiler. */
	__asm__ volatile("" : : "r"(p) : "memory");
	puts("held");
	fflush(stdout);
	pause();
	return 0;
}

static int run_spin(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (volatile unsigned long n = 1; n; n++)
		;
	return 0;
}

/* Say "ready", then the name of each signal that comes; SIGTERM ends it with status 42. A change of
 * the window's size is said with the size. */
static int run_signals(int argc, char **argv)
{
	sigset_t all;
	int signal;

	(void)argc;
	(void)argv;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	puts("ready");
	fflush(stdout);
	while (sigwait(&all, &signal) == 0) {
		struct winsize w = { 0 };

		if (signal == SIGWINCH && ioctl(0, TIOCGWINSZ, &w) == 0)
			printf("WINCH %u %u\n", w.ws_row, w.ws_col);
		else
			printf("%s\n", sigabbrev_np(signal));
		fflush(stdout);
		if (signal == SIGTERM)
			return 42;
	}
	return 1;
}

/* Leave N orphans that end at once, and say how many zombies process 1 leaves of them after a while. */
static int run_orphans(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 10;

	for (int i = 0; i < count; i++) {
		if (fork() == 0) {
			if (fork() == 0)
				_exit(0);
			_exit(0);
		}
	}
	while (wait(NULL) > 0 || errno == EINTR)
		;
	puts("left");
	fflush(stdout);
	return 0;
}

/* Exchange two names again and again, in one step each time, until killed. */
static int run_swap(int argc, char **argv)
{
	if (argc != 3)
		return 64;
	while (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) == 0 ||
	       errno == EBUSY)
		;
	perror("probe: renameat2");
	return 1;
}

/* Hold on to the executable of any process that is not of our own file system, and write to it as soon
 * as it isn't busy. Says "held" and "wrote" into the file MARK. CVE-2019-5736. */
static void say_mark(const char *mark, const char *word)
{
	int fd = open(mark, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	if (fd >= 0)
		dprintf(fd, "%s\n", word);
	if (fd >= 0)
		close(fd);
}

static int exe_hold(const char *pid, const struct stat *own)
{
	char path[300];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == own->st_dev &&
	    st.st_ino == own->st_ino) {
		close(fd);
		return -1;
	}
	return fd;
}

static void exe_write(int held, const char *mark)
{
	char path[64];
	struct stat now, then;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", held);
	for (int i = 0; i < 400; i++) {
		int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

		if (fd >= 0 && fstat(fd, &then) == 0 && write(fd, "x", 1) == 1 &&
		    fstat(fd, &now) == 0 && now.st_size > then.st_size)
			say_mark(mark, "wrote");
		if (fd >= 0 || errno != ETXTBSY)
			return;
		usleep(1000);
	}
}

static int run_overwrite(int argc, char **argv)
{
	struct stat own, other;

	if (argc != 2 || stat("/proc/self/exe", &own) < 0 || stat("/bin/busybox", &other) < 0)
		return 64;
	for (;;) {
		DIR *dir = opendir("/proc");
		struct dirent *e;

		while (dir && (e = readdir(dir))) {
			struct stat st;
			int fd = atoi(e->d_name) > 0 ? exe_hold(e->d_name, &own) : -1;

			if (fd < 0)
				continue;
			if (fstat(fd, &st) < 0 || st.st_ino != other.st_ino ||
			    st.st_dev != other.st_dev) {
				say_mark(argv[1], "held");
				exe_write(fd, argv[1]);
			}
			close(fd);
		}
		if (dir)
			closedir(dir);
	}
}

/* End by that signal. */
static int run_die(int argc, char **argv)
{
	int number = argc > 1 ? atoi(argv[1]) : SIGKILL;

	signal(number, SIG_DFL);
	raise(number);
	return 1;
}

const struct verb act_verbs[] = {
	{ "memory", "MIB", run_memory },        { "spin", "", run_spin },
	{ "signals", "", run_signals },         { "swap", "A B", run_swap },
	{ "overwrite", "MARK", run_overwrite }, { "orphans", "COUNT", run_orphans },
	{ "die", "SIGNAL", run_die },           { 0 },
};
