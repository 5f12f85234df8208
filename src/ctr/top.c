/* ctr top: the processes of a container. Nothing is needed inside of it, but for a micro-VM's init. */
#include "ctr/verbs.h"

#include "cli/ps_table.h"
#include "ctr/format.h"
#include "runtime/processes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

/* ---- columns ----------------------------------------------------------------------- */

/* As we see a process, and as the container does: the one that is in the list with us. */
static pid_t inside_of(const struct procs *all, pid_t pid)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->items[i].pid == pid)
			return all->items[i].inside;
	return 0;
}

static void put_id(int64_t id, struct str *out)
{
	if (id < 0)
		str_add(out, "?");
	else if (id == 0)
		str_add(out, "root");
	else
		str_printf(out, "%" PRId64, id);
}

static void put_tty(int tty, struct str *out)
{
	unsigned int major_ = major((dev_t)tty), minor_ = minor((dev_t)tty);

	if (major_ >= 136 && major_ <= 143)
		str_printf(out, "pts/%u", (major_ - 136) * 256 + minor_);
	else if (major_ == 4)
		str_printf(out, minor_ < 64 ? "tty%u" : "ttyS%u",
			   minor_ < 64 ? minor_ : minor_ - 64);
	else
		str_add(out, tty ? "console" : "?");
}

/* [[DAYS-]HOURS:]MINUTES:SECONDS, as ps(1) has it; `long_form`: hours always. */
static void put_time(uint64_t ms, bool long_form, struct str *out)
{
	uint64_t s = ms / 1000, days = s / 86400, hours = s / 3600 % 24;

	if (days)
		str_printf(out, "%" PRIu64 "-", days);
	if (days || hours || long_form)
		str_printf(out, "%02" PRIu64 ":", hours);
	str_printf(out, "%02" PRIu64 ":%02" PRIu64, s / 60 % 60, s % 60);
}

static void put_args(const struct proc *p, struct str *out)
{
	if (p->args)
		str_add(out, p->args);
	else
		str_printf(out, "[%s]", p->comm);
}

static void put_seccomp(int mode, struct str *out)
{
	static const char *const words[] = { "disabled", "strict", "filter" };

	str_add(out, mode >= 0 && mode < (int)ARRAY_LEN(words) ? words[mode] : "?");
}

static void put_percent(const struct proc *p, struct str *out)
{
	str_printf(out, "%.3f",
		   p->elapsed_ms ? 100.0 * (double)p->cpu_ms / (double)p->elapsed_ms : 0.0);
}

/* How a member of struct proc is shown. */
enum kind {
	KIND_ARGS,
	KIND_COMM,
	KIND_ELAPSED,
	KIND_CPU_TIME,
	KIND_ID,
	KIND_PID,
	KIND_INT,
	KIND_KIB,
	KIND_PERCENT,
	KIND_SECCOMP,
	KIND_STATE,
	KIND_TTY,
};

#define AT(member) offsetof(struct proc, member)

/* podman's words for what can be asked. */
static const struct column {
	const char *word, *title;
	enum kind kind;
	size_t at;
} columns[] = {
	{ "args", "COMMAND", KIND_ARGS, 0 },
	{ "comm", "COMMAND", KIND_COMM, 0 },
	{ "etime", "ELAPSED", KIND_ELAPSED, 0 },
	{ "group", "GROUP", KIND_ID, AT(gid_in) },
	{ "hgroup", "HGROUP", KIND_ID, AT(gid) },
	{ "hpid", "HPID", KIND_ID, AT(hpid) },
	{ "huser", "HUSER", KIND_ID, AT(uid) },
	{ "nice", "NI", KIND_INT, AT(nice) },
	{ "pcpu", "%CPU", KIND_PERCENT, 0 },
	{ "pgid", "PGID", KIND_PID, AT(pgid) },
	{ "pid", "PID", KIND_INT, AT(inside) },
	{ "ppid", "PPID", KIND_PID, AT(ppid) },
	{ "rss", "RSS", KIND_KIB, AT(rss_bytes) },
	{ "seccomp", "SECCOMP", KIND_SECCOMP, 0 },
	{ "state", "STATE", KIND_STATE, 0 },
	{ "time", "TIME", KIND_CPU_TIME, 0 },
	{ "tty", "TTY", KIND_TTY, 0 },
	{ "user", "USER", KIND_ID, AT(uid_in) },
	{ "vsz", "VSZ", KIND_KIB, AT(vsz_bytes) },
};

