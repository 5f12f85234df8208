#include "ctr/format.h"

#include "base/clock.h"
#include "ctr/template.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define JSON_PRETTY \
	(JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

void format_json(struct json_object *doc, struct str *out)
{
	str_add(out, json_object_to_json_string_ext(doc, JSON_PRETTY));
	str_add(out, "\n");
}

/* ---- templates --------------------------------------------------------------------- */

int format_render(const char *format, struct json_object *doc, struct str *out, struct err *err)
{
	return template_render(format, doc, out, err);
}

/* ".State.Pid" of the first action in a cell: PID. Text alone is its own heading. */
static void put_heading(const char *cell, struct str *out)
{
	const char *end = strstr(cell, "}}"), *name = NULL;

	for (const char *p = strstr(cell, "{{"); p && p < end; p++)
		if (*p == '.' && isalpha((unsigned char)p[1]))
			name = p + 1;
	for (; name && isalnum((unsigned char)*name); name++)
		str_printf(out, "%c", toupper((unsigned char)*name));
	if (!name)
		str_add(out, cell);
}

/* Split at tabs of the shell's making, and at those that are written as two characters. */
static void cells_split(const char *format, struct strv *cells)
{
	CLEAN(str) struct str text = { 0 };

	str_add(&text, "");
	for (; *format; format++) {
		bool tab = str_starts(format, "\\t");

		format += tab;
		str_add_bytes(&text, tab ? "\t" : format, 1);
	}
	strv_split(cells, text.text, '\t');
}

/* "table {{.A}}\t{{.B}}", as docker and podman have it: columns with a heading. */
static int table_render(const char *format, struct json_object *list, struct str *out,
			struct err *err)
{
	CLEAN(strv) struct strv cells = { 0 };
	struct table t = { 0 };
	int r = 0;

	cells_split(format, &cells);
	t.columns = cells.count;
	for (size_t i = 0; i < cells.count; i++) {
		CLEAN(str) struct str heading = { 0 };

		put_heading(cells.items[i], &heading);
		strv_add(&t.cells, heading.text);
	}
	for (size_t n = 0; n < json_object_array_length(list) * cells.count && r >= 0; n++) {
		CLEAN(str) struct str cell = { 0 };

		str_add(&cell, "");
		r = format_render(cells.items[n % cells.count],
				  json_object_array_get_idx(list, n / cells.count), &cell, err);
		strv_add(&t.cells, cell.text);
	}
	if (r >= 0)
		table_print(&t, true, out);
	strv_free(&t.cells);
	return r;
}

int format_list(const char *format, struct json_object *list, struct str *out, struct err *err)
{
	int r = 0;

	if (!format || str_eq(format, "json")) {
		format_json(list, out);
		return 0;
	}
	if (str_starts(format, "table "))
		return table_render(format + strlen("table "), list, out, err);
	for (size_t i = 0; i < json_object_array_length(list) && r >= 0; i++) {
		r = format_render(format, json_object_array_get_idx(list, i), out, err);
		str_add(out, "\n");
	}
	return r;
}

/* ---- tables ------------------------------------------------------------------------ */

void table_print(const struct table *t, bool heading, struct str *out)
{
	CLEAN(free) size_t *width = xcalloc(t->columns, sizeof(*width));

	for (size_t i = 0; i < t->cells.count; i++) {
		size_t len = strlen(t->cells.items[i]);

		if (len > width[i % t->columns])
			width[i % t->columns] = len;
	}
	for (size_t i = heading ? 0 : t->columns; i < t->cells.count; i++) {
		bool last = i % t->columns == t->columns - 1;
		size_t len = strlen(t->cells.items[i]);

		str_add_shown(out, t->cells.items[i], false);
		if (last)
			str_add(out, "\n");
		else
			str_printf(out, "%*s", (int)(width[i % t->columns] - len) + 3, "");
	}
}

/* ---- sizes and times ------------------------------------------------------------------------- */

void format_bytes(uint64_t bytes, bool binary, struct str *out)
{
	static const char *const units[][2] = { { "B", "B" },    { "kB", "KiB" }, { "MB", "MiB" },
						{ "GB", "GiB" }, { "TB", "TiB" }, { "PB", "PiB" },
						{ "EB", "EiB" } };
	double n = (double)bytes, step = binary ? 1024 : 1000;
	size_t i = 0;

	while (n >= step && i + 1 < ARRAY_LEN(units)) {
		n /= step;
		i++;
	}
	str_printf(out, "%.4g%s", n, units[i][binary]);
}

void format_duration(uint64_t seconds, struct str *out)
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = {
		{ 365 * 86400, "year" }, { 30 * 86400, "month" }, { 7 * 86400, "week" },
		{ 86400, "day" },        { 3600, "hour" },        { 60, "minute" },
		{ 1, "second" },
	};

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		uint64_t n = seconds / units[i].seconds;

		if (n) {
			str_printf(out, "%llu %s%s", (unsigned long long)n, units[i].name,
				   n == 1 ? "" : "s");
			return;
		}
	}
	str_add(out, "less than a second");
}

void format_time(uint64_t unix_ms, char ret[32])
{
	ret[0] = '\0';
	if (unix_ms)
		clock_utc_text(unix_ms, ret);
}

uint64_t format_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}
