#include "base/spawn.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/*
 * The kernel's word that our parent is gone comes only if we asked before. One that went earlier has
 * closed its end of the pipe, which nobody else has: getppid() says nothing from another pid namespace.
 */
static void die_with_parent(const int words[2])
{
	struct pollfd p = { .fd = words[1] };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(words[0]);
	if (poll(&p, 1, 0) > 0 && p.revents & POLLERR)
		_exit(126);
}

__attribute__((noreturn)) static void become(const struct spawn *s, const int words[2])
{
	char *const none[] = { NULL };
	sigset_t empty;

	/* A process group of its own, so that a time-out ends what it started as well. */
	setpgid(0, 0);
	die_with_parent(words);
	sigemptyset(&empty);
	sigprocmask(SIG_SETMASK, &empty, NULL);
	if (dup2(s->in, 0) < 0 || dup2(words[1], 2) < 0 ||
	    (s->catch_output && dup2(words[1], 1) < 0))
		_exit(126);
	fd_cloexec_from(3);
	execve(s->path, s->argv, s->env ? s->env : none);
	dprintf(2, "exec %s: %s", s->path, strerror(errno));
	_exit(127);
}

/* Milliseconds until `end`, for poll; -1: for ever. */
static int left_ms(const struct spawn *s, uint64_t end)
{
	uint64_t now = clock_now_ns();

	if (s->timeout_ms < 0)
		return -1;
	return now >= end ? 0 : (int)((end - now) / 1000000) + 1;
}

/* Collect its words until it ends or its time is over. */
static int watch(const struct spawn *s, int pidfd, int words, struct str *text, int *ret_status)
{
	uint64_t end = clock_now_ns() + (uint64_t)s->timeout_ms * 1000000u;
	char part[512];
	ssize_t n;

	for (;;) {
		struct pollfd p[2] = { { .fd = pidfd, .events = POLLIN },
				       { .fd = words, .events = POLLIN } };
		int ready = poll(p, 2, left_ms(s, end));

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0)
			return -ETIMEDOUT;
		n = p[1].revents ? read(words, part, sizeof(part)) : 0;
		if (n > 0 && text && text->len < SPAWN_WORDS_MAX)
			str_add_bytes(text, part, (size_t)n);
		if (n > 0)
			continue;
		/* Its stderr may live on in what it left in the background: its own end counts. */
		if (p[0].revents)
			return process_wait(pidfd, ret_status);
		if (p[1].revents)
			words = -1;
	}
}

static void words_cut(struct str *text)
{
	if (!text || !text->len)
		return;
	if (text->len > SPAWN_WORDS_MAX)
		text->len = SPAWN_WORDS_MAX;
	while (text->len && text->text[text->len - 1] == '\n')
		text->len--;
	text->text[text->len] = '\0';
}

int spawn_wait(const struct spawn *s, struct str *ret_words, int *ret_status)
{
	CLEAN(fd) int pidfd = -1;
	int words[2], rc;
	pid_t pid;

	if (pipe2(words, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	pid = process_clone(0, -1, &pidfd);
	if (pid == 0)
		become(s, words);
	close(words[1]);
	rc = pid < 0 ? pid : watch(s, pidfd, words[0], ret_words, ret_status);
	if (rc == -ETIMEDOUT) {
		kill(-pid, SIGKILL);
		(void)!process_signal(pidfd, SIGKILL);
		(void)!process_wait(pidfd, ret_status);
	}
	close(words[0]);
	words_cut(ret_words);
	return rc;
}