static const char *const default_columns[] = { "user",  "pid", "hpid", "ppid", "pcpu",
					       "etime", "tty", "time", "args" };

static void put_cell(const struct column *column, const struct proc *p, const struct procs *all,
		     struct str *out)
{
	const void *at = (const char *)p + column->at;

	switch (column->kind) {
	case KIND_ARGS:
		put_args(p, out);
		break;
	case KIND_COMM:
		str_add(out, p->comm);
		break;
	case KIND_ELAPSED:
		put_time(p->elapsed_ms, false, out);
		break;
	case KIND_CPU_TIME:
		put_time(p->cpu_ms, true, out);
		break;
	case KIND_ID:
		put_id(*(const int64_t *)at, out);
		break;
	case KIND_INT:
		str_printf(out, "%d", *(const int *)at);
		break;
	case KIND_PID:
		str_printf(out, "%d", (int)inside_of(all, *(const pid_t *)at));
		break;
	case KIND_KIB:
		str_printf(out, "%" PRIu64, *(const uint64_t *)at / 1024);
		break;
	case KIND_PERCENT:
		put_percent(p, out);
		break;
	case KIND_SECCOMP:
		put_seccomp(p->seccomp, out);
		break;
	case KIND_STATE:
		str_add_bytes(out, &p->state, 1);
		break;
	case KIND_TTY:
		put_tty(p->tty, out);
		break;
	}
}

static const struct column *column_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		if (str_eq(columns[i].word, word))
			return &columns[i];
	return NULL;
}

static void print_rows(const struct procs *all, const struct strv *wanted, struct str *out)
{
	struct table t = { .columns = wanted->count };

	for (size_t i = 0; i < wanted->count; i++)
		strv_add(&t.cells, column_of(wanted->items[i])->title);
	for (size_t n = 0; n < all->count; n++)
		for (size_t i = 0; i < wanted->count; i++) {
			CLEAN(str) struct str cell = { 0 };

			str_add(&cell, "");
			put_cell(column_of(wanted->items[i]), &all->items[n], all, &cell);
			strv_add(&t.cells, cell.text);
		}
	table_print(&t, true, out);
	strv_free(&t.cells);
}

/* ---- the verb ---------------------------------------------------------------------- */

/* The operands as columns; false when they are none, and so meant for ps(1). */
static bool columns_of(char **words, struct strv *ret)
{
	for (; *words; words++)
		strv_split(ret, *words, ',');
	for (size_t i = 0; i < ret->count; i++)
		if (!column_of(ret->items[i]))
			return false;
	if (!ret->count)
		for (size_t i = 0; i < ARRAY_LEN(default_columns); i++)
			strv_add(ret, default_columns[i]);
	return true;
}

static int print_own(struct container *c, const struct strv *wanted, struct str *out,
		     struct err *err)
{
	CLEAN(procs) struct procs all = { 0 };
	int r = container_processes(c, &all, err);

	if (r >= 0)
		print_rows(&all, wanted, out);
	return r;
}

static int print_by_ps(struct container *c, char **options, struct str *out, struct err *err)
{
	CLEAN(free) pid_t *pids = NULL;
	size_t count = 0;
	int r;

	if (c->state.vm)
		return err_set(
			err, ENOTSUP,
			"container \"%s\" is a micro-VM: this host's ps sees no process in it; "
			"name columns (ctr-top(1)), or run its own: ctr exec %s ps",
			c->state.name, c->state.name);
	r = container_pids(c, &pids, &count, err);

	return r < 0 ? r : ps_table(options, pids, count, out, err);
}

int verb_top(struct call *call)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(strv) struct strv wanted = { 0 };
	CLEAN(str) struct str out = { 0 };
	char **words = call->args + 1;
	struct err err = { 0 };
	CLEAN(fd) int root = call_root(call, &err);
	int r = root < 0 ? root : container_open(root, call->args[0], &c, &err);

	if (r >= 0 && c.pidfd < 0)
		r = err_set(&err, ESRCH, "container \"%s\" is %s: container not running",
			    c.state.name, status_name(c.state.status));
	if (r >= 0)
		r = columns_of(words, &wanted) ? print_own(&c, &wanted, &out, &err) :
						 print_by_ps(&c, words, &out, &err);
	return r < 0 ? call_fail(call, &err) : call_print(call, out.text, out.len);
}
