/* ctr stats */
#include "ctr/verbs.h"

#include "base/clock.h"
#include "base/json.h"
#include "cli/when.h"
#include "ctr/format.h"
#include "ctr/stats_row.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* The first share of the processors is measured over this. */
#define FIRST_MS 500
#define INTERVAL_MS 5000

const struct opt_row stats_rows[] = {
	{ "all", NULL, "Show those that don't run too", .kind = OPT_FLAG, .letter = 'a',
	  OPT_TO(struct stats_flags, all) },
	{ "format", "FORMAT",
	  "json, or a template: '{{.Name}} {{.CPUPerc}}'; fields ID Name State Source CPUPerc MemUsage "
	  "MemPerc NetIO BlockIO PIDs PSI, and the numbers behind them; see ctr-stats(1)",
	  "json", .kind = OPT_STRING, OPT_TO(struct stats_flags, format) },
	{ "interval", "TIME", "How long between two: 5s (default), 500ms; a number is in seconds",
	  .kind = OPT_STRING, .letter = 'i', OPT_TO(struct stats_flags, interval) },
	{ "no-stream", NULL, "Once, and that's all", .kind = OPT_FLAG,
	  OPT_TO(struct stats_flags, no_stream) },
	{ "no-reset", NULL, "Don't clear the terminal in between", .kind = OPT_FLAG,
	  OPT_TO(struct stats_flags, no_reset) },
	{ "no-trunc", NULL, "Don't shorten ids", .kind = OPT_FLAG,
	  OPT_TO(struct stats_flags, no_trunc) },
	{ 0 },
};

/* The default columns: fields of a row. */
static const struct {
	const char *heading, *field;
} columns[] = {
	{ "ID", "ID" },
	{ "NAME", "Name" },
	{ "CPU %", "CPUPerc" },
	{ "MEM USAGE / LIMIT", "MemUsage" },
	{ "MEM %", "MemPerc" },
	{ "NET IO", "NetIO" },
	{ "BLOCK IO", "BlockIO" },
	{ "PIDS", "PIDs" },
	{ "PSI CPU / MEM / IO", "PSI" },
};

/* ---- from one look to the next ------------------------------------------------------- */

/* By id: a name may be another container's the next time. */
struct seen {
	char *id;
	struct stats_sample sample;
};

struct looks {
	struct seen *items;
	size_t count;
};

static void looks_free(struct looks *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->items[i].id);
	free(l->items);
	*l = (struct looks){ 0 };
}
CLEAN_DEFINE(looks, struct looks, looks_free)

static void looks_add(struct looks *l, const struct container *c, const struct stats_sample *s)
{
	l->items = xrealloc(l->items, l->count + 1, sizeof(*l->items));
	l->items[l->count++] =
		(struct seen){ xstrdup(c->state.id ? c->state.id : c->state.name), *s };
}

static const struct stats_sample *looks_find(const struct looks *l, const struct container *c)
{
	static const struct stats_sample none;

	for (size_t i = 0; i < l->count; i++)
		if (str_eq(l->items[i].id, c->state.id ? c->state.id : c->state.name))
			return &l->items[i].sample;
	return &none;
}

static bool wanted(const struct call *call, const struct container *c)
{
	const struct stats_flags *f = call->flags;

	return call->count || f->all || c->state.status == STATUS_RUNNING ||
	       c->state.status == STATUS_PAUSED;
}

/*
 * One look at all that were asked for. Who isn't there (any more) is left out, but for the first look at
 * one that was named. `looks` is that before, and becomes this.
 */
static int look(struct call *call, int root, bool first, struct looks *looks,
		struct json_object *rows, struct err *err)
{
	const struct stats_flags *f = call->flags;
	CLEAN(strv) struct strv names = { 0 };
	struct looks now = { 0 };
	int r = 0;

	for (int i = 0; i < call->count; i++)
		strv_add(&names, call->args[i]);
	if (!call->count)
		r = state_list(root, &names, err);
	for (size_t i = 0; i < names.count && r >= 0; i++) {
		CLEAN(container) struct container c = CONTAINER_INIT;
		struct stats_sample s;
		struct err why = { 0 };

		if (container_open(root, names.items[i], &c, &why) < 0) {
			if (first && call->count) {
				*err = why;
				r = -why.code;
			}
			continue;
		}
		container_note_end(&c);
		if (!wanted(call, &c))
			continue;
		stats_sample(&c, &s);
		json_object_array_add(rows, stats_row(&c, looks_find(looks, &c), &s, f->no_trunc));
		looks_add(&now, &c, &s);
	}
	looks_free(looks);
	*looks = now;
	return r;
}

/* ---- output ------------------------------------------------------------------------ */

static void print_table(struct json_object *rows, struct str *out)
{
	struct table t = { .columns = ARRAY_LEN(columns) };

	for (size_t i = 0; i < t.columns; i++)
		strv_add(&t.cells, columns[i].heading);
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		for (size_t k = 0; k < t.columns; k++)
			strv_add(&t.cells, json_object_get_string(
						   json_object_object_get(row, columns[k].field)));
	}
	table_print(&t, true, out);
	strv_free(&t.cells);
}

/* Returns 0, or the exit status with words said. */
static int print(const struct call *call, struct json_object *rows)
{
	const struct stats_flags *f = call->flags;
	bool json = str_eq(f->format, "json");
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };

	if (!f->format && !f->no_reset && !f->no_stream && isatty(STDOUT_FILENO))
		str_add(&out, "\033[2J\033[1;1H");
	if (!f->format)
		print_table(rows, &out);
	/* Of a stream each document is a line: who reads it knows where it ends. */
	else if (format_list(json && !f->no_stream ? "{{json .}}" : f->format, rows, &out, &err) <
		 0)
		return call_fail(call, &err);
	return call_print(call, out.text, out.len);
}

static void sleep_until(uint64_t then_ns)
{
	uint64_t now = clock_now_ns();

	while (now < then_ns) {
		uint64_t ms = (then_ns - now) / 1000000 + 1;

		(void)poll(NULL, 0, ms < INT_MAX ? (int)ms : INT_MAX);
		now = clock_now_ns();
	}
}

static int stream(struct call *call, int root, uint64_t interval_ms, struct err *err)
{
	const struct stats_flags *f = call->flags;
	CLEAN(looks) struct looks looks = { 0 };
	uint64_t next = clock_now_ns();
	bool first = true;
	int status = 0;

	while (!status) {
		CLEAN(json) struct json_object *rows = json_object_new_array();
		int r = look(call, root, first, &looks, rows, err);

		if (r < 0)
			return call_fail(call, err);
		if (!first)
			status = print(call, rows);
		if (!first && f->no_stream)
			return status;
		next += (first && interval_ms > FIRST_MS ? FIRST_MS : interval_ms) * 1000000;
		first = false;
		sleep_until(next);
	}
	return status;
}

int verb_stats(struct call *call)
{
	const struct stats_flags *f = call->flags;
	uint64_t interval_ms = INTERVAL_MS;
	struct err err = { 0 };
	CLEAN(fd) int root = call_root(call, &err);
	int r = root;

	if (r >= 0 && f->all && call->count)
		r = err_set(&err, EINVAL, "--all and names: give one or the other");
	if (r >= 0 && f->interval)
		r = when_span("interval", f->interval, &interval_ms, &err);
	return r < 0 ? call_fail(call, &err) : stream(call, root, interval_ms, &err);
}
