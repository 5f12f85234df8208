/*
 * The small init (--init): process 1 of a container whose payload was not made to be one. It reaps
 * what is orphaned, passes signals on to the payload, and ends with the payload's status.
 *
 * Without any library and linked by itself: it stays in the container as long as that lives, so it is
 * small (one page of memory of its own), and nothing of ctr's memory or executable is in there with
 * it. ctr carries it as bytes and executes it from a sealed memfd.
 *
 *   ctr-init FILE ARG0 [ARG...]    executes FILE with ARG0... and the environment as it is
 */
#include "base/raw.h"

#include <asm/unistd.h>
#include <linux/signal.h>
#include <linux/wait.h>
#include <stddef.h>

#define TIOCSPGRP 0x5410
#define EXIT_LOST 127
#define SIGNALS_ALL (~0ul)

static long sys(long n, long a, long b, long c, long d)
{
	return raw_call(n, a, b, c, d, 0, 0);
}

#if defined(__x86_64__)
/* The kernel leaves argc, argv, envp on the stack, which a call wants aligned. */
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall init_main\n");
#else
__asm__(".globl _start\n_start:\n\tmov x0, sp\n\tbl init_main\n");
#endif

__attribute__((noreturn)) static void leave(int status)
{
	for (;;)
		sys(__NR_exit_group, status, 0, 0, 0);
}

static void signals_block(unsigned long set)
{
	sys(__NR_rt_sigprocmask, SIG_SETMASK, (long)&set, 0, sizeof(set));
}

/* Sockets of a service manager's are for the process with this pid (sd_listen_fds(3)): for the payload. */
static void put_listen_pid(char **env, long pid)
{
	static const char from[] = "LISTEN_PID=0000000000";
	const size_t name = sizeof("LISTEN_PID=") - 1;
	char digits[20];
	size_t n = 0, i;

	for (; *env; env++) {
		for (i = 0; from[i] && (*env)[i] == from[i]; i++)
			;
		if (i == sizeof(from) - 1 && !(*env)[i])
			break;
	}
	if (!*env)
		return;
	for (; pid; pid /= 10)
		digits[n++] = (char)('0' + pid % 10);
	for (i = 0; i < n; i++)
		(*env)[name + i] = digits[n - 1 - i];
	(*env)[name + n] = '\0';
}

__attribute__((noreturn)) static void payload(char **argv, char **env)
{
	int group;

	/* A group of its own in the foreground of the terminal, if there is one, as a shell would. */
	sys(__NR_setpgid, 0, 0, 0, 0);
	group = (int)sys(__NR_getpid, 0, 0, 0, 0);
	sys(__NR_ioctl, 0, TIOCSPGRP, (long)&group, 0);
	put_listen_pid(env, group);
	signals_block(0);
	sys(__NR_execve, (long)argv[0], (long)(argv + 1), (long)env, 0);
	leave(EXIT_LOST);
}

/* Reap all that has ended; the payload's end is ours. */
static void reap(long payload_pid)
{
	int status;
	long pid;

	while ((pid = sys(__NR_wait4, -1, (long)&status, WNOHANG, 0)) > 0)
		if (pid == payload_pid)
			leave((status & 0x7f) ? 128 + (status & 0x7f) : (status >> 8) & 0xff);
}

__attribute__((noreturn, used)) void init_main(long *stack);

void init_main(long *stack)
{
	long argc = stack[0];
	char **argv = (char **)(stack + 1), **env = argv + argc + 1;
	unsigned long all = SIGNALS_ALL;
	long pid;

	if (argc < 3)
		leave(EXIT_LOST);
	signals_block(SIGNALS_ALL);
	pid = sys(__NR_clone, SIGCHLD, 0, 0, 0);
	if (pid == 0)
		payload(argv + 1, env);
	if (pid < 0)
		leave(EXIT_LOST);
	for (;;) {
		long signal = sys(__NR_rt_sigtimedwait, (long)&all, 0, 0, sizeof(all));

		if (signal == SIGCHLD)
			reap(pid);
		else if (signal > 0 && signal != SIGTTIN && signal != SIGTTOU)
			sys(__NR_kill, pid, signal, 0, 0);
	}
}
