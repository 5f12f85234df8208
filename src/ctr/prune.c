/* ctr prune */
#include "ctr/verbs.h"

#include "cli/when.h"
#include "ctr/format.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES 512
#define HALF_SECONDS 60

const struct opt_row prune_rows[] = {
	{ "force", NULL, "Don't ask", .kind = OPT_FLAG, .letter = 'f',
	  OPT_TO(struct prune_flags, force) },
	{ "filter", "KEY=VALUE",
	  "Only those that were made before then (until=24h, until=2026-01-31), or have, or don't have, "
	  "that annotation (label=KEY[=VALUE], label!=KEY[=VALUE])",
	  "until= label=", .kind = OPT_LIST, OPT_TO(struct prune_flags, filter) },
	{ 0 },
};

struct pruning {
	uint64_t until_ms; /* UINT64_MAX: whenever they were made */
	uint64_t bytes;
};

/* ---- which ------------------------------------------------------------------------- */

/* "label=a=b" -> "a=b", *ret_not false; NULL: no label. */
static const char *label_of(const char *filter, bool *ret_not)
{
	*ret_not = str_starts(filter, "label!=");
	if (*ret_not)
		return filter + strlen("label!=");
	return str_starts(filter, "label=") ? filter + strlen("label=") : NULL;
}

static int filters_read(const struct prune_flags *f, struct pruning *p, struct err *err)
{
	uint64_t now = format_now_ms();
	bool without;
	int r = 0;

	p->until_ms = UINT64_MAX;
	for (size_t i = 0; i < f->filter.count && r >= 0; i++) {
		const char *filter = f->filter.items[i], *label = label_of(filter, &without);

		if (str_starts(filter, "until="))
			r = when_moment("filter until", filter + strlen("until="), now,
					&p->until_ms, err);
		else if (!label || !*label || *label == '=')
			r = err_set(err, EINVAL,
				    "--filter: \"%s\" is not until=TIME, label=KEY[=VALUE] or "
				    "label!=KEY[=VALUE]",
				    filter);
	}
	return r;
}

/* KEY or KEY=VALUE */
static bool has_label(const struct state *s, const char *label)
{
	const char *equals = strchr(label, '=');
	CLEAN(free) char *key = xstrndup(label, equals ? (size_t)(equals - label) : strlen(label));
	const char *value = strv_env_get(&s->annotations, key);

	return value && (!equals || str_eq(value, equals + 1));
}

/*
 * One that nobody is making, though it isn't whole: its maker was killed. But a maker makes the folder before
 * he locks it, so it has to be there for a while.
 */
static bool is_half(const struct container *c)
{
	struct stat st;

	return !c->state.id && fstat(c->dir, &st) == 0 &&
	       (uint64_t)st.st_mtime + HALF_SECONDS < format_now_ms() / 1000;
}

static bool wanted(const struct prune_flags *f, const struct pruning *p, const struct state *s)
{
	bool without;

	if (s->status != STATUS_STOPPED || s->created_unix_ms > p->until_ms)
		return false;
	for (size_t i = 0; i < f->filter.count; i++) {
		const char *label = label_of(f->filter.items[i], &without);

		if (label && has_label(s, label) == without)
			return false;
	}
	return true;
}

/* ---- doing it ------------------------------------------------------------------------ */

static uint64_t folder_bytes(int folder)
{
	CLEAN(fd) int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	uint64_t bytes = 0;
	struct stat st;

	if (dir)
		take_fd(&fd);
	while (dir && (entry = readdir(dir)))
		if (!str_eq(entry->d_name, "..") &&
		    fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			bytes += (uint64_t)st.st_blocks * BLOCK_BYTES;
	return bytes;
}

/* One that runs again, or was removed by somebody else, is no failure. */
static int prune_one(struct call *call, int root, const char *name, struct pruning *p)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(free) char *id = NULL;
	CLEAN(str) struct str line = { 0 };
	struct err err = { 0 };
	uint64_t bytes;
	int r = container_open(root, name, &c, &err);

	if (r == -ENOENT)
		return 0;
	if (r >= 0 && (!wanted(call->flags, p, &c.state) || (!c.state.id && !is_half(&c))))
		return 0;
	bytes = r < 0 ? 0 : folder_bytes(c.dir);
	id = xstrdup(c.state.id ? c.state.id : name);
	if (r >= 0)
		r = container_delete(&c, !c.state.id, &call->warnings, &err);
	call_warn(call);
	if (r == -ENOENT || r == -EBUSY)
		return 0;
	if (r < 0)
		return call_fail(call, &err);
	p->bytes += bytes;
	str_printf(&line, "%s\n", id);
	return call_print(call, line.text, line.len);
}

/* Read byte by byte: what follows the line is another program's. */
static int ask(const struct call *call, bool *ret_yes)
{
	static const char text[] = "WARNING! This will remove all containers that have ended.\n"
				   "Are you sure you want to continue? [y/N] ";
	struct err err = { 0 };
	char answer[8] = "", c;
	size_t len = 0;
	int status = call_print(call, text, sizeof(text) - 1);
	ssize_t n = 0;

	while (!status && (n = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n')
		if (len < sizeof(answer) - 1)
			answer[len++] = c;
	if (!status && n <= 0 && !len) {
		err_set(&err, EINVAL, "nobody answers; say --force where nobody can be asked");
		return call_fail(call, &err);
	}
	*ret_yes = strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
	return status;
}

static int prune_all(struct call *call, int root, struct pruning *p, struct err *err)
{
	CLEAN(strv) struct strv names = { 0 };
	CLEAN(str) struct str line = { 0 };
	int status = 0, r = state_list(root, &names, err);

	if (r < 0)
		return call_fail(call, err);
	for (size_t i = 0; i < names.count; i++) {
		r = prune_one(call, root, names.items[i], p);
		status = r > status ? r : status;
	}
	str_add(&line, "Total reclaimed space: ");
	format_bytes(p->bytes, false, &line);
	str_add(&line, "\n");
	r = call_print(call, line.text, line.len);
	return r ? r : status;
}

int verb_prune(struct call *call)
{
	const struct prune_flags *f = call->flags;
	struct pruning p = { 0 };
	struct err err = { 0 };
	bool yes = f->force;
	CLEAN(fd) int root = call_root(call, &err);
	int r = root < 0 ? root : filters_read(f, &p, &err), status = 0;

	if (r < 0)
		return call_fail(call, &err);
	if (!yes)
		status = ask(call, &yes);
	return status || !yes ? status : prune_all(call, root, &p, &err);
}
