/* A container's processes by the host's ps(1): there may be none inside. */
#include "cli/ps_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct pids {
	const pid_t *items;
	size_t count;
};

static bool is_ours(const struct pids *pids, long pid)
{
	for (size_t i = 0; i < pids->count; i++)
		if (pids->items[i] == pid)
			return true;
	return false;
}

/* Which word of a line this is, counted from 0; NULL behind the last. */
static const char *word_at(const char *line, int n)
{
	line += strspn(line, " \n");
	while (n-- > 0 && *line) {
		line += strcspn(line, " \n");
		line += strspn(line, " \n");
	}
	return *line ? line : NULL;
}

static int pid_column(const char *title)
{
	const char *word;

	for (int i = 0; (word = word_at(title, i)); i++)
		if (strcspn(word, " \n") == 3 && strncmp(word, "PID", 3) == 0)
			return i;
	return -1;
}

/* The title, and those lines that are about one of the pids. */
static int pick(FILE *from, const struct pids *pids, struct str *out, struct err *err)
{
	CLEAN(free) char *line = NULL;
	size_t room = 0;
	int column = -1;

	while (getline(&line, &room, from) > 0) {
		const char *word;

		if (column < 0) {
			column = pid_column(line);
			if (column < 0)
				return err_set(err, EINVAL,
					       "ps prints no column PID with these options");
			str_add(out, line);
			continue;
		}
		word = word_at(line, column);
		if (word && is_ours(pids, strtol(word, NULL, 10)))
			str_add(out, line);
	}
	return 0;
}

__attribute__((noreturn)) static void run_ps(char **options, int to)
{
	CLEAN(strv) struct strv args = { 0 };

	strv_add(&args, "ps");
	if (!*options)
		strv_add(&args, "-ef");
	while (*options)
		strv_add(&args, *options++);
	if (dup2(to, STDOUT_FILENO) < 0)
		_exit(126);
	execvp("ps", args.items);
	_exit(127);
}

int ps_table(char **options, const pid_t *pids, size_t count, struct str *out, struct err *err)
{
	const struct pids ours = { pids, count };
	CLEAN(file) FILE *from = NULL;
	size_t before = out->len;
	int ends[2], status = 0, r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");
	pid = fork();
	if (pid == 0)
		run_ps(options, ends[1]);
	close(ends[1]);
	from = fdopen(ends[0], "r");
	r = pid < 0 || !from ? err_sys(err, "run ps") : pick(from, &ours, out, err);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && status && r == 0 && out->len == before)
		r = err_set(err, EINVAL, "ps failed with these options (is it installed?)");
	return r;
}
