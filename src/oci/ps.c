/* ps */
#include "oci/oci.h"

#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const struct opt_row oci_ps_rows[] = {
	{ "format", "FORMAT", "table (default), by ps(1) and its options, or json: the pids",
	  "table json", .kind = OPT_STRING, .letter = 'f', OPT_TO(struct oci_ps_flags, format) },
	{ 0 },
};

struct pids {
	pid_t *items;
	size_t count;
};

static bool is_ours(const struct pids *pids, long pid)
{
	for (size_t i = 0; i < pids->count; i++)
		if (pids->items[i] == pid)
			return true;
	return false;
}

/* A bare array: what containerd's shim takes. */
static int print_json(const struct call *call, const struct pids *pids)
{
	CLEAN(json) struct json_object *list = json_object_new_array();
	CLEAN(str) struct str out = { 0 };

	for (size_t i = 0; i < pids->count; i++)
		json_object_array_add(list, json_object_new_int(pids->items[i]));
	str_printf(&out, "%s\n", json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN));
	return call_print(call, out.text, out.len);
}

/* ---- by ps(1) ---------------------------------------------------------------------- */

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

static int run_ps(char **options, int to)
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

static int print_table(const struct call *call, const struct pids *pids, struct err *err)
{
	CLEAN(str) struct str out = { 0 };
	CLEAN(file) FILE *from = NULL;
	int ends[2], status = 0, r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");
	pid = fork();
	if (pid == 0)
		run_ps(call->args + 1, ends[1]);
	close(ends[1]);
	from = fdopen(ends[0], "r");
	r = pid < 0 || !from ? err_sys(err, "run ps") : pick(from, pids, &out, err);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && status && r == 0 && !out.len)
		r = err_set(err, EINVAL, "ps failed (is it installed? --format json needs no ps)");
	return r < 0 ? r : call_print(call, out.text, out.len);
}

int oci_verb_ps(struct call *call)
{
	const struct oci_ps_flags *f = call->flags;
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(free) pid_t *items = NULL;
	struct pids pids = { 0 };
	struct err err = { 0 };
	int r = oci_open(call, &c, &err);

	if (r == 0 && f->format && !str_eq(f->format, "json") && !str_eq(f->format, "table"))
		r = err_set(&err, EINVAL, "--format: \"%s\" is neither table nor json", f->format);
	if (r == 0)
		r = container_pids(&c, &items, &pids.count, &err);
	pids.items = items;
	if (r == 0)
		r = str_eq(f->format, "json") ? print_json(call, &pids) :
						print_table(call, &pids, &err);
	return r < 0 ? call_fail(call, &err) : r;
}
